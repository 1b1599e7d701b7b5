import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, outputsOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each([2, 14, 100])("equals TA-Lib's AROON and AROONOSC over %i bars", async (period) => {
  const { up, down, oscillator } = outputsOver(bars, "aroon", { period });
  const { aroonUp, aroonDown } = await taLib(bars, "AROON", period, { timePeriod: period });
  expectColumn(up, aroonUp);
  expectColumn(down, aroonDown);
  expectColumn(oscillator, (await taLib(bars, "AROONOSC", period, { timePeriod: period }))["output"]);
});

test("of equal extremes the latest counts", () => {
  const { up, down } = outputsOver(barsOf({ close: [5, 5, 5, 4, 5, 5, 4] }), "aroon", { period: 2 });
  expect([...up.subarray(2)]).toEqual([100, 50, 100, 100, 50]);
  expect([...down.subarray(2)]).toEqual([100, 100, 50, 0, 100]);
});

test("has no oscillator with include_oscillator: false", () => {
  expect(Object.keys(outputsOver(bars, "aroon", { include_oscillator: false }))).toEqual(["up", "down"]);
});
