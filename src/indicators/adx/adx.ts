import { z } from "zod";
import type { Bars } from "../../data/index.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";
import { wilderMean } from "../kernels/smoothing.js";

/** The two directional indicators, [n] each. */
export interface DirectionalIndicators {
  readonly plus: Float64Array;
  readonly minus: Float64Array;
}

/**
 * Wilder's directional indicators, 0..100: smoothed directional movement up and down as a share of the smoothed true range, whose
 * first values are the means of bars 1..`period` (bar 0 has no predecessor). 0 while nothing has moved. NaN before index `period`.
 *
 * @see Wilder, New Concepts in Technical Trading Systems (1978), section IV
 */
export function directionalIndicators({ high, low, close }: Bars, period: number): DirectionalIndicators {
  const n = close.length;
  const plus = columnAfter(n, period);
  const minus = columnAfter(n, period);
  let range = 0;
  let rise = 0;
  let fall = 0;
  for (let t = 1; t < n; t++) {
    const before = close[t - 1];
    const trueRange = (high[t] > before ? high[t] : before) - (low[t] < before ? low[t] : before);
    const up = high[t] - high[t - 1];
    const down = low[t - 1] - low[t];
    const movementUp = up > down && up > 0 ? up : 0;
    const movementDown = down > up && down > 0 ? down : 0;
    const share = t < period ? 1 / t : 1 / period; // a running mean until bar `period`, then Wilder's
    range += share * (trueRange - range);
    rise += share * (movementUp - rise);
    fall += share * (movementDown - fall);
    if (t >= period) {
      const scale = range > 0 ? 100 / range : 0;
      plus[t] = rise * scale;
      minus[t] = fall * scale;
    }
  }
  return { plus, minus };
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
  compute: (bars, { period }) => {
    const { plus, minus } = directionalIndicators(bars, period);
    const dx = new Float64Array(plus.length);
    for (let t = period; t < dx.length; t++) {
      const sum = plus[t] + minus[t];
      dx[t] = sum > 0 ? 100 * (Math.abs(plus[t] - minus[t]) / sum) : 0;
    }
    return { adx: wilderMean(dx, period, period), plus_di: plus, minus_di: minus };
  },
});
