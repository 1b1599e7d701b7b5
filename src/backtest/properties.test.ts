import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../core/index.js";
import { makeBars } from "../../test/bars.js";
import { rounds } from "../../test/rounds.js";
import { annualisationOf, backtest, type BacktestSettings } from "./index.js";
import { accountColumns, simulate } from "./simulate.js";
import { netOf } from "./trades.js";

const numRuns = rounds(500, 50);

const settingsArbitrary: fc.Arbitrary<BacktestSettings> = fc.record({
  capital: fc.double({ min: 200, max: 1e6, noNaN: true }),
  // Basis points: doubling a number of 1e-320 is not exact.
  commission: fc.nat(200).map((points) => points / 10_000),
  slippage: fc.nat(200).map((points) => points / 10_000),
  size: fc.double({ min: 0.1, max: 1, noNaN: true }),
  fractional: fc.boolean(),
  shorts: fc.boolean(),
  fill: fc.constantFrom("next-open", "close"),
  stopLoss: fc.option(fc.double({ min: 0.005, max: 0.2, noNaN: true })),
  takeProfit: fc.option(fc.double({ min: 0.005, max: 0.3, noNaN: true })),
  endOfData: fc.constantFrom("close", "keep"),
  minSeparation: fc.nat(6),
  positionAwareness: fc.boolean(),
});

/** Bars, signals that are not too rare, settings. */
const caseArbitrary = fc
  .record({
    seed: fc.nat(1e6),
    count: fc.integer({ min: 1, max: 120 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .chain(({ seed, count, share }) => {
    const bars = makeBars({ seed, count, volatility: 0.03 });
    const random = createRandom(seed, "signals");
    const signals = Int8Array.from({ length: count }, () => {
      const u = random.uniform();
      return u < share / 2 ? 1 : u < share ? -1 : 0;
    });
    return settingsArbitrary.map((settings) => ({ bars, signals, settings }));
  });

const near = (actual: number, expected: number, scale: number, what: string): void =>
  expect(Math.abs(actual - expected), `${what}: ${actual} and ${expected}`).toBeLessThan(
    1e-9 * Math.max(1, scale),
  );

test("equity is cash plus position at every bar", () => {
  fc.assert(
    fc.property(caseArbitrary, ({ bars, signals, settings }) => {
      const result = simulate(bars, signals, settings);
      const { cash, position } = accountColumns(result, bars.close, settings.capital);
      result.equity.forEach((value, t) => near(value, cash[t] + position[t], settings.capital, `bar ${t}`));
    }),
    { numRuns },
  );
});

test("without trades the equity is constant, and all figures say so", () => {
  fc.assert(
    fc.property(caseArbitrary, ({ bars, settings }) => {
      const none = new Int8Array(bars.close.length);
      const result = simulate(bars, none, settings);
      expect(new Set(result.equity)).toEqual(new Set([settings.capital]));
      const { metrics, verdict } = backtest({ bars, signals: none, settings, trials: 1, seen: 0, seed: 1 });
      expect(metrics).toMatchObject({
        total_return_pct: 0,
        max_drawdown_pct: 0,
        sharpe: null,
        exposure_pct: 0,
        costs: 0,
      });
      expect(verdict.significant).toBe(false);
    }),
    { numRuns },
  );
});

test("the trades' profits, and the open position's, sum to the change of the equity", () => {
  fc.assert(
    fc.property(caseArbitrary, ({ bars, signals, settings }) => {
      const { trades, open, equity, costs } = simulate(bars, signals, settings);
      const last = bars.close.length - 1;
      let profit = 0;
      let paid = 0;
      for (let i = 0; i < trades.count; i++) {
        profit += netOf(trades, i);
        paid += trades.costs[i];
      }
      if (open !== null) {
        profit += open.side * open.quantity * (bars.close[last] - open.entryPrice) - open.costs;
        paid += open.costs;
      }
      near(equity[last] - settings.capital, profit, settings.capital, "profit");
      near(costs, paid, settings.capital, "costs");
    }),
    { numRuns },
  );
});

test("costs lower the result by exactly their sum", () => {
  fc.assert(
    fc.property(caseArbitrary, ({ bars, signals, settings }) => {
      // A small share of much money: costs do not change how many whole units are bought, or the rare case is left out.
      const capital = 1e9;
      const cheap = { ...settings, capital, size: 1e-6, fractional: false, shorts: true };
      const costly = simulate(bars, signals, { ...cheap, commission: 0.001, slippage: 0.002 });
      const free = simulate(bars, signals, { ...cheap, commission: 0, slippage: 0 });
      fc.pre(costly.trades.quantity.every((units, i) => units === free.trades.quantity[i]));
      fc.pre(costly.open?.quantity === free.open?.quantity);
      const last = bars.close.length - 1;
      near(free.equity[last] - costly.equity[last], costly.costs, capital, "difference");
    }),
    { numRuns },
  );
});

test("doubling prices and capital changes no percentage, and no time of a trade", () => {
  fc.assert(
    fc.property(caseArbitrary, ({ bars, signals, settings }) => {
      const twice = (column: Float64Array): Float64Array => column.map((value) => 2 * value);
      const doubled = {
        ...bars,
        open: twice(bars.open),
        high: twice(bars.high),
        low: twice(bars.low),
        close: twice(bars.close),
      };
      const request = { signals, trials: 3, seen: 0, seed: 5 };
      const once = backtest({ ...request, bars, settings });
      const both = backtest({
        ...request,
        bars: doubled,
        settings: { ...settings, capital: 2 * settings.capital },
      });
      const money = ["final_equity", "equity_peak", "costs"] as const;
      for (const name of money) expect(both.metrics[name], name).toBe(2 * once.metrics[name]);
      const scaled = Object.fromEntries(money.map((name) => [name, 2 * once.metrics[name]]));
      expect(both.metrics, "a factor of two is exact").toEqual({ ...once.metrics, ...scaled });
      expect(both.simulation.trades.exit).toEqual(once.simulation.trades.exit);
      expect(both.verdict.interval).toEqual(once.verdict.interval);
      expect(both.baselines.random_entries).toEqual(once.baselines.random_entries);
    }),
    { numRuns },
  );
});

test("what happens up to a bar does not depend on later bars", () => {
  fc.assert(
    fc.property(caseArbitrary, fc.nat(200), ({ bars, signals, settings }, cut) => {
      const n = 1 + (cut % bars.close.length);
      const kept = { ...settings, endOfData: "keep" as const };
      const column = (values: Float64Array): Float64Array => values.slice(0, n);
      const early = {
        open: column(bars.open),
        high: column(bars.high),
        low: column(bars.low),
        close: column(bars.close),
      };
      const whole = simulate(bars, signals, kept).equity;
      // The last bar's own decision is filled at its close where that rule holds; entries there belong to the next bar.
      expect(simulate(early, signals.slice(0, n), kept).equity).toEqual(whole.slice(0, n));
    }),
    { numRuns },
  );
});

test("every figure is finite or null, never NaN or infinite", () => {
  fc.assert(
    fc.property(caseArbitrary, ({ bars, signals, settings }) => {
      const { metrics, baselines, verdict } = backtest({
        bars,
        signals,
        settings,
        trials: 2,
        seen: null,
        seed: 1,
      });
      const figures = [...Object.values(metrics), ...Object.values(baselines.buy_and_hold)];
      figures.push(...Object.values(baselines.majority_class).filter((value) => typeof value === "number"));
      for (const value of figures) if (value !== null) expect(Number.isFinite(value)).toBe(true);
      for (const value of verdict.interval ?? []) expect(Number.isFinite(value)).toBe(true);
      expect(verdict.statement).not.toMatch(/NaN|Infinity|undefined/);
      expect(metrics.max_drawdown_pct).toBeLessThanOrEqual(0);
      expect(annualisationOf(bars).bars_per_year).toBeGreaterThan(0);
    }),
    { numRuns },
  );
});
