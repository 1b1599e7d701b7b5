import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { slidingMean } from "../kernels/sliding-sum.js";

/** Volume against its own mean. */
export const volumeRatioIndicator = defineIndicator({
  name: "volumeratio",
  aliases: ["relativevolume", "rvol"],
  title: "Volume Ratio",
  definition:
    "volume / mean volume of the last `period` bars, this one included; no value where that mean is 0; first value at bar period - 1",
  schema: z.strictObject({ period: z.int().min(2).default(20) }),
  outputs: ["volumeratio"],
  primary: "volumeratio",
  needsVolume: () => true,
  warmup: ({ period }) => ({ volumeratio: period - 1 }),
  compute: ({ volume }, { period }, token) => {
    const out = slidingMean(volume, period, token);
    for (let t = 0; t < out.length;)
      for (const end = blockEnd(t, out.length, token); t < end; t++)
        out[t] = out[t] > 0 ? volume[t] / out[t] : NaN;
    return { volumeratio: out };
  },
});
