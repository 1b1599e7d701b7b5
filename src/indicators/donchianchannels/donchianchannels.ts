import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { slidingMax, slidingMin } from "../kernels/sliding-extremes.js";

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
  compute: (bars, { period }, token) => {
    const upper = slidingMax(bars.high, period, token);
    const lower = slidingMin(bars.low, period, token);
    const middle = new Float64Array(upper.length);
    for (let t = 0; t < middle.length;)
      for (const end = blockEnd(t, middle.length, token); t < end; t++) middle[t] = (upper[t] + lower[t]) / 2;
    return { upper, middle, lower };
  },
});
