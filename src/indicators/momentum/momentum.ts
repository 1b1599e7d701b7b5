import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** Change over some bars, in the unit of the source. */
export const momentumIndicator = defineIndicator({
  name: "momentum",
  aliases: ["mom"],
  title: "Momentum",
  definition: "value minus the value `period` bars before; first value at bar `period`",
  schema: z.strictObject({ period: z.int().min(1).default(10), source: sourceSchema }),
  outputs: ["momentum"],
  primary: "momentum",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ momentum: period }),
  compute: (bars, { period, source }, token) => {
    const x = sourceColumn(bars, source);
    const momentum = columnAfter(x.length, period);
    for (let t = period; t < x.length;)
      for (const end = blockEnd(t, x.length, token); t < end; t++) momentum[t] = x[t] - x[t - period];
    return { momentum };
  },
});
