import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { cumulativeSum } from "../kernels/cumulative-sum.js";

/** Granville's on-balance volume. */
export const obvIndicator = defineIndicator({
  name: "obv",
  aliases: ["onbalancevolume"],
  title: "On-Balance Volume",
  definition:
    "Granville 1963: sum of volumes, added where the close rose and subtracted where it fell; begins with 0 at the first stored bar",
  schema: z.strictObject({}),
  outputs: ["obv"],
  primary: "obv",
  needsVolume: () => true,
  warmup: () => ({ obv: 0 }),
  compute: ({ close, volume }, _, token) => {
    const signed = new Float64Array(close.length);
    for (let t = 1; t < signed.length;)
      for (const end = blockEnd(t, signed.length, token); t < end; t++) {
        const change = close[t] - close[t - 1];
        signed[t] = (Number(change > 0) - Number(change < 0)) * volume[t]; // arithmetic, as branches would be guessed wrong
      }
    return { obv: cumulativeSum(signed, token) };
  },
});
