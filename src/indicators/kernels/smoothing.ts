import { blockEnd, type CancellationToken } from "../../core/index.js";
import { columnAfter } from "./columns.js";

/**
 * Exponential moving average: alpha = 2 / (period + 1), first value the mean of the first `period` values. Equal values give exactly
 * that value.
 *
 * @param x    [n]; values before `from` are not read
 * @param from index of the first value; the result is NaN before `from + period - 1`
 */
export function exponentialMean(
  x: Float64Array,
  period: number,
  token: CancellationToken,
  from = 0,
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
  for (let t = first + 1; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) out[t] = y += alpha * (x[t] - y);
  return out;
}
