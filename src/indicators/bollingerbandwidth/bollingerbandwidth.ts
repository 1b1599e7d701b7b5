import { z } from "zod";
import { bollingerBands } from "../bollingerbands/bollingerbands.js";
import { defineIndicator } from "../define.js";
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
  compute: (bars, { period, multiplier, source }) => {
    const { upper, middle, lower } = bollingerBands(sourceColumn(bars, source), period, multiplier);
    for (let t = 0; t < upper.length; t++) {
      upper[t] = middle[t] === 0 ? NaN : (upper[t] - lower[t]) / middle[t];
    }
    return { bollingerbandwidth: upper };
  },
});
