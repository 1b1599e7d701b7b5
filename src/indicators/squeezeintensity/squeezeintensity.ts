import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { atr } from "../atr/atr.js";
import { slidingDeviation } from "../kernels/sliding-deviation.js";
import { slidingMean } from "../kernels/sliding-sum.js";
import { exponentialMean } from "../kernels/smoothing.js";
import { sourceColumn } from "../kernels/source.js";
import { priceColumns } from "../../data/index.js";

/** The average true range inside is always over ten bars, as in Raschke's channels. */
const atrPeriod = 10;

/** How far Bollinger's bands lie inside Keltner's channels. */
export const squeezeIntensityIndicator = defineIndicator({
  name: "squeezeintensity",
  aliases: ["squeeze"],
  title: "Squeeze Intensity",
  definition:
    "share of the Keltner channel (ATR over 10 bars) left free by the Bollinger bands on their closer side, 0 where they reach out of it: " +
    "max(0, min(KU - BU, BL - KL) / (KU - KL)); from our own bands; first value at the latest of theirs",
  schema: z.strictObject({
    bb_period: z.int().min(2).default(20),
    bb_multiplier: z.number().positive().default(2),
    kc_period: z.int().min(2).default(20),
    kc_multiplier: z.number().positive().default(2),
    source: z.enum(priceColumns).default("close"),
  }),
  outputs: ["squeezeintensity"],
  primary: "squeezeintensity",
  needsVolume: () => false,
  warmup: ({ bb_period, kc_period }) => ({
    squeezeintensity: Math.max(bb_period, kc_period, atrPeriod) - 1,
  }),
  compute: (bars, { bb_period, bb_multiplier, kc_period, kc_multiplier, source }, token) => {
    const x = sourceColumn(bars, source);
    const inner = slidingMean(x, bb_period, token);
    const deviation = slidingDeviation(x, bb_period, token);
    const outer = exponentialMean(x, kc_period, token);
    const out = atr(bars, atrPeriod, token);
    for (let t = 0; t < out.length;)
      for (const end = blockEnd(t, out.length, token); t < end; t++) {
        const reach = kc_multiplier * out[t];
        const spread = bb_multiplier * deviation[t];
        const upper = outer[t] + reach;
        const lower = outer[t] - reach;
        const above = upper - (inner[t] + spread);
        const below = inner[t] - spread - lower;
        const free = above < below ? above : below;
        out[t] = free <= 0 ? 0 : free / (upper - lower);
      }
    return { squeezeintensity: out };
  },
});
