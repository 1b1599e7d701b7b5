import * as z from "zod";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { SlidingRange } from "../kernels/sliding-range.js";

/** Donchian's price channel. */
export const donchianChannelsIndicator = defineIndicator({
  name: "donchianchannels",
  aliases: ["donchian", "donchianchannel"],
  title: "Donchian Channels",
  definition:
    "Donchian: highest high and lowest low of the last `period` bars, this one included, and (unless include_middle is false) their mean; " +
    "first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(1).default(20),
    include_middle: z.boolean().default(true),
  }),
  outputs: ["upper", "middle", "lower"],
  primary: "upper",
  needsVolume: () => false,
  omitted: ({ include_middle }) => (include_middle ? [] : ["middle"]),
  warmup: ({ period }) => ({ upper: period - 1, middle: period - 1, lower: period - 1 }),
  compute: ({ high, low }, { period }, token) => {
    const upper = columnAfter(high.length, period - 1);
    const middle = columnAfter(high.length, period - 1);
    const lower = columnAfter(high.length, period - 1);
    const ranges = new SlidingRange(high, low, period);
    while (ranges.next(token)) {
      const { from, to, highest, lowest } = ranges;
      upper.set(highest.subarray(0, to - from), from);
      lower.set(lowest.subarray(0, to - from), from);
      for (let t = from; t < to; t++) middle[t] = (highest[t - from] + lowest[t - from]) / 2;
    }
    return { upper, middle, lower };
  },
});
