import { blockEnd, rowsPerCheck, type CancellationToken } from "../../core/index.js";
import { columnAfter } from "./columns.js";

/**
 * Population standard deviation of the last `period` values; NaN before index `period - 1`.
 *
 * As in `slidingSum` a window is the end of one block and the beginning of the next. Mean and sum of squared deviations of both
 * parts come from Welford's updates and are joined by the formula of Chan, Golub & LeVeque (1983): only squares are
 * added, nothing is subtracted, so the result is as good as that of two passes over each window, and exactly 0 over equal values.
 *
 * @param x      [n]
 * @param period window length >= 1
 */
export function slidingDeviation(x: Float64Array, period: number, token: CancellationToken): Float64Array {
  const n = x.length;
  const out = columnAfter(n, period - 1);
  if (period > n) return out;

  const reciprocal = new Float64Array(period + 1);
  for (let k = 1; k <= period;)
    for (const end = blockEnd(k, period + 1, token); k < end; k++) reciprocal[k] = 1 / k;
  const tailMean = new Float64Array(period + 1);
  const tailSquares = new Float64Array(period + 1);

  const long = period > rowsPerCheck; // then one window is work for more than a block
  for (let start = 0; start < n;)
    for (const end = blockEnd(start, n, token, period); start < end; start += period) {
      const length = Math.min(period, n - start);
      let mean = 0;
      let squares = 0;
      for (let i = 0; i < length;)
        for (const to = long ? blockEnd(i, length, token) : length; i < to; i++) {
          const away = x[start + i] - mean;
          mean += away * reciprocal[i + 1];
          squares += away * (x[start + i] - mean);
          if (start > 0) {
            const between = mean - tailMean[i + 1];
            const weight = (i + 1) * (period - 1 - i) * reciprocal[period];
            out[start + i] = Math.sqrt(
              (squares + tailSquares[i + 1] + between * between * weight) * reciprocal[period],
            );
          }
        }
      if (start === 0) out[period - 1] = Math.sqrt(squares * reciprocal[period]);
      if (length < period) return out;

      mean = 0;
      squares = 0;
      for (let k = 1; k < period;)
        for (const to = long ? blockEnd(k, period, token) : period; k < to; k++) {
          const i = period - k;
          const away = x[start + i] - mean;
          mean += away * reciprocal[k];
          squares += away * (x[start + i] - mean);
          tailMean[i] = mean;
          tailSquares[i] = squares;
        }
    }
  return out;
}
