import { expect, test } from "vitest";
import { gaussian } from "./gaussian.js";

test("has the values of exp(-z^2 / 2) at whole sigmas", () => {
  // exp(-1/2), exp(-2), exp(-9/2) to 16 digits, from tables; the tolerance is 2 ulp.
  const [peak, one, two, three] = gaussian(Float64Array.of(50, 59, 32, 77), 50, 9);
  expect(peak).toBe(1);
  expect(one).toBeCloseTo(0.6065306597126334, 15);
  expect(two).toBeCloseTo(0.1353352832366127, 15);
  expect(three).toBeCloseTo(0.01110899653824231, 15);
});

test("is symmetric to the bit around its centre", () => {
  const right = gaussian(Float64Array.of(0.5, 3, 20), 0, 7);
  expect([...gaussian(Float64Array.of(-0.5, -3, -20), 0, 7)]).toEqual([...right]);
});

test("NaN stays NaN and infinities have degree 0", () => {
  expect([...gaussian(Float64Array.of(NaN, -Infinity, Infinity), 1, 2)]).toEqual([NaN, 0, 0]);
});
