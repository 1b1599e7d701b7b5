import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { trueRange } from "../kernels/true-range.js";

/**
 * Average true range, in units of price: Wilder's smoothing of the true range.
 *
 * @returns [n]; NaN before index `period - 1`, where it is the mean of the first `period` true ranges (the first bar's is
 *   high - low; TA-Lib leaves that bar out and so begins one bar later)
 * @see Wilder, New Concepts in Technical Trading Systems (1978), section III
 */
export function atr({ high, low, close }: Bars, period: number, token: CancellationToken): Float64Array {
  const n = close.length;
  const out = columnAfter(n, period - 1);
  let mean = 0;
  const alpha = 1 / period;
  for (let t = 0; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const range = t === 0 ? high[0] - low[0] : trueRange(high[t], low[t], close[t - 1]);
      mean += (t < period ? 1 / (t + 1) : alpha) * (range - mean); // a running mean until bar period - 1, then Wilder's
      if (t >= period - 1) out[t] = mean;
    }
  return out;
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
  compute: (bars, { period }, token) => ({ atr: atr(bars, period, token) }),
});
