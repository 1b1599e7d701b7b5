import { z } from "zod";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { wilderMean } from "../kernels/smoothing.js";
import { trueRange } from "../kernels/true-range.js";

/**
 * Average true range, in units of price: Wilder's smoothing of the true range.
 *
 * @returns [n]; NaN before index `period - 1`, where it is the mean of the first `period` true ranges (the first bar's is
 *   high - low; TA-Lib leaves that bar out and so begins one bar later)
 * @see Wilder, New Concepts in Technical Trading Systems (1978), section III
 */
export function atr(bars: Bars, period: number): Float64Array {
  return wilderMean(trueRange(bars), period);
}

/** Wilder's average true range. */
export const atrIndicator = defineIndicator({
  name: "atr",
  aliases: ["averagetruerange"],
  title: "Average True Range",
  definition:
    "Wilder 1978: Wilder-smoothed true range (the first bar's is high - low); first value, at bar period - 1, is the " +
    "mean of the first `period`",
  schema: z.strictObject({ period: z.int().min(1).default(14) }),
  outputs: ["atr"],
  primary: "atr",
  needsVolume: () => false,
  warmup: ({ period }) => ({ atr: period - 1 }),
  compute: (bars, { period }) => ({ atr: atr(bars, period) }),
});
