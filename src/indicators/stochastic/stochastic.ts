import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { slidingMax, slidingMin } from "../kernels/sliding-extremes.js";
import { slidingMean } from "../kernels/sliding-sum.js";

/**
 * Where the close lies between the lowest low (0) and the highest high (100) of the last `period` bars; 50 where they are
 * equal. NaN before index `period - 1`.
 */
export function rawStochastic(bars: Bars, period: number, token: CancellationToken): Float64Array {
  const highest = slidingMax(bars.high, period, token);
  const out = slidingMin(bars.low, period, token);
  for (let t = period - 1; t < out.length;)
    for (const end = blockEnd(t, out.length, token); t < end; t++) {
      const range = highest[t] - out[t];
      out[t] = range > 0 ? 100 * ((bars.close[t] - out[t]) / range) : 50;
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
