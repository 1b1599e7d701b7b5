import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { atr } from "../atr/atr.js";
import type { Bands } from "../bollingerbands/bollingerbands.js";
import { defineIndicator } from "../define.js";
import { exponentialMean } from "../kernels/smoothing.js";

/**
 * Keltner channels as Linda Raschke uses them: an exponential mean of the close, and `multiplier` average true ranges above and below
 * it. The middle is NaN before index `period - 1`, the lines around it until the average true range exists too.
 */
function keltnerChannels(
  bars: Bars,
  period: number,
  atrPeriod: number,
  multiplier: number,
  token: CancellationToken,
): Bands {
  const middle = exponentialMean(bars.close, period, token);
  const upper = atr(bars, atrPeriod, token);
  const lower = new Float64Array(middle.length);
  for (let t = 0; t < middle.length;)
    for (const end = blockEnd(t, middle.length, token); t < end; t++) {
      const reach = multiplier * upper[t];
      upper[t] = middle[t] + reach;
      lower[t] = middle[t] - reach;
    }
  return { upper, middle, lower };
}

/** Keltner channels in Raschke's form. */
export const keltnerChannelsIndicator = defineIndicator({
  name: "keltnerchannels",
  aliases: ["keltner", "kc", "keltnerchannel"],
  title: "Keltner Channels",
  definition:
    "Raschke's form: middle = EMA of the close seeded with the mean of the first `period`, bands `multiplier` Wilder ATRs away; first middle at bar " +
    "period - 1, first bands at the later of that and atr_period - 1",
  schema: z.strictObject({
    period: z.int().min(2).default(20),
    atr_period: z.int().min(1).default(10),
    multiplier: z.number().positive().default(2),
  }),
  outputs: ["upper", "middle", "lower"],
  primary: "middle",
  needsVolume: () => false,
  warmup: ({ period, atr_period }) => {
    const bands = Math.max(period, atr_period) - 1;
    return { upper: bands, middle: period - 1, lower: bands };
  },
  compute: (bars, { period, atr_period, multiplier }, token) => ({
    ...keltnerChannels(bars, period, atr_period, multiplier, token),
  }),
});
