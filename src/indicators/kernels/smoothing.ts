import { blockEnd, type CancellationToken } from "../../core/index.js";
import { columnAfter, type EachStretch } from "./columns.js";

/**
 * Exponential moving average: alpha = 2 / (period + 1), first value the mean of the first `period` values. Equal values give exactly
 * that value.
 *
 * @param x    [n]; values before `from` are not read
 * @param from index of the first value; the result is NaN before `from + period - 1`
 * @param each called with stretches [from, to) of the averages as they are done, to change them while caches hold them
 */
export function exponentialMean(
  x: Float64Array,
  period: number,
  token: CancellationToken,
  from = 0,
  each?: EachStretch,
): Float64Array {
  const n = x.length;
  const first = from + period - 1;
  const out = columnAfter(n, first);
  if (first >= n) return out;
  const alpha = 2 / (period + 1);
  let y = x[from];
  for (let k = 2; k <= period;)
    for (const end = blockEnd(k, period + 1, token); k < end; k++) y += (x[from + k - 1] - y) / k;
  out[first] = y;
  each?.(out, first, first + 1);
  for (let t = first + 1; t < n;) {
    const begin = t;
    for (const end = blockEnd(t, n, token); t < end; t++) out[t] = y += alpha * (x[t] - y);
    each?.(out, begin, t);
  }
  return out;
}
