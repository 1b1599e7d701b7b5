import { rowsPerCheck, throwIfCancelled, type CancellationToken } from "../../core/index.js";

/**
 * Highest of the last `period` values of one column and lowest of those of another, block by block, so that no column is filled
 * that nobody wants:
 *
 *     const range = new SlidingRange(high, low, period);
 *     while (range.next(token)) {
 *       const { from, to, highest, lowest } = range;
 *       for (let t = from; t < to; t++) out[t] = highest[t - from] - lowest[t - from];
 *     }
 *
 * A window is the end of one stretch of `period` values and the beginning of the next; both parts' extremes are
 * running ones (van Herk 1992, Gil & Werman 1993): three comparisons a value, whatever the period and the data. Comparisons are
 * numbers that are multiplied in: as branches they would be guessed wrong every third time, which costs as much as all the rest.
 */
export class SlidingRange {
  /** Bars [from, to) of this block; the first block begins at `period - 1`. */
  from: number;
  to: number;
  /** Of the window that ends with bar t, at index `t - from`; overwritten by the next block. */
  readonly highest: Float64Array;
  readonly lowest: Float64Array;
  readonly #high: Float64Array;
  readonly #low: Float64Array;
  readonly #period: number;
  /** [i]: of the stretch before, from its i-th value to its end. */
  readonly #tailHighest: Float64Array;
  readonly #tailLowest: Float64Array;
  /** Values of the present stretch that are done, and their extremes. */
  #done = 0;
  #top = 0;
  #bottom = 0;

  /** @param high, low finite values, [n]; may be the same column */
  constructor(high: Float64Array, low: Float64Array, period: number) {
    const rows = Math.max(0, Math.min(rowsPerCheck, high.length - period + 1));
    this.highest = new Float64Array(rows);
    this.lowest = new Float64Array(rows);
    this.#high = high;
    this.#low = low;
    this.#period = period;
    this.#tailHighest = new Float64Array(rows === 0 ? 0 : period);
    this.#tailLowest = new Float64Array(rows === 0 ? 0 : period);
    this.from = period - 1;
    this.to = period - 1;
  }

  /** Works out the next block of at most `rowsPerCheck` bars; false where there is none. @throws CancelledError */
  next(token: CancellationToken): boolean {
    throwIfCancelled(token);
    const [high, low, highest, lowest] = [this.#high, this.#low, this.highest, this.lowest];
    const [tailHighest, tailLowest, period] = [this.#tailHighest, this.#tailLowest, this.#period];
    let t = this.to;
    this.from = t;
    const end = Math.min(high.length, t + highest.length);
    if (t >= end) return false;
    let [done, top, bottom] = [this.#done, this.#top, this.#bottom];
    for (let row = 0; t < end;) {
      if (done === 0) {
        this.#beginStretch(t, token);
        top = high[t];
        bottom = low[t];
      }
      for (const stop = Math.min(end, t + period - done); t < stop; t++) {
        const h = high[t];
        const l = low[t];
        const higher = Number(h > top);
        const lower = Number(l < bottom);
        top = h * higher + top * (1 - higher);
        bottom = l * lower + bottom * (1 - lower);
        const tailTop = tailHighest[done];
        const tailBottom = tailLowest[done];
        const topInHead = Number(top > tailTop);
        const bottomInHead = Number(bottom < tailBottom);
        highest[row] = top * topInHead + tailTop * (1 - topInHead);
        lowest[row] = bottom * bottomInHead + tailBottom * (1 - bottomInHead);
        done++;
        row++;
      }
      if (done === period) done = 0;
    }
    this.to = end;
    this.#done = done;
    this.#top = top;
    this.#bottom = bottom;
    return true;
  }

  /** Extremes from each of the last `period` values up to bar `t` to that bar. */
  #beginStretch(t: number, token: CancellationToken): void {
    const [high, low, period] = [this.#high, this.#low, this.#period];
    const [tailHighest, tailLowest] = [this.#tailHighest, this.#tailLowest];
    const first = t - period + 1;
    let top = high[t];
    let bottom = low[t];
    for (let i = period - 1; i >= 0;) {
      if (period > rowsPerCheck) throwIfCancelled(token);
      for (const stop = Math.max(0, i - rowsPerCheck); i >= stop; i--) {
        const h = high[first + i];
        const l = low[first + i];
        const higher = Number(h > top);
        const lower = Number(l < bottom);
        tailHighest[i] = top = h * higher + top * (1 - higher);
        tailLowest[i] = bottom = l * lower + bottom * (1 - lower);
      }
    }
  }
}
