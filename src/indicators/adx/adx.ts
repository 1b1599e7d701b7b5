import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { trueRange } from "../kernels/true-range.js";

/** Wilder's directional lines, 0..100, [n] each. */
export interface DirectionalMovement {
  readonly adx: Float64Array;
  readonly plus: Float64Array;
  readonly minus: Float64Array;
}

/**
 * Directional movement: smoothed movement up and down as a share of the smoothed true range, and the smoothed imbalance of the two.
 *
 * The first shares, at index `period`, rest on the means of bars 1..`period` (bar 0 has no predecessor), the first ADX, at `2 period - 1`,
 * on the mean of the first `period` imbalances. 0 while nothing has moved; NaN before.
 *
 * @see Wilder, New Concepts in Technical Trading Systems (1978), section IV
 */
export function directionalMovement(
  { high, low, close }: Bars,
  period: number,
  token: CancellationToken,
): DirectionalMovement {
  const n = close.length;
  const plus = columnAfter(n, period);
  const minus = columnAfter(n, period);
  const adx = columnAfter(n, 2 * period - 1);
  const alpha = 1 / period;
  let range = 0;
  let rise = 0;
  let fall = 0;
  let imbalance = 0;
  for (let t = 1; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const up = high[t] - high[t - 1];
      const down = low[t - 1] - low[t];
      const weight = t < period ? 1 / t : alpha; // running means until bar `period`, then Wilder's
      range += weight * (trueRange(high[t], low[t], close[t - 1]) - range);
      rise += weight * (Number(up > down) * Number(up > 0) * up - rise);
      fall += weight * (Number(down > up) * Number(down > 0) * down - fall);
      if (t < period) continue;
      const scale = range > 0 ? 100 / range : 0;
      plus[t] = rise * scale;
      minus[t] = fall * scale;
      const moved = rise + fall;
      const dx = moved > 0 ? 100 * (Math.abs(rise - fall) / moved) : 0;
      imbalance += (t < 2 * period - 1 ? 1 / (t - period + 1) : alpha) * (dx - imbalance);
      if (t >= 2 * period - 1) adx[t] = imbalance;
    }
  return { adx, plus, minus };
}

/** Wilder's average directional index. */
export const adxIndicator = defineIndicator({
  name: "adx",
  aliases: ["averagedirectionalindex", "dmi"],
  title: "Average Directional Index",
  definition:
    "Wilder 1978: DI = 100 * smoothed directional movement / smoothed true range, first at bar `period` from the means of bars 1 to `period`; " +
    "DX = 100 * |DI+ - DI-| / (DI+ + DI-); ADX = Wilder-smoothed DX, first at bar 2 * period - 1 as the mean of the first `period`; 0 without movement",
  schema: z.strictObject({ period: z.int().min(1).default(14) }),
  outputs: ["adx", "plus_di", "minus_di"],
  primary: "adx",
  needsVolume: () => false,
  warmup: ({ period }) => ({ adx: 2 * period - 1, plus_di: period, minus_di: period }),
  compute: (bars, { period }, token) => {
    const { adx, plus, minus } = directionalMovement(bars, period, token);
    return { adx, plus_di: plus, minus_di: minus };
  },
});
