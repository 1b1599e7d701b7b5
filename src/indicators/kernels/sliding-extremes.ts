import { blockEnd, type CancellationToken } from "../../core/index.js";
import { columnAfter } from "./columns.js";

/**
 * Greatest of the last `period` values; NaN before index `period - 1`.
 *
 * A window is the end of one block of `period` values and the beginning of the next; both parts' extremes are
 * running ones (van Herk 1992, Gil & Werman 1993): three comparisons a value, whatever the period and the data.
 */
export function slidingMax(x: Float64Array, period: number, token: CancellationToken): Float64Array {
  const n = x.length;
  const out = columnAfter(n, period - 1);
  if (period > n) return out;
  let highest = x[0];
  for (let t = 1; t < period; t++) if (x[t] > highest) highest = x[t];
  out[period - 1] = highest;
  const suffix = new Float64Array(period + 1).fill(-Infinity);
  for (let start = period; start < n;)
    for (const end = blockEnd(start, n, token, period); start < end; start += period) {
      let tail = -Infinity;
      for (let i = period - 1; i > 0; i--) {
        const value = x[start - period + i];
        suffix[i] = tail = value > tail ? value : tail;
      }
      const length = Math.min(period, n - start);
      let head = -Infinity;
      for (let i = 0; i < length; i++) {
        const value = x[start + i];
        head = value > head ? value : head;
        out[start + i] = head > suffix[i + 1] ? head : suffix[i + 1];
      }
    }
  return out;
}

/** Least of the last `period` values; NaN before index `period - 1`. See `slidingMax`. */
export function slidingMin(x: Float64Array, period: number, token: CancellationToken): Float64Array {
  const n = x.length;
  const out = columnAfter(n, period - 1);
  if (period > n) return out;
  let lowest = x[0];
  for (let t = 1; t < period; t++) if (x[t] < lowest) lowest = x[t];
  out[period - 1] = lowest;
  const suffix = new Float64Array(period + 1).fill(Infinity);
  for (let start = period; start < n;)
    for (const end = blockEnd(start, n, token, period); start < end; start += period) {
      let tail = Infinity;
      for (let i = period - 1; i > 0; i--) {
        const value = x[start - period + i];
        suffix[i] = tail = value < tail ? value : tail;
      }
      const length = Math.min(period, n - start);
      let head = Infinity;
      for (let i = 0; i < length; i++) {
        const value = x[start + i];
        head = value < head ? value : head;
        out[start + i] = head < suffix[i + 1] ? head : suffix[i + 1];
      }
    }
  return out;
}
