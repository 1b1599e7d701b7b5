import { inBlocks, neverCancelled, type CancellationToken } from "../core/index.js";

/**
 * Decisions of a model: the most probable class where its probability reaches the threshold, else HOLD; the first class
 * on a tie, as in its accuracy.
 *
 * @param probabilities BUY, HOLD, SELL per row, [rows × 3]
 * @param rows          the bar of each row, ascending, [rows]
 * @param bars          number of bars; those without a row are HOLD
 * @param threshold     0..1
 * @returns 1 BUY, 0 HOLD, -1 SELL, [bars]
 */
export function decisionsOf(
  probabilities: Float32Array,
  rows: Uint32Array,
  bars: number,
  threshold: number,
  token: CancellationToken = neverCancelled,
): Int8Array {
  const signals = new Int8Array(bars);
  // Probabilities are float32: 0.6 must be reached by the float32 that is nearest to 0.6.
  const lowest = Math.fround(threshold);
  inBlocks(rows.length, token, (from, to) => {
    for (let i = from; i < to; i++) {
      const [buy, hold, sell] = [probabilities[3 * i], probabilities[3 * i + 1], probabilities[3 * i + 2]];
      if (buy >= hold && buy >= sell) signals[rows[i]] = buy >= lowest ? 1 : 0;
      else if (sell > hold) signals[rows[i]] = sell >= lowest ? -1 : 0;
    }
  });
  return signals;
}
