import * as z from "zod";
import { defineIndicator } from "../define.js";
import { dropInfinite, type EachStretch } from "../kernels/columns.js";
import { slidingMean } from "../kernels/sliding-sum.js";
import { exponentialMean } from "../kernels/smoothing.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** Distance from a moving average, in percent of it. */
export const distanceFromMaIndicator = defineIndicator({
  name: "distancefromma",
  aliases: ["distancefrommovingaverage", "madistance"],
  title: "Distance from Moving Average",
  definition:
    "percent: 100 * (value - average) / average, the average being our sma or ema of `period`; no value where it is 0; first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(2).default(20),
    ma_type: z
      .string()
      .toUpperCase()
      .pipe(z.enum(["SMA", "EMA"]))
      .default("SMA"),
    source: sourceSchema,
  }),
  outputs: ["distancefromma"],
  primary: "distancefromma",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ distancefromma: period - 1 }),
  compute: (bars, { period, ma_type, source }, token) => {
    const x = sourceColumn(bars, source);
    const toDistance: EachStretch = (column, from, to) => {
      let sum = 0;
      for (let t = from; t < to; t++) {
        const average = column[t];
        sum += column[t] = (100 * (x[t] - average)) / average;
      }
      dropInfinite(column, from, to, sum);
    };
    const average = ma_type === "EMA" ? exponentialMean : slidingMean;
    return { distancefromma: average(x, period, token, 0, toDistance) };
  },
});
