import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { slidingMax, slidingMin } from "../kernels/sliding-extremes.js";

/** Williams' percent range. */
export const williamsRIndicator = defineIndicator({
  name: "williamsr",
  aliases: ["willr", "williamspercentr"],
  title: "Williams %R",
  definition:
    "Williams 1973: -100 * (highest high - close) / (highest high - lowest low) of `period` bars; -50 where the range is zero; " +
    "first value at bar period - 1",
  schema: z.strictObject({ period: z.int().min(1).default(14) }),
  outputs: ["williamsr"],
  primary: "williamsr",
  needsVolume: () => false,
  warmup: ({ period }) => ({ williamsr: period - 1 }),
  compute: (bars, { period }, token) => {
    const highest = slidingMax(bars.high, period, token);
    const out = slidingMin(bars.low, period, token);
    for (let t = period - 1; t < out.length;)
      for (const end = blockEnd(t, out.length, token); t < end; t++) {
        const range = highest[t] - out[t];
        out[t] = range > 0 ? 100 * ((bars.close[t] - highest[t]) / range) : -50;
      }
    return { williamsr: out };
  },
});
