import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { neverCancelled } from "../../core/index.js";
import { cumulativeSum } from "./cumulative-sum.js";
import { slidingDeviation } from "./sliding-deviation.js";
import { SlidingRange } from "./sliding-range.js";
import { slidingMean, slidingSum } from "./sliding-sum.js";
import { exponentialMean } from "./smoothing.js";

/** 10^7 bars in the soak run, 10^5 otherwise. */
const long = Number(process.env["KTRDR_ROUNDS"] ?? 0) >= 200 ? 10_000_000 : 100_000;

/** Prices that wander over six orders of magnitude, with single values of 10^12: what running sums fail at. */
function harshSeries(n: number): Float64Array {
  const x = new Float64Array(n);
  let state = 7;
  for (let t = 0; t < n; t++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const unit = state / 2 ** 32;
    x[t] = t % 10_007 === 5000 ? 1e12 : (1 + unit) * (t % 50_000 < 25_000 ? 1e3 : 1e-3);
  }
  return x;
}

/** Sum with the error carried along, as a second opinion. */
function exactSum(x: Float64Array): number {
  let sum = 0;
  let lost = 0;
  for (const value of x) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

describe("far along a long series", () => {
  const x = harshSeries(long);
  const ends = Array.from({ length: 400 }, (_, k) => long - 1 - k * Math.floor(long / 500));

  test.each([2, 20, 200])("sums of %i are right to 1e-13", (period) => {
    const sums = slidingSum(x, period, neverCancelled);
    for (const t of ends) {
      const exact = exactSum(x.subarray(t - period + 1, t + 1));
      expect(Math.abs(sums[t] / exact - 1), `bar ${t}`).toBeLessThan(1e-13);
    }
  });

  test.each([2, 20, 200])("deviations over %i are those of two passes to 1e-12", (period) => {
    const deviations = slidingDeviation(x, period, neverCancelled);
    for (const t of ends) {
      const window = x.subarray(t - period + 1, t + 1);
      const mean = exactSum(window) / period;
      const exact = Math.sqrt(exactSum(window.map((value) => (value - mean) ** 2)) / period);
      expect(Math.abs(deviations[t] / exact - 1), `bar ${t}`).toBeLessThan(1e-12);
    }
  });

  test("a cumulative sum is right to 1e-15", () => {
    const sums = cumulativeSum(x, neverCancelled);
    expect(Math.abs(sums[long - 1] / exactSum(x) - 1)).toBeLessThan(1e-15);
  });
});

const series = fc
  .array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 })
  .map((x) => Float64Array.from(x));
const period = fc.integer({ min: 1, max: 25 });

/** What `of` says of each full window of `x`; NaN before. */
function overWindows(x: Float64Array, n: number, of: (window: Float64Array) => number): Float64Array {
  return x.map((_, t) => (t < n - 1 ? NaN : of(x.subarray(t - n + 1, t + 1))));
}

/** The highest values of `high` and the lowest of `low` as columns. */
function rangeColumns(high: Float64Array, low: Float64Array, n: number): [Float64Array, Float64Array] {
  const columns = [new Float64Array(high.length).fill(NaN), new Float64Array(high.length).fill(NaN)] as const;
  const ranges = new SlidingRange(high, low, n);
  while (ranges.next(neverCancelled)) {
    const { from, to, highest, lowest } = ranges;
    columns[0].set(highest.subarray(0, to - from), from);
    columns[1].set(lowest.subarray(0, to - from), from);
  }
  return [...columns];
}

test.each([10_000, 8192, 8191])("ranges over %i values, more or as many as a block holds, are right", (n) => {
  const x = harshSeries(3 * n + 17);
  const [highest, lowest] = rangeColumns(x, x, n);
  for (const t of [n - 2, n - 1, n, 8191, 8192, 2 * n - 2, 2 * n - 1, 2 * n, x.length - 1]) {
    const window = x.subarray(Math.max(0, t - n + 1), t + 1);
    expect(highest[t], `bar ${t}`).toBe(t < n - 1 ? NaN : window.reduce((a, b) => Math.max(a, b)));
    expect(lowest[t], `bar ${t}`).toBe(t < n - 1 ? NaN : window.reduce((a, b) => Math.min(a, b)));
  }
});

test("windows hold exactly the last values, wherever blocks begin and end", () => {
  fc.assert(
    fc.property(series, period, (x, n) => {
      const other = x.map((value) => value * 3 - 7);
      // whole numbers add up without rounding, so equality is exact
      expect(slidingSum(x, n, neverCancelled)).toEqual(
        overWindows(x, n, (window) => window.reduce((a, b) => a + b, 0)),
      );
      const [highest, lowest] = rangeColumns(x, other, n);
      expect(highest).toEqual(overWindows(x, n, (window) => Math.max(...window)));
      expect(lowest).toEqual(overWindows(other, n, (window) => Math.min(...window)));
    }),
  );
});

test("windows that begin later than the series see nothing before", () => {
  fc.assert(
    fc.property(series, period, fc.integer({ min: 0, max: 30 }), (x, n, from) => {
      const later = x.slice();
      later.fill(NaN, 0, Math.min(from, x.length));
      const kept = x.slice(from);
      const means: [Float64Array, Float64Array][] = [
        [slidingMean(later, n, neverCancelled, from), slidingMean(kept, n, neverCancelled)],
        [exponentialMean(later, n, neverCancelled, from), exponentialMean(kept, n, neverCancelled)],
      ];
      for (const [actual, expected] of means) expect(actual.subarray(from)).toEqual(expected);
    }),
  );
});

test("deviations are those of two passes", () => {
  fc.assert(
    fc.property(series, period, (x, n) => {
      const actual = slidingDeviation(x, n, neverCancelled);
      const expected = overWindows(x, n, (window) => {
        const mean = window.reduce((a, b) => a + b, 0) / n;
        return Math.sqrt(window.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
      });
      actual.forEach((value, t) => {
        if (t >= n - 1) expect(Math.abs(value - expected[t])).toBeLessThan(1e-12);
      });
    }),
  );
});

test("means of equal values keep that value where they are recursive, and have no deviation", () => {
  const x = new Float64Array(50).fill(0.1);
  expect(
    exponentialMean(x, 7, neverCancelled)
      .subarray(6)
      .every((value) => value === 0.1),
  ).toBe(true);
  expect(
    slidingDeviation(x, 7, neverCancelled)
      .subarray(6)
      .every((value) => value === 0),
  ).toBe(true);
});

test("nothing is left of a huge value that has passed", () => {
  const x = Float64Array.of(1e300, 3, 4, 5);
  expect([...slidingSum(x, 2, neverCancelled)]).toEqual([NaN, 1e300, 7, 9]);
  expect([...slidingDeviation(x, 2, neverCancelled).subarray(2)]).toEqual([0.5, 0.5]);
});
