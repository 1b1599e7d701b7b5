import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { slidingDeviation } from "../kernels/sliding-deviation.js";
import { slidingMean } from "../kernels/sliding-sum.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** An upper, a middle and a lower line, each [n]. */
export interface Bands {
  readonly upper: Float64Array;
  readonly middle: Float64Array;
  readonly lower: Float64Array;
}

/**
 * Bollinger bands, in the unit of `x`: mean of the last `period` values, and `multiplier` population standard deviations
 * above and below it. NaN before index `period - 1`.
 *
 * @see Bollinger, Bollinger on Bollinger Bands (2001), who divides by n
 */
export function bollingerBands(
  x: Float64Array,
  period: number,
  multiplier: number,
  token: CancellationToken,
): Bands {
  const middle = slidingMean(x, period, token);
  const upper = slidingDeviation(x, period, token);
  const lower = new Float64Array(x.length);
  for (let t = 0; t < x.length;)
    for (const end = blockEnd(t, x.length, token); t < end; t++) {
      const reach = multiplier * upper[t];
      upper[t] = middle[t] + reach;
      lower[t] = middle[t] - reach;
    }
  return { upper, middle, lower };
}

/** Bollinger's bands. */
export const bollingerBandsIndicator = defineIndicator({
  name: "bollingerbands",
  aliases: ["bbands", "bollinger"],
  title: "Bollinger Bands",
  definition:
    "Bollinger 2001: mean of the last `period` values, plus and minus `multiplier` population standard deviations " +
    "(divided by n); first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(2).default(20),
    multiplier: z.number().positive().default(2),
    source: sourceSchema,
  }),
  outputs: ["upper", "middle", "lower"],
  primary: "upper",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ upper: period - 1, middle: period - 1, lower: period - 1 }),
  compute: (bars, { period, multiplier, source }, token) => ({
    ...bollingerBands(sourceColumn(bars, source), period, multiplier, token),
  }),
});
