import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { moneyFlowVolume } from "../kernels/money-flow.js";
import { slidingSum } from "../kernels/sliding-sum.js";

/** Chaikin's money flow. */
export const cmfIndicator = defineIndicator({
  name: "cmf",
  aliases: ["chaikinmoneyflow"],
  title: "Chaikin Money Flow",
  definition:
    "Chaikin: sum of money flow volume / sum of volume over `period` bars, -1..1; a bar without range counts 0; 0 where no volume was traded; first value at bar period - 1",
  schema: z.strictObject({ period: z.int().min(2).default(21) }),
  outputs: ["cmf"],
  primary: "cmf",
  needsVolume: () => true,
  warmup: ({ period }) => ({ cmf: period - 1 }),
  compute: (bars, { period }, token) => {
    const cmf = slidingSum(moneyFlowVolume(bars, token), period, token);
    const volume = slidingSum(bars.volume, period, token);
    for (let t = period - 1; t < cmf.length;)
      for (const end = blockEnd(t, cmf.length, token); t < end; t++)
        cmf[t] = volume[t] > 0 ? cmf[t] / volume[t] : 0;
    return { cmf };
  },
});
