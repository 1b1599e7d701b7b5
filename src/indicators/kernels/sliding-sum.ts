import { blockEnd, type CancellationToken } from "../../core/index.js";
import { columnAfter, type EachStretch } from "./columns.js";

/**
 * Sum of the last `period` values, without ever subtracting: NaN before index `from + period - 1`.
 *
 * The series is cut into blocks of `period` values. A window is the end of one block and the beginning of the next, so
 * its sum is a suffix sum plus a prefix sum (van Herk's scheme for extremes, applied to sums). Nothing is carried from block to
 * block: the error is that of adding `period` numbers, after ten values and after ten million, zeros add up to
 * exactly 0, and a huge value leaves no trace once it has left the window.
 *
 * @param x      [n]; values before `from` are not read
 * @param period window length >= 1
 * @param from   index of the first value
 */
export function slidingSum(
  x: Float64Array,
  period: number,
  token: CancellationToken,
  from = 0,
): Float64Array {
  return slidingSumOver(x, period, from, 1, token);
}

/**
 * Mean of the last `period` values; NaN before index `from + period - 1`. See `slidingSum`.
 *
 * @param each called with stretches [from, to) of the means as they are done, to change them while caches hold them
 */
export function slidingMean(
  x: Float64Array,
  period: number,
  token: CancellationToken,
  from = 0,
  each?: EachStretch,
): Float64Array {
  return slidingSumOver(x, period, from, period, token, each);
}

/** Sliding sums, each divided by `divisor`. */
function slidingSumOver(
  x: Float64Array,
  period: number,
  from: number,
  divisor: number,
  token: CancellationToken,
  each?: EachStretch,
): Float64Array {
  const n = x.length;
  const first = from + period - 1;
  const out = columnAfter(n, first);
  if (first >= n) return out;

  let sum = 0;
  for (let t = from; t <= first; t++) sum += x[t];
  out[first] = sum / divisor;
  each?.(out, first, first + 1);

  const suffix = new Float64Array(period + 1); // suffix[i]: sum of the block before from its i-th value to its end
  for (let start = from + period; start < n;) {
    const begin = start;
    for (const end = blockEnd(start, n, token, period); start < end; start += period) {
      let tail = 0;
      for (let i = period - 1; i > 0; i--) suffix[i] = tail += x[start - period + i];
      const length = Math.min(period, n - start);
      let head = 0;
      for (let i = 0; i < length; i++) {
        head += x[start + i];
        out[start + i] = (suffix[i + 1] + head) / divisor;
      }
    }
    each?.(out, begin, Math.min(start, n));
  }
  return out;
}
