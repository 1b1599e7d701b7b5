import { columnAfter } from "./columns.js";

/**
 * y_t = y_{t-1} + alpha (x_t - y_{t-1}), begun with the mean of the first `period` values, at index `from + period - 1`.
 * An error or jump fades by (1 - alpha) a bar; equal values give exactly that value.
 */
function smooth(x: Float64Array, alpha: number, period: number, from: number): Float64Array {
  const n = x.length;
  const first = from + period - 1;
  const out = columnAfter(n, first);
  if (first >= n) return out;
  let y = x[from];
  for (let k = 2; k <= period; k++) y += (x[from + k - 1] - y) / k;
  out[first] = y;
  for (let t = first + 1; t < n; t++) out[t] = y += alpha * (x[t] - y);
  return out;
}

/**
 * Exponential moving average: alpha = 2 / (period + 1), first value the mean of the first `period` values.
 *
 * @param x    [n]; values before `from` are not read
 * @param from index of the first value; the result is NaN before `from + period - 1`
 */
export function exponentialMean(x: Float64Array, period: number, from = 0): Float64Array {
  return smooth(x, 2 / (period + 1), period, from);
}

/**
 * Wilder's smoothed average (New Concepts in Technical Trading Systems, 1978): (y (period - 1) + x) / period, first value the
 * mean of the first `period` values.
 *
 * @param x    [n]; values before `from` are not read
 * @param from index of the first value; the result is NaN before `from + period - 1`
 */
export function wilderMean(x: Float64Array, period: number, from = 0): Float64Array {
  return smooth(x, 1 / period, period, from);
}
