import * as z from "zod";
import { defineIndicator } from "../define.js";
import { dropInfinite, type EachStretch } from "../kernels/columns.js";
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
    const toRatio: EachStretch = (column, from, to) => {
      let sum = 0;
      for (let t = from; t < to; t++) sum += column[t] = volume[t] / column[t];
      dropInfinite(column, from, to, sum);
    };
    return { volumeratio: slidingMean(volume, period, token, 0, toRatio) };
  },
});
