import fc from "fast-check";
import { expect, test } from "vitest";
import { neverCancelled } from "../../core/index.js";
import { makeIndicatorSpec } from "../index.js";
import { barsOf, primaryOver } from "../../../test/indicator-sources.js";
import { lastPivot } from "./zigzag.js";

test("a pivot is in force from the bar that confirms it", () => {
  const close = [100, 104, 110, 120, 113, 108, 107, 112, 118, 119];
  const zigzag = primaryOver(barsOf({ close }), "ZigZag", { threshold: 0.1 });
  // up since 110 (+10 %); 120 confirmed by 108 (-10 %); 107 confirmed by 118 (+10.3 %), 112 (+4.7 %) did not
  expect([...zigzag]).toEqual([100, 100, 100, 100, 100, 120, 120, 120, 107, 107]);
});

test("without a swing the first bar stays the only pivot", () => {
  expect([...lastPivot(Float64Array.of(10, 10.2, 9.9, 10.1), 0.05, neverCancelled)]).toEqual([
    10, 10, 10, 10,
  ]);
});

test("every pivot after the first is an extreme between its neighbours, at least the threshold away", () => {
  const prices = fc.array(fc.integer({ min: 50, max: 150 }), { minLength: 2, maxLength: 80 });
  fc.assert(
    fc.property(prices, (close) => {
      const pivots: number[] = [];
      for (const value of lastPivot(Float64Array.from(close), 0.1, neverCancelled)) {
        if (value !== pivots.at(-1)) pivots.push(value);
      }
      for (let i = 2; i < pivots.length; i++) {
        expect(Math.abs(pivots[i] / pivots[i - 1] - 1)).toBeGreaterThanOrEqual(0.1 - 1e-12);
        if (i > 2) expect((pivots[i] - pivots[i - 1]) * (pivots[i - 1] - pivots[i - 2])).toBeLessThan(0);
      }
    }),
  );
});

test.each([0, 1, -0.1])("a threshold of %d is refused", (threshold) => {
  expect(() => makeIndicatorSpec("z", "zigzag", { threshold })).toThrow("threshold");
});
