import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";

/**
 * Bars since the highest (`sign` 1) or lowest (-1) of the last `period + 1` values; of equal ones the latest counts. NaN before
 * index `period`.
 *
 * As in `SlidingRange` a window is the end of one block and the beginning of the next, here with the extreme's index.
 */
function barsSinceExtreme(
  x: Float64Array,
  period: number,
  sign: 1 | -1,
  token: CancellationToken,
): Float64Array {
  const n = x.length;
  const window = period + 1;
  const out = columnAfter(n, period);
  if (window > n) return out;
  const suffixAt = new Int32Array(window + 1);
  const suffix = new Float64Array(window + 1).fill(-Infinity);
  for (let start = 0; start < n;)
    for (const end = blockEnd(start, n, token, window); start < end; start += window) {
      const length = Math.min(window, n - start);
      let head = -Infinity;
      let headAt = start;
      for (let i = 0; i < length; i++) {
        const t = start + i;
        const value = sign * x[t];
        if (value >= head) {
          head = value;
          headAt = t;
        }
        if (start > 0 || i === window - 1) out[t] = t - (head >= suffix[i + 1] ? headAt : suffixAt[i + 1]);
      }
      let tail = -Infinity;
      let tailAt = 0;
      for (let i = length - 1; i > 0; i--) {
        const value = sign * x[start + i];
        if (value > tail) {
          tail = value;
          tailAt = start + i;
        }
        suffix[i] = tail;
        suffixAt[i] = tailAt;
      }
    }
  return out;
}

/** Chande's Aroon. */
export const aroonIndicator = defineIndicator({
  name: "aroon",
  aliases: [],
  title: "Aroon",
  definition:
    "Chande 1995: 100 * (period - bars since the highest high or lowest low of the last period + 1 bars) / period, the latest of equal ones; " +
    "oscillator (unless include_oscillator is false) = up - down; first value at bar `period`",
  schema: z.strictObject({
    period: z.int().min(1).default(14),
    include_oscillator: z.boolean().default(true),
  }),
  outputs: ["up", "down", "oscillator"],
  primary: "up",
  needsVolume: () => false,
  omitted: ({ include_oscillator }) => (include_oscillator ? [] : ["oscillator"]),
  warmup: ({ period }) => ({ up: period, down: period, oscillator: period }),
  compute: ({ high, low }, { period }, token) => {
    const up = barsSinceExtreme(high, period, 1, token);
    const down = barsSinceExtreme(low, period, -1, token);
    const oscillator = new Float64Array(up.length);
    for (let t = 0; t < up.length;)
      for (const end = blockEnd(t, up.length, token); t < end; t++) {
        up[t] = (100 * (period - up[t])) / period;
        down[t] = (100 * (period - down[t])) / period;
        oscillator[t] = up[t] - down[t];
      }
    return { up, down, oscillator };
  },
});
