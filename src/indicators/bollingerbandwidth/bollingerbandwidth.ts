import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { dropInfinite } from "../kernels/columns.js";
import { slidingDeviation } from "../kernels/sliding-deviation.js";
import { slidingMean } from "../kernels/sliding-sum.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** Width of Bollinger's bands. */
export const bollingerBandWidthIndicator = defineIndicator({
  name: "bollingerbandwidth",
  aliases: ["bbwidth", "bbw"],
  title: "Bollinger Band Width",
  definition:
    "Bollinger 2001: (upper - lower) / middle of our bollingerbands, a fraction; no value where the middle is 0; first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(2).default(20),
    multiplier: z.number().positive().default(2),
    source: sourceSchema,
  }),
  outputs: ["bollingerbandwidth"],
  primary: "bollingerbandwidth",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ bollingerbandwidth: period - 1 }),
  compute: (bars, { period, multiplier, source }, token) => {
    const x = sourceColumn(bars, source);
    const middle = slidingMean(x, period, token);
    const width = slidingDeviation(x, period, token);
    for (let t = period - 1; t < width.length;) {
      const from = t;
      let sum = 0;
      for (const end = blockEnd(t, width.length, token); t < end; t++) {
        const reach = multiplier * width[t];
        sum += width[t] = (middle[t] + reach - (middle[t] - reach)) / middle[t];
      }
      dropInfinite(width, from, t, sum);
    }
    return { bollingerbandwidth: width };
  },
});
