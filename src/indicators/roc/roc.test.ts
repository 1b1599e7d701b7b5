import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test.each([1, 10])("equals TA-Lib's ROC over %i bars", async (period) => {
  const bars = exampleBars(200);
  const { output } = await taLib(bars, "ROC", period, { timePeriod: period });
  expectColumn(primaryOver(bars, "roc", { period }), output);
});

test("has no value where it would divide by zero", () => {
  const bars = barsOf({ close: [1, 1, 1], volume: [0, 2, 3] });
  expect([...primaryOver(bars, "roc", { period: 1, source: "volume" })]).toEqual([NaN, NaN, 50]);
});
