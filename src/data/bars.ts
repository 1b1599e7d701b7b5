import { isIntraday, timeframeMs, type Timeframe } from "./timeframes.js";
import { endOfLocalDay } from "./zones.js";

/** What is known about where a series of bars comes from. */
export interface SeriesMeta {
  /** File, provider or generator. */
  readonly source: string;
  /** How prices were adjusted: `"none"`, `"splits"`, `"splits+dividends"`, or `"unknown"`. */
  readonly adjustment: "none" | "splits" | "splits+dividends" | "unknown";
  /** ISO code, or null where unknown. */
  readonly currency: string | null;
  /** IANA zone whose calendar days the daily or weekly bars are; null means UTC. */
  readonly dayTimezone: string | null;
}

/**
 * Price bars of one symbol and timeframe as columns, oldest first, times strictly increasing.
 *
 * `time[t]` is the bar's opening, epoch ms UTC; daily and coarser bars carry their (trading) date at 00:00Z. Prices are
 * positive and finite with `low <= open, close <= high`; volume is >= 0. All columns have the same length.
 */
export interface Bars {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly time: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly meta: SeriesMeta;
}

/** The price columns of a bar, by the names that strategy files use. */
export const priceColumns = ["open", "high", "low", "close"] as const;

/** One of the price columns. */
export type PriceColumn = (typeof priceColumns)[number];

/** True where any bar has a volume above 0; quote data and indices have none. */
export function hasVolume(bars: Bars): boolean {
  return bars.volume.some((volume) => volume > 0);
}

/** Bars [from, to) as views on the same memory. */
export function sliceBars(bars: Bars, from: number, to: number): Bars {
  return {
    ...bars,
    time: bars.time.subarray(from, to),
    open: bars.open.subarray(from, to),
    high: bars.high.subarray(from, to),
    low: bars.low.subarray(from, to),
    close: bars.close.subarray(from, to),
    volume: bars.volume.subarray(from, to),
  };
}

/**
 * When each bar had closed, epoch ms UTC, [n]: nothing of a bar may be used before.
 *
 * Intraday: opening + length. Daily: the end of that calendar day in the series' own zone (UTC where none is recorded).
 * Weekly: the end of the seventh day. A market may close earlier; waiting for the end of the day is never look-ahead.
 */
export function closeTimes(bars: Bars): Float64Array {
  const { time, timeframe, meta } = bars;
  const length = timeframeMs[timeframe];
  if (isIntraday(timeframe) || meta.dayTimezone === null) return time.map((opening) => opening + length);
  const lastDay = length - timeframeMs["1d"];
  const zone = meta.dayTimezone;
  return time.map((date) => endOfLocalDay(date + lastDay, zone));
}

/** Index of the first time >= `when` in a sorted column, n if there is none; looked for from index `from` on. */
export function firstAtOrAfter(time: Float64Array, when: number, from = 0): number {
  let low = from;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (time[middle] < when) low = middle + 1;
    else high = middle;
  }
  return low;
}
