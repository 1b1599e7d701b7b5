import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { slidingSum } from "../kernels/sliding-sum.js";

/**
 * Money flow index, 0..100: the share of money (typical price times volume) that moved in bars whose typical price rose, among the last
 * `period` changes. Unchanged bars count for neither side; 50 where no money moved. NaN before index `period`.
 *
 * @see Quong & Soudack, Technical Analysis of Stocks & Commodities 7:3 (1989)
 */
export function mfi(
  { high, low, close, volume }: Bars,
  period: number,
  token: CancellationToken,
): Float64Array {
  const n = close.length;
  const rising = new Float64Array(n);
  const falling = new Float64Array(n);
  let before = NaN;
  for (let t = 0; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const price = (high[t] + low[t] + close[t]) / 3;
      const flow = price * volume[t];
      rising[t] = Number(price > before) * flow;
      falling[t] = Number(price < before) * flow;
      before = price;
    }
  const out = slidingSum(rising, period, token, 1);
  const fallen = slidingSum(falling, period, token, 1);
  for (let t = period; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const moved = out[t] + fallen[t];
      out[t] = moved > 0 ? 100 * (out[t] / moved) : 50;
    }
  return out;
}

/** Quong and Soudack's money flow index. */
export const mfiIndicator = defineIndicator({
  name: "mfi",
  aliases: ["moneyflowindex"],
  title: "Money Flow Index",
  definition:
    "Quong & Soudack 1989: 100 * rising / (rising + falling) flow of typical price * volume over the last `period` changes; 50 without flow; first value at bar `period`",
  schema: z.strictObject({ period: z.int().min(1).default(14) }),
  outputs: ["mfi"],
  primary: "mfi",
  needsVolume: () => true,
  warmup: ({ period }) => ({ mfi: period }),
  compute: (bars, { period }, token) => ({ mfi: mfi(bars, period, token) }),
});
