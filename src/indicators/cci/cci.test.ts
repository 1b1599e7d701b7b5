import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test.each([2, 5, 20, 201])("equals TA-Lib's CCI over %i bars", async (period) => {
  const bars = exampleBars(1000);
  const { output } = await taLib(bars, "CCI", period - 1, { timePeriod: period });
  // a deviation of some cents of a price near 100 loses three digits
  expectColumn(primaryOver(bars, "cci", { period }), output, 1e-8);
});

test("is 0 over equal prices, whose mean need not be exact", () => {
  const close = [3, ...Array.from({ length: 8 }, () => 0.1), 0.2];
  const values = primaryOver(barsOf({ close }), "cci", { period: 5 });
  expect([...values.subarray(5, 9)]).toEqual([0, 0, 0, 0]);
  // (0.2 - 0.12) / (0.015 * (4 * 0.02 + 0.08) / 5) = 0.08 / 0.00048
  expect(values[9]).toBeCloseTo(166.6666666667, 8);
});
