import { expect, test } from "vitest";
import { sigmoid } from "./sigmoid.js";

test("is 0.5 at the centre and the logistic function around it", () => {
  // 1 / (1 + e^-1) and 1 / (1 + e^2) to 16 digits; the tolerance is a few ulp
  const [centre, above, below] = sigmoid(Float64Array.of(70, 80, 50), 70, 0.1);
  expect(centre).toBe(0.5);
  expect(above).toBeCloseTo(0.7310585786300049, 15);
  expect(below).toBeCloseTo(0.1192029220221176, 15);
});

test("opens to the left with a negative slope", () => {
  const x = Float64Array.of(20, 30, 45);
  const left = sigmoid(x, 30, -0.3);
  const right = sigmoid(x, 30, 0.3);
  left.forEach((degree, t) => expect(degree).toBeCloseTo(1 - right[t], 15));
});

test("NaN stays NaN, and infinities are inside or outside for certain", () => {
  expect([...sigmoid(Float64Array.of(NaN, -Infinity, Infinity), 1, 2)]).toEqual([NaN, 0, 1]);
  expect([...sigmoid(Float64Array.of(NaN, -Infinity, Infinity), 1, -2)]).toEqual([NaN, 1, 0]);
});
