import { describe, expect, test } from "vitest";
import { createRandom } from "../../core/index.js";
import { rounds } from "../../../test/rounds.js";
import {
  blockBootstrap,
  deflatedSharpe,
  expectedMaximumSharpe,
  momentsOf,
  normalCdf,
  normalQuantile,
  studentQuantile,
} from "./index.js";

describe("distributions", () => {
  // Abramowitz & Stegun, Handbook of Mathematical Functions (1964), table 26.1.
  test.each([
    [0, 0.5],
    [1, 0.841344746068543],
    [1.96, 0.97500210485178],
    [3, 0.99865010196837],
    [-5, 2.8665157187919e-7],
  ])("the normal distribution function at %f is %f", (x, p) => {
    expect(Math.abs(normalCdf(x) - p)).toBeLessThan(1e-15);
    expect(Math.abs(normalCdf(x) / p - 1)).toBeLessThan(1e-10);
  });

  test("far out it stays accurate", () => {
    expect(
      Math.abs(normalCdf(-8) / 6.22096057427178e-16 - 1),
      "Mathematica: CDF[NormalDistribution[], -8]",
    ).toBeLessThan(1e-8);
    expect(normalCdf(40)).toBe(1);
  });

  test.each([0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9999])(
    "the quantile of %f is where the function has that value",
    (p) => {
      expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 12);
    },
  );

  // Abramowitz & Stegun, table 26.10; the series has three terms, so few degrees of freedom cost digits.
  test.each([
    [0.975, 7, 2.365, 3],
    [0.975, 10, 2.228, 3],
    [0.975, 30, 2.042, 3],
    [0.95, 20, 1.725, 3],
  ])("Student's t: quantile %f with %i degrees is %f", (p, freedom, expected, digits) => {
    expect(studentQuantile(p, freedom)).toBeCloseTo(expected, digits - 1);
  });
});

describe("deflated Sharpe ratio", () => {
  // The numerical example of Bailey & López de Prado (2014), "A numerical example": 100 trials, variance 1/2 a year of 250
  // days, five years of days, skewness -3, kurtosis 10, Sharpe 2.5 a year.
  const days = 250;
  const variance = 1 / 2 / days;
  const moments = { count: 1250, mean: 2.5 / Math.sqrt(days), deviation: 1, skewness: -3, kurtosis: 10 };

  test("the best of 100 worthless trials is expected at 0.1132 a day", () => {
    expect(expectedMaximumSharpe(100, variance)).toBeCloseTo(0.1132, 4);
  });

  test("the published example gives 0.9004, and with 46 trials 0.9505", () => {
    expect(deflatedSharpe(moments, 100, variance)).toBeCloseTo(0.9004, 4);
    expect(deflatedSharpe(moments, 46, variance)).toBeCloseTo(0.9505, 3);
  });

  test("one trial has nothing to be deflated by: a Sharpe ratio of 0 is a matter of even chances", () => {
    expect(expectedMaximumSharpe(1, variance)).toBe(0);
    expect(deflatedSharpe({ count: 100, mean: 0, deviation: 1, skewness: 0, kurtosis: 3 }, 1)).toBe(0.5);
  });

  test("more trials lower it", () => {
    const values = [1, 2, 10, 1000].map((trials) => deflatedSharpe(moments, trials, variance) as number);
    expect(values.toSorted((a, b) => b - a)).toEqual(values);
  });

  test("returns that do not vary have none", () => {
    expect(deflatedSharpe(momentsOf(new Float64Array(100)), 1)).toBeNull();
    expect(deflatedSharpe(momentsOf(Float64Array.of(1, 2)), 1)).toBeNull();
  });

  test("moments of 1, 2, 3, 10", () => {
    // Mean 4; deviations -3, -2, -1, 6; sums of powers 50, 180, 1394; population variance 12.5.
    const { mean, deviation, skewness, kurtosis } = momentsOf(Float64Array.of(1, 2, 3, 10));
    expect([mean, deviation]).toEqual([4, Math.sqrt(50 / 3)]);
    expect(skewness).toBeCloseTo(180 / 4 / 12.5 ** 1.5, 12);
    expect(kurtosis).toBeCloseTo(1394 / 4 / 12.5 ** 2, 12);
  });
});

describe("block bootstrap", () => {
  /** n numbers; with `memory` each is that share of the one before plus fresh noise. */
  function noise(n: number, seed: number, memory = 0): Float64Array {
    const random = createRandom(seed, "noise");
    const series = new Float64Array(n);
    for (let t = 0; t < n; t++) series[t] = (t === 0 ? 0 : memory * series[t - 1]) + random.normal();
    return series;
  }

  test("of independent numbers the interval is that of Student", () => {
    const series = noise(2000, 3);
    const { mean, low, high } = blockBootstrap(series, 1, 1);
    const { deviation } = momentsOf(series);
    const half = (1.96 * deviation) / Math.sqrt(2000);
    expect(mean).toBeCloseTo(series.reduce((sum, value) => sum + value, 0) / 2000, 12);
    // 2000 replicates leave some 4 % of chance in a quantile.
    expect(mean - low).toBeGreaterThan(0.92 * half);
    expect(mean - low).toBeLessThan(1.08 * half);
    expect(high - mean).toBeLessThan(1.08 * half);
  });

  test("dependence widens it, once blocks are long enough to hold it", () => {
    const series = noise(4000, 5, 0.9);
    const width = (block: number): number => {
      const { low, high } = blockBootstrap(series, block, 1);
      return high - low;
    };
    // With memory 0.9 the deviation of the mean is √((1 + 0.9) / (1 - 0.9)) = 4.4 times that of independent numbers.
    expect(width(100) / width(1)).toBeGreaterThan(3);
    expect(width(100) / width(1)).toBeLessThan(5.5);
  });

  test("the same seed gives the same interval, zeros give zeros", () => {
    const series = noise(100, 1);
    expect(blockBootstrap(series, 5, 9)).toEqual(blockBootstrap(series, 5, 9));
    expect(blockBootstrap(new Float64Array(100), 5, 9)).toMatchObject({ mean: 0, low: 0, high: 0, p: 1 });
  });

  test("p is uniform where there is nothing (Kolmogorov & Smirnov, p > 0.01)", () => {
    const count = rounds(400, 100);
    const found = Array.from(
      { length: count },
      (_, i) => blockBootstrap(noise(500, 1000 + i, 0.3), 12, i).p,
    ).sort((a, b) => a - b);
    let distance = 0;
    found.forEach((p, i) => {
      distance = Math.max(distance, Math.abs(p - i / count), Math.abs(p - (i + 1) / count));
    });
    // Critical value of the two-sided test at 1 % for large samples.
    expect(distance).toBeLessThan(1.628 / Math.sqrt(count));
  });
});
