import { expect, test } from "vitest";
import { fillDropoutMask } from "./dropout.js";

function maskOf(n: number, dropout: number, seed: number, step: number, layer: number): Uint8Array {
  const mask = new Uint8Array(n);
  fillDropoutMask(mask, 0, n, dropout, seed, step, layer);
  return mask;
}

/** Share of equal elements. */
function agreement(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, bit, i) => sum + (bit === b[i] ? 1 : 0), 0) / a.length;
}

test("a share of p is dropped, at every step and layer", () => {
  for (const dropout of [0.01, 0.2, 0.5, 0.9]) {
    for (let step = 0; step < 20; step++) {
      const mask = maskOf(20_000, dropout, 42, step, step % 3);
      const dropped = mask.filter((bit) => bit === 0).length / mask.length;
      // five standard errors: this fails by chance once in a million seeds
      const error = Math.sqrt((dropout * (1 - dropout)) / mask.length);
      expect(Math.abs(dropped - dropout)).toBeLessThan(5 * error);
    }
  }
});

test("nothing is dropped at 0", () => {
  expect(maskOf(1000, 0, 42, 0, 0).every((bit) => bit === 1)).toBe(true);
});

test("masks of other seeds, steps and layers, and shifted masks, agree as chance has it", () => {
  const n = 20_000;
  const mask = maskOf(n, 0.5, 42, 7, 0);
  const others = {
    seed: maskOf(n, 0.5, 43, 7, 0),
    step: maskOf(n, 0.5, 42, 8, 0),
    layer: maskOf(n, 0.5, 42, 7, 1),
    "layer for step": maskOf(n, 0.5, 42, 6, 1),
  };
  const limit = 5 * Math.sqrt(0.25 / n);
  for (const [name, other] of Object.entries(others)) {
    expect(Math.abs(agreement(mask, other) - 0.5), name).toBeLessThan(limit);
  }
  for (const shift of [1, 2, 3, 16, 32, 64, 1024]) {
    const [a, b] = [mask.subarray(shift), mask.subarray(0, n - shift)];
    expect(Math.abs(agreement(a, b) - 0.5), `shifted by ${shift}`).toBeLessThan(limit);
  }
});

test("an element's bit does not depend on the range it is written with", () => {
  const whole = maskOf(1000, 0.3, 1, 2, 3);
  const parts = new Uint8Array(1000);
  for (const [from, to] of [
    [700, 1000],
    [0, 1],
    [1, 700],
  ]) {
    fillDropoutMask(parts, from, to, 0.3, 1, 2, 3);
  }
  expect(parts).toEqual(whole);
});
