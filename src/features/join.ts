import { inBlocks, KnownError, throwIfCancelled } from "../core/index.js";
import type { CancellationToken } from "../core/index.js";
import {
  closeTimes,
  firstAtOrAfter,
  isIntraday,
  sliceBars,
  timeframeMs,
  type Bars,
  type Timeframe,
} from "../data/index.js";

const longestClosure = 14 * timeframeMs["1d"];

/**
 * How long after its close a bar of another timeframe may stand for "the latest one": its own length and 14 days.
 *
 * Markets close for weekends and holidays (Golden Week and the Lunar New Year: 11 days); a value older than that is not
 * the market at rest but a series that ended or has a hole, and carrying it on for ever would be invented data.
 */
export function longestAgeMs(timeframe: Timeframe): number {
  return timeframeMs[timeframe] + longestClosure;
}

/** Two timeframes of a symbol that never meet, so that no bar could have all features. */
export class TimeframesApartError extends KnownError {
  readonly code = "TIMEFRAMES_APART";
  readonly symbol: string;
  readonly timeframes: readonly Timeframe[];

  constructor(base: Bars, other: Bars) {
    super(
      `"${base.symbol}": its ${base.timeframe} bars (${extent(base)}) and its ${other.timeframe} bars ` +
        `(${extent(other)}) have no time in common. Load or import ${other.timeframe} bars of that time, or leave out ` +
        `one of the timeframes.`,
    );
    this.symbol = base.symbol;
    this.timeframes = [base.timeframe, other.timeframe];
  }
}

/** A bar's opening as messages show it: the date, and the time for intraday bars. */
function openingText(bars: Bars, t: number): string {
  const iso = new Date(bars.time[t]).toISOString();
  return isIntraday(bars.timeframe) ? `${iso.slice(0, 16)}Z` : iso.slice(0, 10);
}

function extent(bars: Bars): string {
  return `${openingText(bars, 0)} to ${openingText(bars, bars.time.length - 1)}`;
}

/** Bars to work out between two looks at the token: the end of a day in a zone costs some 30 us. */
const closesPerCheck = 128;

/** When each bar had closed (`closeTimes`), [n], looking at the token every few milliseconds. */
export function cancellableCloseTimes(bars: Bars, token: CancellationToken): Float64Array {
  const closes = new Float64Array(bars.time.length);
  for (let from = 0; from < closes.length; from += closesPerCheck) {
    throwIfCancelled(token);
    closes.set(closeTimes(sliceBars(bars, from, from + closesPerCheck)), from);
  }
  return closes;
}

/** For each base bar the bar of another timeframe whose values it may use. */
export interface Join {
  /** Index of the last other bar that had closed when the base bar closed; -1 where there is none or it is too old. */
  readonly index: Int32Array;
  readonly warnings: readonly string[];
}

/**
 * Joins another timeframe on the time its bars CLOSED: a base bar sees the last other bar with
 * `closeTime <= closeTime(base bar)`, which is all that was known when the base bar closed. Nothing is filled back or
 * with zeros. A value older than `longestAgeMs` is no value.
 *
 * @param baseClose  when the base bars had closed, [base bars]
 * @throws TimeframesApartError where both have bars, and no base bar is near enough to any other bar
 */
export function joinOnClose(
  base: Bars,
  baseClose: Float64Array,
  other: Bars,
  token: CancellationToken,
): Join {
  const otherClose = cancellableCloseTimes(other, token);
  const n = baseClose.length;
  const m = otherClose.length;
  const limit = longestAgeMs(other.timeframe);
  if (n > 0 && m > 0) {
    const endedLongBefore = baseClose[0] - otherClose[m - 1] > limit;
    const beginsLongAfter = otherClose[0] - baseClose[n - 1] > limit;
    if (endedLongBefore || beginsLongAfter) throw new TimeframesApartError(base, other);
  }
  const index = new Int32Array(n);
  let last = -1;
  let stale = 0;
  let firstStale = -1;
  let lastStale = -1;
  inBlocks(n, token, (from, to) => {
    for (let t = from; t < to; t++) {
      while (last + 1 < m && otherClose[last + 1] <= baseClose[t]) last++;
      const tooOld = last >= 0 && baseClose[t] - otherClose[last] > limit;
      index[t] = tooOld ? -1 : last;
      if (!tooOld) continue;
      if (firstStale < 0) firstStale = t;
      lastStale = t;
      stale++;
    }
  });
  const warnings: string[] = [];
  const before = m === 0 ? n : firstAtOrAfter(baseClose, otherClose[0]);
  if (m === 0 || (before > 0 && otherClose[0] - baseClose[0] > limit)) {
    const why = m === 0 ? "there are none" : `the first of them closed after that (${extent(other)})`;
    warnings.push(
      `${base.symbol}: the first ${before} of ${n} ${base.timeframe} bars have no ${other.timeframe} value: ${why}.`,
    );
  }
  if (stale > 0) {
    const days = limit / timeframeMs["1d"];
    warnings.push(
      `${base.symbol}: ${stale} of ${n} ${base.timeframe} bars, between ${openingText(base, firstStale)} and ` +
        `${openingText(base, lastStale)}, have no ${other.timeframe} value: the latest ${other.timeframe} bar had closed ` +
        `more than ${Number(days.toPrecision(4))} days before (${other.timeframe} bars: ${extent(other)}).`,
    );
  }
  return { index, warnings };
}
