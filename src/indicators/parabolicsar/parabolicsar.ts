import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";

/** Wilder's acceleration factors: the first, the step at each new extreme, the greatest. */
export interface Acceleration {
  readonly initial: number;
  readonly step: number;
  readonly max: number;
}

/**
 * Parabolic stop and reverse, in units of price: the stop in force during bar t, or the new one if bar t touched it.
 *
 * Begins at bar 1 as TA-Lib does: short if bar 1 made the greater move downwards, else long; the stop is bar 0's opposite extreme, the
 * extreme point bar 1's. A stop never lies within the range of this bar or the last.
 *
 * @returns [n]; NaN at index 0
 * @see Wilder, New Concepts in Technical Trading Systems (1978), section II
 */
export function parabolicSar(
  { high, low }: Bars,
  { initial, step, max }: Acceleration,
  token: CancellationToken,
): Float64Array {
  const n = high.length;
  const out = columnAfter(n, 1);
  if (n < 2) return out;
  const down = low[0] - low[1];
  let long = !(down > 0 && down > high[1] - high[0]);
  let stop = long ? low[0] : high[0];
  let extreme = long ? high[1] : low[1];
  let factor = initial;
  for (let t = 1; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      // Bar 0 lies before the trade, so at bar 1 only bar 1 limits the stop.
      const last = t > 1 ? t - 1 : 1;
      const highest = high[t] > high[last] ? high[t] : high[last];
      const lowest = low[t] < low[last] ? low[t] : low[last];
      const touched = long ? low[t] <= stop : high[t] >= stop;
      if (touched) {
        out[t] = long ? Math.max(extreme, highest) : Math.min(extreme, lowest);
        long = !long;
        factor = initial;
        extreme = long ? high[t] : low[t];
      } else {
        out[t] = stop;
        if (long ? high[t] > extreme : low[t] < extreme) {
          extreme = long ? high[t] : low[t];
          factor = Math.min(max, factor + step);
        }
      }
      const next = out[t] + factor * (extreme - out[t]);
      stop = long ? Math.min(next, lowest) : Math.max(next, highest);
    }
  return out;
}

/** Wilder's parabolic stop and reverse. */
export const parabolicSarIndicator = defineIndicator({
  name: "parabolicsar",
  aliases: ["psar", "sar"],
  title: "Parabolic SAR",
  definition:
    "Wilder 1978, begun as TA-Lib does: at bar 1, short if it moved down more than up, else long, the stop at bar 0's opposite extreme; first value at bar 1",
  schema: z
    .strictObject({
      initial_af: z.number().positive().default(0.02),
      step_af: z.number().positive().default(0.02),
      max_af: z.number().positive().max(1).default(0.2),
    })
    .refine((params) => params.initial_af <= params.max_af, {
      path: ["initial_af"],
      message: "initial_af must not be above max_af",
    }),
  outputs: ["parabolicsar"],
  primary: "parabolicsar",
  needsVolume: () => false,
  warmup: () => ({ parabolicsar: 1 }),
  compute: (bars, { initial_af, step_af, max_af }, token) => ({
    parabolicsar: parabolicSar(bars, { initial: initial_af, step: step_af, max: max_af }, token),
  }),
});
