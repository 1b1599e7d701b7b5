import fc from "fast-check";
import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";
import { neverCancelled } from "../../core/index.js";
import { rsi } from "./rsi.js";

test.each([2, 5, 14, 100])("equals TA-Lib's RSI over %i bars", async (period) => {
  const bars = exampleBars(1000);
  const { output } = await taLib(bars, "RSI", period, { timePeriod: period });
  expectColumn(primaryOver(bars, "rsi", { period }), output);
});

test("is 50 without movement, 100 without falls, 0 without rises", () => {
  expect([...rsi(Float64Array.of(3, 3, 3, 3, 3), 2, neverCancelled)]).toEqual([NaN, NaN, 50, 50, 50]);
  expect([...rsi(Float64Array.of(1, 2, 3, 4, 4), 2, neverCancelled)]).toEqual([NaN, NaN, 100, 100, 100]);
  expect([...rsi(Float64Array.of(4, 3, 2, 1, 1), 2, neverCancelled)]).toEqual([NaN, NaN, 0, 0, 0]);
});

test("stays within 0..100 and does not depend on the unit", () => {
  const prices = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 4, maxLength: 60 });
  fc.assert(
    fc.property(prices, (close) => {
      const values = primaryOver(barsOf({ close }), "rsi", { period: 3 }).subarray(3);
      const doubled = primaryOver(barsOf({ close: close.map((x) => 2 * x) }), "rsi", { period: 3 }).subarray(
        3,
      );
      expect(doubled).toEqual(values);
      for (const value of values) expect(value >= 0 && value <= 100).toBe(true);
    }),
  );
});
