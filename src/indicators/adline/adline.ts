import * as z from "zod";
import { defineIndicator } from "../define.js";
import { cumulativeSum } from "../kernels/cumulative-sum.js";
import { moneyFlowVolume } from "../kernels/money-flow.js";
import { slidingMean } from "../kernels/sliding-sum.js";

/** Chaikin's accumulation/distribution line. */
export const adLineIndicator = defineIndicator({
  name: "adline",
  aliases: ["ad", "accumulationdistribution", "accumulationdistributionline"],
  title: "Accumulation/Distribution Line",
  definition:
    "Chaikin: sum of money flow volume since the first stored bar, its own included; a bar without range adds 0; with use_sma_smoothing the mean of the last `smoothing_period` values of that line",
  schema: z.strictObject({
    use_sma_smoothing: z.boolean().default(false),
    smoothing_period: z.int().min(2).default(21),
  }),
  outputs: ["adline"],
  primary: "adline",
  needsVolume: () => true,
  warmup: ({ use_sma_smoothing, smoothing_period }) => ({
    adline: use_sma_smoothing ? smoothing_period - 1 : 0,
  }),
  compute: (bars, { use_sma_smoothing, smoothing_period }, token) => {
    const line = cumulativeSum(moneyFlowVolume(bars, token), token);
    return { adline: use_sma_smoothing ? slidingMean(line, smoothing_period, token) : line };
  },
});
