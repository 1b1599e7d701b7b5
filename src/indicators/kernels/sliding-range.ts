import { rowsPerCheck, throwIfCancelled, type CancellationToken } from "../../core/index.js";

/** Takes the windows of bars [from, to): that of bar t has its highest and lowest value at index `t - from`. */
export type RangeUser = (from: number, to: number, highest: Float64Array, lowest: Float64Array) => void;

/**
 * Highest of the last `period` values of `high` and lowest of those of `low`, at every bar from `period - 1` on, handed over in
 * blocks that stay in the cache: no column is filled that nobody wants.
 *
 * A window is the end of one stretch of `period` values and the beginning of the next; both parts' extremes are
 * running ones (van Herk 1992, Gil & Werman 1993): three comparisons a value, whatever the period and the data. Comparisons are
 * numbers that are multiplied in: as branches they would be guessed wrong every third time, which costs as much as all the rest.
 *
 * @param high, low finite values, [n]; may be the same column
 * @param use       called in order, at most `rowsPerCheck` bars at a time; its arrays are used again
 * @throws CancelledError
 */
export function slidingRange(
  high: Float64Array,
  low: Float64Array,
  period: number,
  token: CancellationToken,
  use: RangeUser,
): void {
  const n = high.length;
  if (period > n) return;
  const rows = Math.min(rowsPerCheck, n - period + 1);
  const highest = new Float64Array(rows);
  const lowest = new Float64Array(rows);
  const tailHighest = new Float64Array(period); // [i]: of the stretch before, from its i-th value to its end
  const tailLowest = new Float64Array(period);
  let from = period - 1;
  let filled = 0;
  for (let start = period - 1; start < n; start += period) {
    let top = high[start];
    let bottom = low[start];
    for (let i = period - 1; i >= 0;) {
      if (period > rowsPerCheck) throwIfCancelled(token);
      for (const end = Math.max(0, i - rowsPerCheck); i >= end; i--) {
        const h = high[start - period + 1 + i];
        const l = low[start - period + 1 + i];
        const higher = Number(h > top);
        const lower = Number(l < bottom);
        tailHighest[i] = top = h * higher + top * (1 - higher);
        tailLowest[i] = bottom = l * lower + bottom * (1 - lower);
      }
    }
    top = high[start];
    bottom = low[start];
    const length = Math.min(period, n - start);
    for (let i = 0; i < length;) {
      for (const end = Math.min(length, i + rows - filled); i < end; i++) {
        const h = high[start + i];
        const l = low[start + i];
        const higher = Number(h > top);
        const lower = Number(l < bottom);
        top = h * higher + top * (1 - higher);
        bottom = l * lower + bottom * (1 - lower);
        const tailTop = tailHighest[i];
        const tailBottom = tailLowest[i];
        const topInHead = Number(top > tailTop);
        const bottomInHead = Number(bottom < tailBottom);
        highest[filled] = top * topInHead + tailTop * (1 - topInHead);
        lowest[filled] = bottom * bottomInHead + tailBottom * (1 - bottomInHead);
        filled++;
      }
      if (filled < rows && start + i < n) continue;
      throwIfCancelled(token);
      use(from, from + filled, highest, lowest);
      from += filled;
      filled = 0;
    }
  }
}
