import { describe, expect, test } from "vitest";
import { makeBars } from "../../test/bars.js";
import { timeframeMs, type Timeframe } from "../data/index.js";
import { annualisationOf } from "./annualisation.js";
import { backtest } from "./run.js";
import { metricsOf } from "./metrics.js";
import { defaultSettings } from "./settings.js";
import { simulate, type Simulation } from "./simulate.js";
import { netOf, type Trades } from "./trades.js";

const noTrades: Trades = {
  count: 0,
  side: new Int8Array(0),
  entry: new Uint32Array(0),
  exit: new Uint32Array(0),
  entryPrice: new Float64Array(0),
  exitPrice: new Float64Array(0),
  quantity: new Float64Array(0),
  costs: new Float64Array(0),
  reason: new Uint8Array(0),
  held: new Uint32Array(0),
};

/** A simulation with this equity and no trades. */
function curve(...equity: number[]): Simulation {
  const empty = new Float64Array(0);
  return {
    equity: Float64Array.from(equity),
    holdings: { from: new Uint32Array(0), cash: empty, units: empty },
    trades: noTrades,
    open: null,
    costs: 0,
    barsHeld: 0,
    ambiguousBars: 0,
    unaffordable: 0,
    unfilledAtEnd: 0,
    tooSoon: 0,
    ruinedAt: null,
  };
}

describe("figures of an equity curve", () => {
  const settings = { ...defaultSettings, capital: 100 };

  test("worked out by hand: 100, 110, 99, 108.9", () => {
    // Returns 0.1, -0.1, 0.1: mean 1/30, sample variance 4/300, downside √(0.01 / 3). 4 bars a year are one year.
    const metrics = metricsOf(curve(100, 110, 99, 108.9), settings, 4);
    expect(metrics).toMatchObject({ final_equity: 108.9, equity_peak: 110 });
    expect(metrics.total_return_pct).toBeCloseTo(8.9, 10);
    expect(metrics.annual_return_pct).toBeCloseTo(8.9, 10);
    expect(metrics.max_drawdown_pct).toBeCloseTo(-10, 10);
    expect(metrics.annual_volatility_pct).toBeCloseTo(100 * Math.sqrt(4 / 300) * 2, 10);
    expect(metrics.sharpe).toBeCloseTo((1 / 30 / Math.sqrt(4 / 300)) * 2, 10);
    expect(metrics.sortino).toBeCloseTo((1 / 30 / Math.sqrt(0.01 / 3)) * 2, 10);
    expect(metrics.calmar).toBeCloseTo(0.89, 10);
  });

  test("a fall below the capital at the first bar is a drawdown", () => {
    expect(metricsOf(curve(95, 100), settings, 252).max_drawdown_pct).toBeCloseTo(-5, 10);
  });

  test("what is not defined is null", () => {
    expect(metricsOf(curve(100, 100, 100), settings, 252)).toMatchObject({
      sharpe: null,
      sortino: null,
      calmar: null,
      max_drawdown_pct: 0,
      win_rate_pct: null,
      profit_factor: null,
      best_trade_pct: null,
    });
    // Steady growth varies by rounding only, and has no loss.
    const steady = Array.from({ length: 50 }, (_, t) => 100 * 1.01 ** t);
    expect(metricsOf(curve(...steady), settings, 252)).toMatchObject({
      sharpe: null,
      sortino: null,
      calmar: null,
    });
  });

  test("an account that is lost has lost all of it", () => {
    expect(metricsOf(curve(100, -20), settings, 2)).toMatchObject({ annual_return_pct: -100 });
  });
});

describe("figures of trades", () => {
  const bars = makeBars({ count: 400, seed: 4 });
  const signals = Int8Array.from({ length: 400 }, (_, t) => (t % 14 === 0 ? 1 : t % 14 === 9 ? -1 : 0));
  const settings = { ...defaultSettings, commission: 0.001, shorts: true };
  const result = simulate(bars, signals, settings);
  const metrics = metricsOf(result, settings, 365);
  const nets = Array.from({ length: result.trades.count }, (_, i) => netOf(result.trades, i));

  test("the profit factor is gains over losses, a win is a profit after costs", () => {
    const gains = nets.filter((net) => net > 0).reduce((sum, net) => sum + net, 0);
    const losses = nets.filter((net) => net <= 0).reduce((sum, net) => sum - net, 0);
    expect(metrics.profit_factor).toBeCloseTo(gains / losses, 10);
    expect(metrics.win_rate_pct).toBeCloseTo((100 * nets.filter((net) => net > 0).length) / nets.length, 10);
  });

  test("best, worst and mean trade are in percent of what their units cost", () => {
    const { quantity, entryPrice } = result.trades;
    const returns = nets.map((net, i) => (100 * net) / (quantity[i] * entryPrice[i]));
    expect(metrics.best_trade_pct).toBe(Math.max(...returns));
    expect(metrics.worst_trade_pct).toBe(Math.min(...returns));
    expect(metrics.average_trade_pct).toBeCloseTo(returns.reduce((a, b) => a + b) / returns.length, 10);
  });

  test("without a losing trade there is no profit factor, without a winning one it is 0", () => {
    const rising = {
      open: Float64Array.of(1, 2, 3),
      high: Float64Array.of(9, 9, 9),
      low: Float64Array.of(1, 1, 1),
      close: Float64Array.of(2, 3, 4),
    };
    const bought = simulate(rising, Int8Array.of(1, 0, 0), defaultSettings);
    expect(metricsOf(bought, defaultSettings, 252).profit_factor).toBeNull();
    const sold = simulate(rising, Int8Array.of(-1, 0, 0), { ...defaultSettings, shorts: true });
    expect(metricsOf(sold, defaultSettings, 252).profit_factor).toBe(0);
  });
});

describe("bars a year", () => {
  const day = 86_400_000;
  /** Openings from 2020 on, of the days that are wanted, `perDay` bars from `hour` on. */
  function times(
    days: number,
    timeframe: Timeframe,
    wanted: (weekday: number, index: number) => boolean,
    perDay = 1,
    hour = 0,
  ) {
    const found: number[] = [];
    const first = Date.parse("2020-01-01T00:00:00Z");
    for (let d = 0; d < days; d++) {
      const start = first + d * day;
      if (!wanted(new Date(start).getUTCDay(), d)) continue;
      for (let k = 0; k < perDay; k++) found.push(start + hour * 3_600_000 + k * timeframeMs[timeframe]);
    }
    return { time: Float64Array.from(found), timeframe };
  }
  const weekday = (weekdayOf: number): boolean => weekdayOf >= 1 && weekdayOf <= 5;
  const exchange = (weekdayOf: number, index: number): boolean => weekday(weekdayOf) && index % 27 !== 0;

  test.each([
    ["an exchange's days", times(700, "1d", exchange), 252],
    ["one year of days of currencies", times(400, "1d", weekday), 260],
    ["every day", times(100, "1d", () => true), 365],
    ["a few weekdays", times(3, "1d", weekday), 252],
    ["hours of an exchange", times(300, "1h", exchange, 7, 14), 7 * 252],
    ["hours around the clock", times(60, "1h", () => true, 24), 24 * 365],
    ["hours of currencies", times(400, "1h", weekday, 24), 24 * 260],
    ["minutes of one day", times(2, "1m", weekday, 390, 14), 390 * 252],
    ["four hours around the clock", times(60, "4h", () => true, 6), 6 * 365],
    ["weeks", times(300, "1w", (weekdayOf) => weekdayOf === 1), 52],
    ["no bars", times(0, "1d", weekday), 252],
  ])("%s", (_, bars, expected) => {
    expect(annualisationOf(bars).bars_per_year).toBe(expected);
  });

  test("currencies whose week begins on Sunday evening are no market of every day", () => {
    const evening = times(400, "1h", (weekdayOf) => weekdayOf === 0, 2, 22);
    const week = times(400, "1h", weekday, 24);
    const time = Float64Array.from([...evening.time, ...week.time]).sort();
    expect(annualisationOf({ time, timeframe: "1h" }).bars_per_year).toBe((122 / 5) * 260);
  });
});

describe("baselines", () => {
  const bars = makeBars({ count: 300, seed: 7 });
  const settings = { ...defaultSettings, commission: 0.001, slippage: 0.0005 };
  const signals = Int8Array.from({ length: 300 }, (_, t) => (t % 20 === 3 ? 1 : t % 20 === 9 ? -1 : 0));
  const request = { bars, signals, settings, trials: 1, seen: 0, seed: 3 };

  test("buy and hold buys at the second open and sells at the last close, with the same costs", () => {
    const { metrics, baselines } = backtest(request);
    const [bought, sold] = [bars.open[1], bars.close[299]];
    const unit = bought * 1.0005 * 1.001;
    const units = Math.floor(100_000 / unit);
    const final = 100_000 - units * unit + units * sold * 0.9995 * 0.999;
    expect(baselines.buy_and_hold.final_equity).toBeCloseTo(final, 6);
    expect(metrics.buy_and_hold_return_pct).toBe(baselines.buy_and_hold.total_return_pct);
  });

  test("the majority is that of the model's labels, else of the signals", () => {
    expect(backtest(request).baselines.majority_class).toMatchObject({
      class: "HOLD",
      total_return_pct: 0,
      trades: 0,
    });
    const always = backtest({ ...request, majority: 1 }).baselines;
    expect(always.majority_class).toEqual({ class: "BUY", ...always.buy_and_hold });
    const short = backtest({ ...request, majority: -1, settings: { ...settings, shorts: true } });
    expect(short.baselines.majority_class).toMatchObject({ class: "SELL", trades: 1 });
  });

  test("random entries that have no choice are the back-test itself", () => {
    // One trade over all bars but the first: there is one way to place it.
    const all = Int8Array.from({ length: 300 }, (_, t) => (t === 0 ? 1 : 0));
    const { metrics, baselines } = backtest({ ...request, signals: all });
    expect(baselines.random_entries).toMatchObject({
      mean_return_pct: expect.closeTo(metrics.total_return_pct, 9),
      share_at_least_as_good: 1,
    });
  });

  test("on bars that only rise by a constant factor every placement earns the same", () => {
    const price = Float64Array.from({ length: 301 }, (_, t) => 100 * 1.01 ** t);
    const rising = {
      ...bars,
      open: price.slice(0, 300),
      close: price.slice(1),
      high: price.slice(1),
      low: price.slice(0, 300),
    };
    const { metrics, baselines } = backtest({
      ...request,
      bars: rising,
      settings: { ...settings, fractional: true },
    });
    const { mean_return_pct, interval, runs } = baselines.random_entries ?? {
      mean_return_pct: 0,
      interval: [0, 0],
      runs: 0,
    };
    expect(runs).toBe(1000);
    expect(mean_return_pct).toBeCloseTo(metrics.total_return_pct, 6);
    expect(interval[0]).toBeCloseTo(interval[1], 6);
  });

  test("they are seeded", () => {
    const entries = (seed: number) => backtest({ ...request, seed }).baselines.random_entries;
    expect(entries(1)).toEqual(entries(1));
    expect(entries(1)).not.toEqual(entries(2));
  });

  test("with many trades the pattern is shifted; it still fits and is still seeded", () => {
    const many = makeBars({ count: 3000, seed: 8 });
    const often = Int8Array.from({ length: 3000 }, (_, t) => (t % 4 === 0 ? 1 : t % 4 === 2 ? -1 : 0));
    const { baselines, simulation } = backtest({ ...request, bars: many, signals: often });
    expect(simulation.trades.count).toBeGreaterThan(500);
    expect(baselines.random_entries?.runs).toBe(Math.floor(100_000 / simulation.trades.count));
    expect(Number.isFinite(baselines.random_entries?.mean_return_pct)).toBe(true);
  });
});
