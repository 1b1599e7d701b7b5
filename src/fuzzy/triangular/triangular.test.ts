import { expect, test } from "vitest";
import { triangular } from "./triangular.js";

test("rises linearly to the peak and falls linearly from it", () => {
  const x = Float64Array.of(-1, 0, 5, 10, 15, 17.5, 20, 25);
  expect([...triangular(x, 0, 10, 20)]).toEqual([0, 0, 0.5, 1, 0.5, 0.25, 0, 0]);
});

test("a peak at the left end is a closed shoulder", () => {
  expect([...triangular(Float64Array.of(-0.001, 0, 15, 30), 0, 0, 30)]).toEqual([0, 1, 0.5, 0]);
});

test("a peak at the right end is a closed shoulder", () => {
  expect([...triangular(Float64Array.of(70, 85, 100, 100.001), 70, 100, 100)]).toEqual([0, 0.5, 1, 0]);
});

test("three equal parameters are a single point, and NaN is still NaN", () => {
  expect([...triangular(Float64Array.of(4.9, 5, 5.1, NaN), 5, 5, 5)]).toEqual([0, 1, 0, NaN]);
});

test("writes over its own input when asked to", () => {
  const x = Float64Array.of(5, NaN, 10);
  expect(triangular(x, 0, 10, 20, x)).toBe(x);
  expect([...x]).toEqual([0.5, NaN, 1]);
});
