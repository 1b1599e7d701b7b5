import * as z from "zod";
import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { atr } from "../atr/atr.js";
import { defineIndicator } from "../define.js";
import { columnAfter } from "../kernels/columns.js";

/** The trailing line, in units of price, and the trend's direction: 1 up, -1 down; [n] each. */
export interface SuperTrend {
  readonly line: Float64Array;
  readonly direction: Float64Array;
}

/**
 * SuperTrend: a stop `multiplier` average true ranges from the bar's middle, which follows the trend and never retreats until the close
 * crosses it.
 *
 * It starts down, as Pine's `ta.supertrend` does. NaN before index `period - 1`.
 *
 * @see Seban, Das ist Trading (2008); average true range as Wilder's
 */
export function superTrend(
  bars: Bars,
  period: number,
  multiplier: number,
  token: CancellationToken,
): SuperTrend {
  const { high, low, close } = bars;
  const n = close.length;
  const first = period - 1;
  const line = atr(bars, period, token);
  const direction = columnAfter(n, first);
  let upper = Infinity;
  let lower = -Infinity;
  let up = false;
  for (let t = first; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const middle = (high[t] + low[t]) / 2;
      const reach = multiplier * line[t];
      // A band moves towards price only, unless the close before had already left it.
      if (t === first || middle + reach < upper || close[t - 1] > upper) upper = middle + reach;
      if (t === first || middle - reach > lower || close[t - 1] < lower) lower = middle - reach;
      if (t > first) up = up ? close[t] >= lower : close[t] > upper;
      line[t] = up ? lower : upper;
      direction[t] = up ? 1 : -1;
    }
  return { line, direction };
}

/** Seban's SuperTrend with Wilder's average true range. */
export const superTrendIndicator = defineIndicator({
  name: "supertrend",
  aliases: [],
  title: "SuperTrend",
  definition:
    "Seban: bands (high + low) / 2 -+ `multiplier` Wilder ATRs that move towards price only; the line is the lower band while the trend is up (direction 1) and the " +
    "upper one while it is down (-1); starts down; first value at bar period - 1",
  schema: z.strictObject({
    period: z.int().min(1).default(10),
    multiplier: z.number().positive().default(3),
  }),
  outputs: ["line", "direction"],
  primary: "line",
  needsVolume: () => false,
  warmup: ({ period }) => ({ line: period - 1, direction: period - 1 }),
  compute: (bars, { period, multiplier }, token) => ({ ...superTrend(bars, period, multiplier, token) }),
});
