import * as z from "zod";
import { defineIndicator } from "../define.js";
import { slidingMean } from "../kernels/sliding-sum.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** Simple moving average; `slidingMean` over any column of the bars. */
export const smaIndicator = defineIndicator({
  name: "sma",
  aliases: ["simplemovingaverage", "volumesma"],
  title: "Simple Moving Average",
  definition: "mean of the last `period` values, which is also the first value, at bar period - 1",
  schema: z.strictObject({ period: z.int().min(2).default(20), source: sourceSchema }),
  outputs: ["sma"],
  primary: "sma",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ sma: period - 1 }),
  compute: (bars, { period, source }, token) => ({
    sma: slidingMean(sourceColumn(bars, source), period, token),
  }),
});
