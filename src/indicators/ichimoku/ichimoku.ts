import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { SlidingRange } from "../kernels/sliding-range.js";

/** Middle between highest high and lowest low of `period` bars, read `shift` bars later; NaN before index `period - 1 + shift`. */
function midpoint(
  { high, low }: Bars,
  period: number,
  shift: number,
  token: CancellationToken,
): Float64Array {
  const n = high.length;
  const out = columnAfter(n, period - 1 + shift);
  const ranges = new SlidingRange(high, low, period);
  while (ranges.next(token)) {
    const { from, to, highest, lowest } = ranges;
    const end = Math.min(to, n - shift);
    for (let t = from; t < end; t++) out[t + shift] = (highest[t - from] + lowest[t - from]) / 2;
  }
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
    const tenkan = midpoint(bars, tenkan_period, 0, token);
    const kijun = midpoint(bars, kijun_period, 0, token);
    const span_a = columnAfter(n, displacement);
    for (let t = displacement; t < n;)
      for (const end = blockEnd(t, n, token); t < end; t++)
        span_a[t] = (tenkan[t - displacement] + kijun[t - displacement]) / 2;
    const span_b = midpoint(bars, senkou_b_period, displacement, token);
    return { tenkan, kijun, span_a, span_b, chikou: bars.close.slice() };
  },
});
