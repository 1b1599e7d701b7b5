import * as z from "zod";
import type { CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { SlidingRange } from "../kernels/sliding-range.js";
import { slidingMean } from "../kernels/sliding-sum.js";

/**
 * Where the close lies between the lowest low (0) and the highest high (100) of the last `period` bars; 50 where they are
 * equal. NaN before index `period - 1`.
 */
export function rawStochastic(
  { high, low, close }: Bars,
  period: number,
  token: CancellationToken,
): Float64Array {
  const out = columnAfter(close.length, period - 1);
  const ranges = new SlidingRange(high, low, period);
  while (ranges.next(token)) {
    const { from, to, highest, lowest } = ranges;
    for (let t = from; t < to; t++) {
      const bottom = lowest[t - from];
      const range = highest[t - from] - bottom;
      out[t] = range > 0 ? 100 * ((close[t] - bottom) / range) : 50;
    }
  }
  return out;
}

/** Lane's stochastic oscillator. */
export const stochasticIndicator = defineIndicator({
  name: "stochastic",
  aliases: ["stoch", "stochasticoscillator"],
  title: "Stochastic Oscillator",
  definition:
    "Lane: k = mean over `smooth_k` of 100 * (close - lowest low) / (highest high - lowest low) of `k_period` bars, d = mean of k over " +
    "`d_period`; full windows only; 50 where the range is zero; first k at bar k_period + smooth_k - 2",
  schema: z.strictObject({
    k_period: z.int().min(1).default(14),
    d_period: z.int().min(1).default(3),
    smooth_k: z.int().min(1).default(3),
  }),
  outputs: ["k", "d"],
  primary: "k",
  needsVolume: () => false,
  warmup: ({ k_period, d_period, smooth_k }) => ({
    k: k_period + smooth_k - 2,
    d: k_period + smooth_k + d_period - 3,
  }),
  compute: (bars, { k_period, d_period, smooth_k }, token) => {
    const k = slidingMean(rawStochastic(bars, k_period, token), smooth_k, token, k_period - 1);
    return { k, d: slidingMean(k, d_period, token, k_period + smooth_k - 2) };
  },
});
