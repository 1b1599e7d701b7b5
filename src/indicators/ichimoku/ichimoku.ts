import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { slidingMax, slidingMin } from "../kernels/sliding-extremes.js";

/** Middle between highest high and lowest low of the last `period` bars; NaN before index `period - 1`. */
function midpoint({ high, low }: Bars, period: number, token: CancellationToken): Float64Array {
  const highest = slidingMax(high, period, token);
  const out = slidingMin(low, period, token);
  for (let t = 0; t < out.length;)
    for (const end = blockEnd(t, out.length, token); t < end; t++) out[t] = (highest[t] + out[t]) / 2;
  return out;
}

/** Hosoda's Ichimoku Kinko Hyo. */
export const ichimokuIndicator = defineIndicator({
  name: "ichimoku",
  aliases: ["ichimokucloud", "ichimokukinkohyo"],
  title: "Ichimoku Kinko Hyo",
  definition:
    "Hosoda 1969: midpoints of the ranges of tenkan, kijun and senkou_b bars; the spans at bar t are those computed `displacement` bars before, as a chart " +
    "shows them at t; chikou at bar t is the close of t, which a chart draws `displacement` bars earlier; nothing later than t is used",
  schema: z.strictObject({
    tenkan_period: z.int().min(1).default(9),
    kijun_period: z.int().min(1).default(26),
    senkou_b_period: z.int().min(1).default(52),
    displacement: z.int().min(1).default(26),
  }),
  outputs: ["tenkan", "kijun", "span_a", "span_b", "chikou"],
  primary: "tenkan",
  needsVolume: () => false,
  warmup: ({ tenkan_period, kijun_period, senkou_b_period, displacement }) => ({
    tenkan: tenkan_period - 1,
    kijun: kijun_period - 1,
    span_a: Math.max(tenkan_period, kijun_period) - 1 + displacement,
    span_b: senkou_b_period - 1 + displacement,
    chikou: 0,
  }),
  compute: (bars, { tenkan_period, kijun_period, senkou_b_period, displacement }, token) => {
    const n = bars.close.length;
    const tenkan = midpoint(bars, tenkan_period, token);
    const kijun = midpoint(bars, kijun_period, token);
    const slow = midpoint(bars, senkou_b_period, token);
    const span_a = columnAfter(n, displacement);
    const span_b = columnAfter(n, displacement);
    for (let t = displacement; t < n;)
      for (const end = blockEnd(t, n, token); t < end; t++) {
        span_a[t] = (tenkan[t - displacement] + kijun[t - displacement]) / 2;
        span_b[t] = slow[t - displacement];
      }
    return { tenkan, kijun, span_a, span_b, chikou: bars.close.slice() };
  },
});
