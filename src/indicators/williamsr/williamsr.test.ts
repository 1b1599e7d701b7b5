import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test.each([2, 14, 100])("equals TA-Lib's WILLR over %i bars", async (period) => {
  const bars = exampleBars(1000);
  const { output } = await taLib(bars, "WILLR", period - 1, { timePeriod: period });
  expectColumn(primaryOver(bars, "WilliamsR", { period }), output);
});

test("is in the middle of a range that is zero", () => {
  expect([...primaryOver(barsOf({ close: [5, 5, 5] }), "williams_r", { period: 2 })]).toEqual([
    NaN,
    -50,
    -50,
  ]);
});
