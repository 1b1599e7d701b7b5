import { inBlocks, log, neverCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { timeframeMs } from "../timeframes.js";

/** What stands out: the step from the last close, the reach of the high above the body, or of the low below it. */
export type OutlierKind = "return" | "high" | "low";

/** A bar that differs from its surroundings far more than they do among themselves. It may be wrong, or a real event. */
export interface Outlier {
  readonly kind: OutlierKind;
  readonly index: number;
  readonly time: number;
  /** Logarithmic size: of the return, or of the reach above or below the body. */
  readonly size: number;
  /** Distance from the median of its surroundings in robust standard deviations. */
  readonly score: number;
  /** True for a return that the next one takes back by four fifths or more, as a wrong price would look. */
  readonly reverts: boolean;
}

/** Values on either side that a value is compared with. */
const reach = 50;
/** Fewest values for a judgement. */
const fewest = 20;
/** Robust standard deviations beyond which a value stands out; returns with heavy tails reach 8 to 10 by themselves. */
const limit = 12;
/** Turns a median absolute deviation into a standard deviation under normality: 1 / quantile(0.75). */
const madToSigma = 1.4826022185056018;

/** Index of the first of n sorted values that is >= `value`. */
function lowerBound(sorted: Float64Array, n: number, value: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(sorted: Float64Array, n: number, value: number): void {
  const at = lowerBound(sorted, n, value);
  sorted.copyWithin(at + 1, at, n);
  sorted[at] = value;
}

function remove(sorted: Float64Array, n: number, value: number): void {
  const at = lowerBound(sorted, n, value);
  sorted.copyWithin(at, at + 1, n);
}

/** Median of |x - centre| over a sorted window, by taking the nearest values from both sides of the centre: O(n / 2). */
function medianDeviation(sorted: Float64Array, n: number, centre: number): number {
  let right = lowerBound(sorted, n, centre);
  let left = right - 1;
  let deviation = 0;
  for (let taken = 0; taken <= n >> 1; taken++) {
    const below = left >= 0 ? centre - sorted[left] : Infinity;
    const above = right < n ? sorted[right] - centre : Infinity;
    if (below <= above) {
      deviation = below;
      left--;
    } else {
      deviation = above;
      right++;
    }
  }
  return deviation;
}

/**
 * Distance of each value from the median of the values around it (50 on either side), in units of their median absolute
 * deviation (Hampel 1974). Median and spread do not feel the outlier itself. 0 where there are fewer than 20 values,
 * where more than half of them are equal, and where the distance is not above `beyond`.
 *
 * With `beyond` above 0 the spread is worked out only for values that pass a count of their neighbours, O(n log 100);
 * without, O(n * 50).
 */
export function robustScores(
  values: Float64Array,
  beyond = 0,
  token: CancellationToken = neverCancelled,
): Float64Array {
  const n = values.length;
  const scores = new Float64Array(n);
  if (n < fewest) return scores;
  const sorted = new Float64Array(2 * reach + 2);
  let filled = 0;
  let next = 0;
  /** False where half of the window lies too far from the centre for `value` to stand out; generous by rounding. */
  const mayStandOut = (value: number, centre: number): boolean => {
    const radius = (Math.abs(value - centre) / (beyond * madToSigma)) * (1 + 1e-9);
    const within = lowerBound(sorted, filled, centre + radius) - lowerBound(sorted, filled, centre - radius);
    return within > filled >> 1;
  };
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      while (next < n && next <= i + reach) insert(sorted, filled++, values[next++]);
      if (i > reach) remove(sorted, filled--, values[i - reach - 1]);
      const centre = sorted[filled >> 1];
      if (beyond > 0 && !mayStandOut(values[i], centre)) continue;
      const spread = madToSigma * medianDeviation(sorted, filled, centre);
      const score = spread > 0 ? (values[i] - centre) / spread : 0;
      if (Math.abs(score) > beyond) scores[i] = score;
    }
  });
  return scores;
}

/**
 * Bars that stand out, largest first. Returns after a gap (overnight, weekend) are compared with each other only, since
 * they are larger by nature. Bars that break the rules of `Bars` are left out.
 */
export function findOutliers(bars: Bars, token: CancellationToken = neverCancelled): Outlier[] {
  const { time, open, high, low, close, timeframe } = bars;
  const n = time.length;
  const step = timeframeMs[timeframe];
  const size = { return: new Float64Array(n), high: new Float64Array(n), low: new Float64Array(n) };
  const contiguous: number[] = [];
  const afterGap: number[] = [];
  const all: number[] = [];
  inBlocks(n, token, (from, to) => {
    for (let t = from; t < to; t++) {
      if (!(open[t] > 0 && high[t] > 0 && low[t] > 0 && close[t] > 0)) continue;
      all.push(t);
      size.high[t] = log(high[t] / Math.max(open[t], close[t]));
      size.low[t] = log(Math.min(open[t], close[t]) / low[t]);
      if (t === 0 || !(close[t - 1] > 0)) continue;
      size.return[t] = log(close[t] / close[t - 1]);
      (time[t] - time[t - 1] > step ? afterGap : contiguous).push(t);
    }
  });
  const outliers: Outlier[] = [];
  const collect = (kind: OutlierKind, rows: readonly number[]): void => {
    const scores = robustScores(
      Float64Array.from(rows, (t) => size[kind][t]),
      limit,
      token,
    );
    for (const [i, t] of rows.entries()) {
      if (scores[i] === 0) continue;
      const taken = kind === "return" && t + 1 < n ? -size.return[t + 1] / size.return[t] : 0;
      outliers.push({
        kind,
        index: t,
        time: time[t],
        size: size[kind][t],
        score: scores[i],
        reverts: taken >= 0.8 && taken <= 1.25,
      });
    }
  };
  collect("return", contiguous);
  collect("return", afterGap);
  collect("high", all);
  collect("low", all);
  return outliers.sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
}
