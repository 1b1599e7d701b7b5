import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import { priceColumns } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { sourceColumn } from "../kernels/source.js";

/**
 * Price of the last pivot that is confirmed at each bar: known then, never repainted.
 *
 * The first bar is a pivot. Afterwards a reversal of at least `threshold` (relative) from the running extreme confirms that extreme, at the
 * bar that reverses; until then the pivot before stays in force.
 *
 * @returns [n], a value at every bar
 */
export function lastPivot(x: Float64Array, threshold: number, token: CancellationToken): Float64Array {
  const out = new Float64Array(x.length);
  let pivot = x[0];
  let extreme = pivot;
  let direction = 0;
  for (let t = 0; t < x.length;)
    for (const end = blockEnd(t, x.length, token); t < end; t++) {
      const price = x[t];
      const change = (price - extreme) / extreme;
      if (direction === 0) {
        if (Math.abs(change) >= threshold) {
          direction = Math.sign(change);
          extreme = price;
        }
      } else if (direction * change > 0) {
        extreme = price;
      } else if (-direction * change >= threshold) {
        pivot = extreme;
        extreme = price;
        direction = -direction;
      }
      out[t] = pivot;
    }
  return out;
}

/** Zigzag as far as it is known at each bar. */
export const zigzagIndicator = defineIndicator({
  name: "zigzag",
  aliases: [],
  title: "ZigZag",
  definition:
    "price of the last pivot confirmed at this bar, never repainted: the first bar is a pivot; a reversal of at least `threshold` (a fraction) from the running extreme confirms that extreme",
  schema: z.strictObject({
    threshold: z.number().gt(0).lt(1).default(0.05),
    source: z.enum(priceColumns).default("close"),
  }),
  outputs: ["zigzag"],
  primary: "zigzag",
  needsVolume: () => false,
  warmup: () => ({ zigzag: 0 }),
  compute: (bars, { threshold, source }, token) => ({
    zigzag: lastPivot(sourceColumn(bars, source), threshold, token),
  }),
});
