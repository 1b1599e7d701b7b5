import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { slidingMean, slidingSum } from "../kernels/sliding-sum.js";

/**
 * Mean of the last `period` values with symmetric weights that rise to the middle: 1, 2, 2, 1 for four. It is the mean of means over
 * half the period each. NaN before index `from + period - 1`.
 */
function symmetricMean(
  x: Float64Array,
  period: number,
  from: number,
  token: CancellationToken,
): Float64Array {
  const half = Math.floor((period + 1) / 2);
  const rest = period + 1 - half;
  return slidingMean(slidingMean(x, half, token, from), rest, token, from + half - 1);
}

/** Bars before the first weighted difference: four are weighted 1, 2, 2, 1. */
const weighted = 4;

/** Relative vigor index. */
export const rviIndicator = defineIndicator({
  name: "rvi",
  aliases: ["relativevigorindex"],
  title: "Relative Vigor Index",
  definition:
    "Ehlers 2002: sum over `period` of close - open, weighted 1-2-2-1 over four bars, / the same of high - low; signal = symmetrically weighted mean of `signal_period` " +
    "(1-2-2-1 for 4); 0 where there is no range; first value at bar period + 2, first signal signal_period - 1 later",
  schema: z.strictObject({
    period: z.int().min(4).default(10),
    signal_period: z.int().min(1).default(4),
  }),
  outputs: ["rvi", "signal"],
  primary: "rvi",
  needsVolume: () => false,
  warmup: ({ period, signal_period }) => {
    const rvi = weighted + period - 2;
    return { rvi, signal: rvi + signal_period - 1 };
  },
  compute: ({ open, high, low, close }, { period, signal_period }, token) => {
    const n = close.length;
    const body = new Float64Array(n);
    const range = new Float64Array(n);
    let [b1, b2, b3] = [NaN, NaN, NaN]; // bodies and ranges of the bars before
    let [r1, r2, r3] = [NaN, NaN, NaN];
    for (let t = 0; t < n;)
      for (const end = blockEnd(t, n, token); t < end; t++) {
        const b = close[t] - open[t];
        const r = high[t] - low[t];
        body[t] = b + 2 * (b1 + b2) + b3;
        range[t] = r + 2 * (r1 + r2) + r3;
        b3 = b2;
        b2 = b1;
        b1 = b;
        r3 = r2;
        r2 = r1;
        r1 = r;
      }
    const rvi = slidingSum(body, period, token, weighted - 1);
    const reach = slidingSum(range, period, token, weighted - 1);
    const first = weighted + period - 2;
    for (let t = first; t < n;)
      for (const end = blockEnd(t, n, token); t < end; t++) rvi[t] = reach[t] > 0 ? rvi[t] / reach[t] : 0;
    return { rvi, signal: symmetricMean(rvi, signal_period, first, token) };
  },
});
