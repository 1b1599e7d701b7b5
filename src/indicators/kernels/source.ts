import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";

/** The column of the bars that an indicator works on, as strategy files name it. */
export const sourceSchema = z.enum(["open", "high", "low", "close", "volume"]).default("close");

/** A name that `sourceSchema` allows. */
export type Source = z.infer<typeof sourceSchema>;

/** The bars' column of that name, [n]; no copy. */
export function sourceColumn(bars: Bars, source: Source): Float64Array {
  return bars[source];
}

/** (high + low + close) / 3, [n]: the typical price. */
export function typicalPrice({ high, low, close }: Bars, token: CancellationToken): Float64Array {
  const out = new Float64Array(close.length);
  for (let t = 0; t < out.length;)
    for (const end = blockEnd(t, out.length, token); t < end; t++) out[t] = (high[t] + low[t] + close[t]) / 3;
  return out;
}
