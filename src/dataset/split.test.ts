import fc from "fast-check";
import { expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { CancelledError } from "../core/index.js";
import { sharedBoundaries, splitSchema } from "./split.js";

const times = (...values: number[]): Float64Array => Float64Array.from(values);
const upTo = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i);
const split = (train: number, validation: number, test: number, embargo = 0) => ({
  train,
  validation,
  test,
  embargo,
});

test("252 bars split .7/.15/.15 at positions 176 and 214", () => {
  const { start, times: n } = sharedBoundaries([upTo(252)], split(0.7, 0.15, 0.15));
  expect([n, start]).toEqual([252, { train: 0, validation: 176, test: 214 }]);
});

test("positions are those of the decimal ratios, whatever their doubles add up to", () => {
  expect(0.7 + 0.2, "the doubles' sum").toBeLessThan(0.9);
  const hundredths = fc.tuple(fc.integer({ min: 1, max: 98 }), fc.integer({ min: 0, max: 98 }), fc.nat(3000));
  fc.assert(
    fc.property(hundredths, ([a, b, n]) => {
      fc.pre(a + b < 100);
      const { start } = sharedBoundaries([upTo(n)], split(a / 100, b / 100, (100 - a - b) / 100));
      const at = (position: number): number => (position < n ? position : Infinity);
      expect(start.validation).toBe(at(Math.floor((n * a) / 100)));
      expect(start.test).toBe(at(Math.floor((n * (a + b)) / 100)));
    }),
    { numRuns: rounds(2000, 200) },
  );
});

test("boundaries lie on the sorted union of all symbols' times", () => {
  const columns = fc.array(fc.uniqueArray(fc.nat(60), { maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(columns, (lists) => {
      const union = [...new Set(lists.flat())].sort((a, b) => a - b);
      const sorted = lists.map((list) => times(...list.sort((a, b) => a - b)));
      const found = sharedBoundaries(sorted, split(0.5, 0.25, 0.25, 2));
      const n = union.length;
      const [second, third] = [Math.floor(n / 2), Math.floor((3 * n) / 4)];
      expect(found).toEqual({
        times: n,
        start: {
          train: union[0] ?? Infinity,
          validation: union[second] ?? Infinity,
          test: union[third] ?? Infinity,
        },
        embargoEnd: {
          train: union[0] ?? Infinity,
          validation: union[Math.min(second + 2, third)] ?? Infinity,
          test: union[third + 2] ?? Infinity,
        },
      });
    }),
    { numRuns: rounds(2000, 200) },
  );
});

test("without validation, training ends where test begins", () => {
  const boundaries = sharedBoundaries([upTo(10)], split(0.8, 0, 0.2));
  expect(boundaries.start).toEqual({ train: 0, validation: 8, test: 8 });
});

test("merging the times stops when it is cancelled", () => {
  let looks = 0;
  const token = {
    get isCancelled() {
      return ++looks > 1;
    },
  };
  const column = upTo(100_000);
  expect(() => sharedBoundaries([column, column], split(0.5, 0.2, 0.3), token)).toThrow(CancelledError);
});

test("ratios are positive, add up to 1, and only validation may be 0", () => {
  const accepted = (value: unknown): boolean => splitSchema.safeParse(value).success;
  expect(splitSchema.parse({ train: 0.7, validation: 0.15, test: 0.15 })).toEqual(split(0.7, 0.15, 0.15));
  expect(accepted({ train: 0.8, validation: 0, test: 0.2 })).toBe(true);
  expect(accepted({ train: 1, validation: 0, test: 0 })).toBe(false);
  expect(accepted({ train: 0, validation: 0.5, test: 0.5 })).toBe(false);
  expect(accepted({ train: 0.7, validation: 0.15, test: 0.15, embargo: -1 })).toBe(false);
  expect(accepted({ train: 0.7, validation: 0.15, test: 0.15, gap: 1 })).toBe(false);
  expect(splitSchema.safeParse({ train: 0.7, validation: 0.1, test: 0.1 }).error?.issues[0]?.message).toBe(
    "train, validation and test add up to 0.9; they must add up to 1",
  );
});
