import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { cumulativeSum } from "../kernels/cumulative-sum.js";
import { slidingSum } from "../kernels/sliding-sum.js";

/** Mean price weighted with volume. */
export const vwapIndicator = defineIndicator({
  name: "vwap",
  aliases: ["volumeweightedaverageprice"],
  title: "Volume Weighted Average Price",
  definition:
    "sum of price * volume / sum of volume over the last `period` bars (0: since the first stored bar), price = (high + low + close) / 3 or, " +
    "without use_typical_price, the close; no value where no volume was traded; first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(0).default(20),
    use_typical_price: z.boolean().default(true),
  }),
  outputs: ["vwap"],
  primary: "vwap",
  needsVolume: () => true,
  warmup: ({ period }) => ({ vwap: Math.max(0, period - 1) }),
  compute: (bars, { period, use_typical_price }, token) => {
    const { high, low, close, volume } = bars;
    const value = new Float64Array(close.length);
    for (let t = 0; t < value.length;)
      for (const end = blockEnd(t, value.length, token); t < end; t++) {
        value[t] = (use_typical_price ? (high[t] + low[t] + close[t]) / 3 : close[t]) * volume[t];
      }
    const sum = (x: Float64Array) => (period === 0 ? cumulativeSum(x, token) : slidingSum(x, period, token));
    const vwap = sum(value);
    const traded = sum(volume);
    for (let t = 0; t < vwap.length;)
      for (const end = blockEnd(t, vwap.length, token); t < end; t++)
        vwap[t] = traded[t] > 0 ? vwap[t] / traded[t] : NaN;
    return { vwap };
  },
});
