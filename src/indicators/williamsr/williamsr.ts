import * as z from "zod";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { SlidingRange } from "../kernels/sliding-range.js";

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
  compute: ({ high, low, close }, { period }, token) => {
    const out = columnAfter(close.length, period - 1);
    const ranges = new SlidingRange(high, low, period);
    while (ranges.next(token)) {
      const { from, to, highest, lowest } = ranges;
      for (let t = from; t < to; t++) {
        const top = highest[t - from];
        const range = top - lowest[t - from];
        out[t] = range > 0 ? 100 * ((close[t] - top) / range) : -50;
      }
    }
    return { williamsr: out };
  },
});
