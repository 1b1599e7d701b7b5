import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/**
 * Relative strength index, 0..100: the share of rises in all movement, both smoothed as Wilder does.
 *
 * The first value, at index `period`, rests on the means of the first `period` rises and falls. Without any movement it is 50.
 *
 * @param x [n]
 * @returns [n]; NaN before index `period`
 * @see Wilder, New Concepts in Technical Trading Systems (1978), section VI
 */
export function rsi(x: Float64Array, period: number, token: CancellationToken): Float64Array {
  const n = x.length;
  const out = columnAfter(n, period);
  if (period >= n) return out;
  let rise = 0;
  let fall = 0;
  for (let t = 1; t <= period; t++) {
    const change = x[t] - x[t - 1];
    const size = Math.abs(change);
    rise += (size + change) / 2; // the change where it is a rise, else 0: exact, and no branch to guess wrong
    fall += (size - change) / 2;
  }
  rise /= period;
  fall /= period;
  out[period] = rise + fall > 0 ? 100 * (rise / (rise + fall)) : 50;
  const alpha = 1 / period;
  for (let t = period + 1; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const change = x[t] - x[t - 1];
      const size = Math.abs(change);
      rise += alpha * ((size + change) / 2 - rise);
      fall += alpha * ((size - change) / 2 - fall);
      out[t] = rise + fall > 0 ? 100 * (rise / (rise + fall)) : 50;
    }
  return out;
}

/** Wilder's relative strength index. */
export const rsiIndicator = defineIndicator({
  name: "rsi",
  aliases: ["relativestrengthindex"],
  title: "Relative Strength Index",
  definition:
    "Wilder 1978: 100 * rises / (rises + falls), Wilder-smoothed; first value, at bar `period`, from the means of the " +
    "first `period` changes; 50 without any movement",
  schema: z.strictObject({ period: z.int().min(2).default(14), source: sourceSchema }),
  outputs: ["rsi"],
  primary: "rsi",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ period }) => ({ rsi: period }),
  compute: (bars, { period, source }, token) => ({ rsi: rsi(sourceColumn(bars, source), period, token) }),
});
