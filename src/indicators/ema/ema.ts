import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { exponentialMean } from "../kernels/smoothing.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/**
 * Exponential mean from the first bar on, without waiting for a seed.
 *
 * @param adjusted true: each value is the mean of all bars so far with weights (1 - alpha)^age, as pandas' `ewm` does by
 *   default; false: the first value is taken as the mean so far, as pandas does with `adjust=False`
 */
function exponentialMeanFromFirst(
  x: Float64Array,
  period: number,
  adjusted: boolean,
  token: CancellationToken,
): Float64Array {
  const n = x.length;
  const out = new Float64Array(n);
  if (n === 0) return out;
  const alpha = 2 / (period + 1);
  let y = x[0];
  let share = adjusted ? 1 : alpha; // alpha / (sum of weights so far)
  out[0] = y;
  for (let t = 1; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      if (adjusted) share /= share + 1 - alpha;
      out[t] = y += share * (x[t] - y);
    }
  return out;
}

/** Exponential moving average with alpha = 2 / (period + 1). */
export const emaIndicator = defineIndicator({
  name: "ema",
  aliases: ["exponentialmovingaverage"],
  title: "Exponential Moving Average",
  definition:
    "alpha = 2 / (period + 1); first value, at bar period - 1, is the mean of the first `period` values; " +
    "with `adjust` it begins at the first bar instead: true as pandas' ewm, false recursive from the first value",
  schema: z.strictObject({
    period: z.int().min(2).default(20),
    source: sourceSchema,
    adjust: z.boolean().optional(),
  }),
  outputs: ["ema"],
  primary: "ema",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period, adjust }) => ({ ema: adjust === undefined ? period - 1 : 0 }),
  compute: (bars, { period, source, adjust }, token) => {
    const x = sourceColumn(bars, source);
    return {
      ema:
        adjust === undefined
          ? exponentialMean(x, period, token)
          : exponentialMeanFromFirst(x, period, adjust, token),
    };
  },
});
