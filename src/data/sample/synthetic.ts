import {
  createRandom,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
  type Random,
} from "../../core/index.js";
import type { Bars } from "../bars.js";
import { isIntraday, timeframeMs, type Timeframe } from "../timeframes.js";

/** What to make. The same numbers give the same bits on every machine. */
export interface SyntheticSpec {
  /** `SYN1`, `SYN2`, ...: part of the seed, so that symbols differ. */
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly bars: number;
  readonly seed: number;
}

const dayMs = timeframeMs["1d"];
/** Monday 2000-01-03: every series begins here. */
const firstDay = Date.UTC(2000, 0, 3);
/** Trading hours of intraday series, UTC; a whole number of bars of every timeframe. */
const opensAt = 12 * timeframeMs["1h"];
const sessionMs = 8 * timeframeMs["1h"];
/** Share of weekdays on which the market stays closed, about nine a year. */
const closedShare = 0.035;
/** Standard deviation of a day's log return. */
const dailyDeviation = 0.013;

/** Drift of a bar in units of its deviation, by regime: up, down, sideways. */
const drifts = [0.16, -0.16, 0];
/** Bars that a regime lasts on average. */
const regimeBars = 45;
/** GARCH(1,1), Bollerslev 1986, with mean variance 1. */
const [arch, garch] = [0.08, 0.9];

/** Opening times: weekdays, sessions and closed days for intraday bars; weekdays without closed ones for days. */
function* openings(timeframe: Timeframe, random: Random): Generator<number> {
  const length = timeframeMs[timeframe];
  if (timeframe === "1w") {
    for (let monday = firstDay; ; monday += length) yield monday;
  }
  for (let day = firstDay; ; day += dayMs) {
    const weekday = new Date(day).getUTCDay();
    if (weekday === 0 || weekday === 6) continue;
    if (random.uniform() < closedShare && day !== firstDay) continue;
    if (!isIntraday(timeframe)) yield day;
    else for (let t = opensAt; t < opensAt + sessionMs; t += length) yield day + t;
  }
}

const cents = (price: number): number => Math.round(price * 100) / 100;

/**
 * Seeded bars that behave like a market in the ways that matter for tests and benchmarks: regimes (up, down, sideways with
 * a pull to the average) that can be learnt in part, volatility that clusters, overnight jumps, weekends and closed days.
 * Not a model of any real symbol; a series of another timeframe is a path of its own (resample to get matching ones).
 *
 * O(bars). Prices in cents, at least 1.00. @throws CancelledError
 */
export function syntheticBars(spec: SyntheticSpec, token: CancellationToken = neverCancelled): Bars {
  const { symbol, timeframe, bars: n, seed } = spec;
  const purpose = `synthetic ${symbol} ${timeframe}`;
  const random = createRandom(seed, purpose);
  const calendar = openings(timeframe, createRandom(seed, `${purpose} calendar`));
  const column = (): Float64Array => new Float64Array(n);
  const [time, open, high, low, close, volume] = [column(), column(), column(), column(), column(), column()];
  const bar = isIntraday(timeframe) ? timeframeMs[timeframe] / sessionMs : timeframeMs[timeframe] / dayMs;
  const deviation = dailyDeviation * Math.sqrt(timeframe === "1w" ? 5 : bar);
  let price = 40 + 120 * random.uniform();
  const anchor = price;
  let average = price;
  let regime = 2;
  let variance = 1;
  let shock = 0;
  for (let t = 0; t < n; t++) {
    if (t % 8192 === 0) throwIfCancelled(token);
    time[t] = calendar.next().value as number;
    if (random.uniform() * regimeBars < 1) regime = random.integer(0, 2);
    variance = 1 - arch - garch + (arch * shock * shock + garch) * variance;
    const sigma = deviation * Math.sqrt(variance);
    const newDay = t > 0 && time[t] - time[t - 1] > timeframeMs[timeframe];
    const jump = (newDay && isIntraday(timeframe) ? 0.4 * dailyDeviation : 0.1 * deviation) * random.normal();
    open[t] = Math.max(1, cents(price * (1 + jump)));
    shock = random.normal();
    const pull = regime === 2 ? 0.12 * (average / open[t] - 1) : 0;
    const home = 0.0004 * (anchor / open[t] - 1); // keeps long series within the range of a stock's prices
    const change = sigma * (shock + drifts[regime]) + pull + home;
    close[t] = Math.max(1, cents(open[t] * (1 + Math.max(-0.5, change))));
    high[t] = cents(Math.max(open[t], close[t]) * (1 + 0.5 * sigma * Math.abs(random.normal())));
    low[t] = Math.max(
      0.5,
      cents(Math.min(open[t], close[t]) * (1 - Math.min(0.4, 0.5 * sigma * Math.abs(random.normal())))),
    );
    volume[t] = Math.round(2_000_000 * bar * (0.4 + 0.6 * variance) * (0.5 + random.uniform()) + 1);
    average += (close[t] - average) / 40;
    price = close[t];
  }
  const meta = {
    source: `synthetic, seed ${seed}`,
    adjustment: "none",
    currency: null,
    dayTimezone: null,
  } as const;
  return { symbol, timeframe, time, open, high, low, close, volume, meta };
}
