import * as z from "zod";
import { blockEnd, log, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { SlidingRange } from "../kernels/sliding-range.js";

/** Where v is held beyond 0.99. */
const held = 0.999;

/**
 * Fisher transform of the middle price's place in its range over `period` bars.
 *
 * With v = 0.33 * (place, -1..1) + 0.67 * (v before), beyond 0.99 set to 0.999, the value is alpha * ln((1 + v) / (1 - v)) + (1 - alpha) * (value
 * before), alpha = 2 / (smoothing + 1); both begin with 0. Smoothing 3 gives Ehlers' own 0.5 and 0.5. A range of zero counts as its
 * middle. NaN before index `period - 1`.
 *
 * @see Ehlers, "Using the Fisher Transform", Technical Analysis of Stocks & Commodities 20:11 (2002)
 */
export function fisherTransform(
  { high, low }: Bars,
  period: number,
  smoothing: number,
  token: CancellationToken,
): Float64Array {
  const n = high.length;
  const price = new Float64Array(n);
  for (let t = 0; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) price[t] = (high[t] + low[t]) / 2;
  const out = columnAfter(n, period - 1);
  const alpha = 2 / (smoothing + 1);
  let v = 0;
  let fisher = 0;
  const ranges = new SlidingRange(price, price, period);
  while (ranges.next(token)) {
    const { from, to, highest, lowest } = ranges;
    for (let t = from; t < to; t++) {
      const bottom = lowest[t - from];
      const range = highest[t - from] - bottom;
      const place = range > 0 ? 2 * ((price[t] - bottom) / range - 0.5) : 0;
      v = 0.33 * place + 0.67 * v;
      const beyond = Number(v > 0.99) - Number(v < -0.99); // arithmetic, as trends come and go too often for a branch
      v = (1 - Math.abs(beyond)) * v + beyond * held;
      fisher = alpha * log((1 + v) / (1 - v)) + (1 - alpha) * fisher;
      out[t] = fisher;
    }
  }
  return out;
}

/** Ehlers' Fisher transform. */
export const fisherTransformIndicator = defineIndicator({
  name: "fishertransform",
  aliases: ["fisher"],
  title: "Fisher Transform",
  definition:
    "Ehlers 2002: v = 0.33 * place of (high + low) / 2 in its range of `period` bars (-1..1) + 0.67 * v before, set to 0.999 beyond 0.99; value = alpha * ln((1 + v) / (1 - v)) + (1 - alpha) * value before, " +
    "alpha = 2 / (smoothing + 1): Ehlers' 0.5 for 3; both begin with 0; first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(2).default(10),
    smoothing: z.int().min(1).default(3),
  }),
  outputs: ["fishertransform"],
  primary: "fishertransform",
  needsVolume: () => false,
  warmup: ({ period }) => ({ fishertransform: period - 1 }),
  compute: (bars, { period, smoothing }, token) => ({
    fishertransform: fisherTransform(bars, period, smoothing, token),
  }),
});
