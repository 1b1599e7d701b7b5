import * as z from "zod";
import { blockEnd, rowsPerCheck, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { slidingMean } from "../kernels/sliding-sum.js";
import { typicalPrice } from "../kernels/source.js";

/**
 * Commodity channel index: distance of the typical price from its mean over `period` bars, in units of 0.015 mean absolute deviations.
 *
 * The deviation from a moving mean has no running form that is exact, so this one costs O(n period). 0 where all typical prices of the
 * window are equal. NaN before index `period - 1`.
 *
 * @see Lambert, Commodities (October 1980)
 */
export function cci(bars: Bars, period: number, token: CancellationToken): Float64Array {
  const x = typicalPrice(bars, token);
  const out = slidingMean(x, period, token);
  const scale = period / 0.015;
  const rows = Math.ceil(rowsPerCheck / period); // between two looks, as each reads `period` values
  let unchanged = 1; // values up to this one that are equal: then the mean differs from them by rounding only
  for (let t = 1; t < Math.min(period - 1, x.length);)
    for (const end = blockEnd(t, Math.min(period - 1, x.length), token); t < end; t++)
      unchanged = x[t] === x[t - 1] ? unchanged + 1 : 1;
  for (let t = period - 1; t < x.length;)
    for (const end = blockEnd(t, Math.min(t + rows, x.length), token); t < end; t++) {
      unchanged = x[t] === x[t - 1] ? unchanged + 1 : 1;
      const mean = out[t];
      let deviation = 0;
      let more = 0; // a second sum, so that additions need not wait for each other
      let k = t - period + 1;
      for (; k < t; k += 2) {
        deviation += Math.abs(x[k] - mean);
        more += Math.abs(x[k + 1] - mean);
      }
      if (k === t) deviation += Math.abs(x[t] - mean);
      out[t] = unchanged >= period ? 0 : (scale * (x[t] - mean)) / (deviation + more);
    }
  return out;
}

/** Lambert's commodity channel index. */
export const cciIndicator = defineIndicator({
  name: "cci",
  aliases: ["commoditychannelindex"],
  title: "Commodity Channel Index",
  definition:
    "Lambert 1980: (TP - mean TP) / (0.015 * mean absolute deviation) over `period` bars, TP = (high + low + close) / 3; 0 over equal prices; " +
    "first value at bar period - 1",
  schema: z.strictObject({ period: z.int().min(2).default(20) }),
  outputs: ["cci"],
  primary: "cci",
  needsVolume: () => false,
  warmup: ({ period }) => ({ cci: period - 1 }),
  compute: (bars, { period }, token) => ({ cci: cci(bars, period, token) }),
});
