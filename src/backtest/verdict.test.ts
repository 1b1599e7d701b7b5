import { expect, test } from "vitest";
import { makeBars } from "../../test/bars.js";
import { createRandom, type Random } from "../core/index.js";
import { rounds } from "../../test/rounds.js";
import { backtest, defaultSettings, type BacktestRequest } from "./index.js";

/** Signals that stay for some bars, drawn at random. */
function randomSignals(n: number, random: Random): Int8Array {
  return Int8Array.from({ length: n }, () => {
    const u = random.uniform();
    return u < 0.05 ? 1 : u < 0.1 ? -1 : 0;
  });
}

/** Bars, and signals that know the next bar's direction as often as `hits` says. */
function edge(seed: number, count: number, hits: number): Pick<BacktestRequest, "bars" | "signals"> {
  const bars = makeBars({ seed, count, volatility: 0.01 });
  const random = createRandom(seed, "edge");
  const signals = Int8Array.from({ length: count }, (_, t) => {
    const up = t + 1 < count && bars.close[t + 1] > bars.open[t + 1];
    return random.uniform() < hits === up ? 1 : -1;
  });
  return { bars, signals };
}

const request = {
  settings: { ...defaultSettings, fractional: true, shorts: true },
  trials: 1,
  seen: 0,
  seed: 1,
};

test("a planted edge is called skill, and the sentence says so", () => {
  const { verdict } = backtest({ ...request, ...edge(3, 3000, 0.56) });
  expect(verdict).toMatchObject({ significant: true, trials: 1 });
  expect(verdict.statement).toMatch(/which the model had not seen,.*evidence of skill\.$/);
  expect(verdict.statement).not.toMatch(/no evidence/);
  expect(verdict.interval?.[0]).toBeGreaterThan(0);
  expect(verdict.deflated_sharpe).toBeGreaterThan(0.95);
});

test("bars that the model was trained on show memory", () => {
  const { verdict } = backtest({ ...request, ...edge(3, 3000, 0.56), seen: 12 });
  expect(verdict.significant).toBe(false);
  expect(verdict.statement).toMatch(/12 of these bars lie in the time.*no evidence of skill/);
});

test("signals from a file are believed on the condition that they were made without the bars", () => {
  const { verdict } = backtest({ ...request, ...edge(3, 3000, 0.56), seen: null });
  expect(verdict.statement).toMatch(/evidence of skill, provided that the signals were made without looking/);
});

test("the same result after very many runs is no evidence any more", () => {
  const planted = edge(3, 3000, 0.545);
  const once = backtest({ ...request, ...planted }).verdict;
  const often = backtest({ ...request, ...planted, trials: 1_000_000 }).verdict;
  expect([once.significant, often.significant]).toEqual([true, false]);
  expect(often.deflated_sharpe).toBeLessThan(once.deflated_sharpe as number);
  expect(often.statement).toMatch(/after 1000000 runs on these data the best of so many worthless ones/);
});

test("holding on while the market rises is not skill", () => {
  const count = 2000;
  const bars = makeBars({ seed: 2, count });
  const drift = (column: Float64Array): Float64Array => column.map((value, t) => value * 1.003 ** t);
  const rising = {
    ...bars,
    open: drift(bars.open),
    high: drift(bars.high),
    low: drift(bars.low),
    close: drift(bars.close),
  };
  const signals = new Int8Array(count).fill(1);
  const { verdict, metrics } = backtest({ ...request, bars: rising, signals });
  expect(metrics.total_return_pct).toBeGreaterThan(1000);
  expect(verdict.significant).toBe(false);
});

test("a lucky trade is not skill", () => {
  const count = 400;
  const price = Float64Array.from({ length: count }, (_, t) =>
    t < 200 ? 100 + (t % 3) : 100 + t - 200 + (t % 3),
  );
  const bars = { ...makeBars({ count }), open: price, high: price, low: price, close: price };
  const signals = Int8Array.from({ length: count }, (_, t) => (t === 199 ? 1 : 0));
  const { verdict } = backtest({ ...request, bars, signals });
  expect(verdict.significant).toBe(false);
  expect(verdict.statement).toMatch(/no evidence of skill/);
});

test("too few bars, or no trades, say so", () => {
  const { bars, signals } = edge(3, 6, 1);
  expect(backtest({ ...request, bars, signals }).verdict).toMatchObject({
    significant: false,
    interval: null,
  });
  expect(backtest({ ...request, bars, signals: new Int8Array(6) }).verdict.statement).toMatch(
    /nothing was traded: no evidence/,
  );
});

test("random signals on random walks are called skill at most as often as chance allows, and p is uniform", () => {
  const count = rounds(200, 60);
  const found = Array.from({ length: count }, (_, i) => {
    const bars = makeBars({ seed: 5000 + i, count: 1500, volatility: 0.01 });
    const signals = randomSignals(1500, createRandom(i, "signals"));
    return backtest({ ...request, bars, signals }).verdict;
  });
  expect(found.filter(({ significant }) => significant).length, "16 of 200").toBeLessThanOrEqual(
    0.08 * count,
  );
  const p = found.map(({ p_value }) => p_value as number).sort((a, b) => a - b);
  let distance = 0;
  p.forEach(
    (value, i) =>
      (distance = Math.max(distance, Math.abs(value - i / count), Math.abs(value - (i + 1) / count))),
  );
  expect(distance, "Kolmogorov & Smirnov at 1 %").toBeLessThan(1.628 / Math.sqrt(count));
});

test("an edge of 55 hits in 100 bars is found in nine of ten series of 5000 bars", () => {
  const count = rounds(50, 10);
  const called = Array.from(
    { length: count },
    (_, i) => backtest({ ...request, ...edge(9000 + i, 5000, 0.55) }).verdict,
  );
  expect(called.filter(({ significant }) => significant).length).toBeGreaterThanOrEqual(0.9 * count);
});
