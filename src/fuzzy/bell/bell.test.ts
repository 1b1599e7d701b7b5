import { expect, test } from "vitest";
import { bell } from "./bell.js";

test("is 1 at the centre, 0.5 at the width and exact where the powers are", () => {
  // width 2, slope 4, centre 6: |(5 - 6) / 2|^8 = 1/256, |(10 - 6) / 2|^8 = 256
  const degrees = bell(Float64Array.of(6, 4, 8, 5, 10), 2, 4, 6);
  expect([...degrees]).toEqual([1, 0.5, 0.5, 256 / 257, 1 / 257]);
});

test("takes slopes that are no whole numbers", () => {
  // |(9 - 5) / 1|^(2 * 0.75) = 4^1.5 = 8; rounding of exp(1.5 log 4) to a few ulp
  expect(bell(Float64Array.of(9), 1, 0.75, 5)[0]).toBeCloseTo(1 / 9, 15);
});

test("NaN stays NaN and infinities have degree 0, for whole and broken slopes", () => {
  for (const slope of [2, 0.75, 40]) {
    const degrees = bell(Float64Array.of(NaN, -Infinity, Infinity), 3, slope, 1);
    expect([...degrees], `slope ${slope}`).toEqual([NaN, 0, 0]);
  }
});
