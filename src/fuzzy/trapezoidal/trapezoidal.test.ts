import { expect, test } from "vitest";
import { trapezoidal } from "./trapezoidal.js";

const degree = (x: number, a: number, b: number, c: number, d: number): number =>
  trapezoidal(Float64Array.of(x), a, b, c, d)[0];

test("rises from foot to shoulder, stays 1, and falls to the other foot", () => {
  const x = Float64Array.of(5, 10, 12.5, 20, 30, 35, 37.5, 40, 41);
  expect([...trapezoidal(x, 10, 20, 30, 40)]).toEqual([0, 0, 0.25, 1, 1, 0.5, 0.25, 0, 0]);
});

test("a closed left shoulder has degree 1 at its end and 0 beyond it", () => {
  expect(degree(0, 0, 0, 25, 40)).toBe(1);
  expect(degree(-Number.MIN_VALUE, 0, 0, 25, 40)).toBe(0);
  expect(degree(-1e-12, 0, 0, 25, 40)).toBe(0);
});

test("a closed right shoulder has degree 1 at its end and 0 beyond it", () => {
  expect(degree(100, 60, 75, 100, 100)).toBe(1);
  expect(degree(100.00000000000001, 60, 75, 100, 100)).toBe(0);
});

test("with both shoulders closed it is a rectangle, and NaN is still NaN", () => {
  expect([...trapezoidal(Float64Array.of(1.9, 2, 3, 4, 4.1, NaN), 2, 2, 4, 4)]).toEqual([0, 1, 1, 1, 0, NaN]);
});

test("infinite values have degree 0, at closed shoulders as well", () => {
  for (const [a, b, c, d] of [
    [1, 2, 3, 4],
    [1, 1, 3, 3],
  ]) {
    expect([...trapezoidal(Float64Array.of(-Infinity, Infinity), a, b, c, d)]).toEqual([0, 0]);
  }
});
