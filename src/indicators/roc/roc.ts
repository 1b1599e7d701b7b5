import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter, dropInfinite } from "../kernels/columns.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** Relative change over some bars. */
export const rocIndicator = defineIndicator({
  name: "roc",
  aliases: ["rateofchange"],
  title: "Rate of Change",
  definition:
    "percent: 100 * (value / value `period` bars before - 1); no value where that one is 0; first value at bar `period`",
  schema: z.strictObject({ period: z.int().min(1).default(10), source: sourceSchema }),
  outputs: ["roc"],
  primary: "roc",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ roc: period }),
  compute: (bars, { period, source }, token) => {
    const x = sourceColumn(bars, source);
    const roc = columnAfter(x.length, period);
    for (let t = period; t < x.length;) {
      const from = t;
      let sum = 0;
      for (const end = blockEnd(t, x.length, token); t < end; t++) {
        const before = x[t - period];
        sum += roc[t] = (100 * (x[t] - before)) / before;
      }
      dropInfinite(roc, from, t, sum);
    }
    return { roc };
  },
});
