import * as z from "zod";
import { inBlocks, rowsPerCheck, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { findIndicator } from "../../indicators/index.js";
import { BUY, defineLabel, emptyLabels, HOLD, SELL, type Labels } from "../define.js";

/** The upper and the lower barrier of one label, in units of price. */
interface Barriers {
  readonly entry: number;
  readonly upper: number;
  readonly lower: number;
}

/**
 * Which barrier a bar that touches at least one reached first. Where it touches both: the one that its open lies beyond
 * (it was reached in the gap); else its close decides: above the entry the upper one, otherwise the lower one.
 */
function firstTouched(bars: Bars, t: number, { entry, upper, lower }: Barriers): typeof BUY | typeof SELL {
  if (bars.high[t] < upper) return SELL;
  if (bars.low[t] > lower) return BUY;
  if (bars.open[t] >= upper) return BUY;
  if (bars.open[t] <= lower) return SELL;
  return bars.close[t] > entry ? BUY : SELL;
}

/** Bars that are passed over at once where none of them touches a barrier. */
const stretch = 32;

/** Most labels are found one by one; the first bar after so many that begins a stretch. */
const stretchAhead = (k: number): number => k - (k % stretch) + 2 * stretch;

/** Highest high and lowest low of each whole stretch of bars. */
interface StretchExtremes {
  readonly highest: Float64Array;
  readonly lowest: Float64Array;
}

function stretchExtremes({ high, low }: Bars, token: CancellationToken): StretchExtremes {
  const stretches = Math.floor(high.length / stretch);
  const highest = new Float64Array(stretches).fill(-Infinity);
  const lowest = new Float64Array(stretches).fill(Infinity);
  inBlocks(stretches * stretch, token, (from, to) => {
    for (let t = from; t < to; t++) {
      const s = Math.floor(t / stretch);
      if (high[t] > highest[s]) highest[s] = high[t];
      if (low[t] < lowest[s]) lowest[s] = low[t];
    }
  });
  return { highest, lowest };
}

/** The first bar from `k` on, where a stretch begins, that touches a barrier; `end` where none before it does. */
function touchAfter(
  { high, low }: Bars,
  { highest, lowest }: StretchExtremes,
  k: number,
  end: number,
  upper: number,
  lower: number,
): number {
  for (let s = k / stretch; k + stretch <= end && highest[s] < upper && lowest[s] > lower; s++) k += stretch;
  while (k < end && high[k] < upper && low[k] > lower) k++;
  return k;
}

/**
 * Labels by the barrier that the price touches first within `horizon` bars: BUY for `target` widths above the close, SELL for
 * `stop` widths below it, HOLD where neither is touched. Touching is by high and low of the later bars.
 *
 * Known with the bar that touches; HOLD with the last bar of the horizon, for until then a bar may still touch. No label
 * where the width does not exist (warm-up) or is too small to set the barriers apart from the close (no movement).
 *
 * @param width  of one unit of the barriers, in units of price, [n]
 * @throws CancelledError
 * @see Lopez de Prado, Advances in Financial Machine Learning (2018), ch. 3.4
 */
export function tripleBarrier(
  bars: Bars,
  width: Float64Array,
  { horizon, target, stop }: { horizon: number; target: number; stop: number },
  token: CancellationToken,
): Labels {
  const { close, high, low } = bars;
  const n = close.length;
  const { classes, knownAt } = emptyLabels(n);
  // Far barriers over a long horizon: stretches without a touch are passed over whole.
  const calm = horizon > 2 * stretch ? stretchExtremes(bars, token) : null;
  let work = 0;
  for (let t = 0; t < n; t++) {
    if (++work > rowsPerCheck) {
      throwIfCancelled(token);
      work = 0;
    }
    const entry = close[t];
    const upper = entry + target * width[t];
    const lower = entry - stop * width[t];
    if (!(upper > entry && lower < entry)) continue;
    const end = Math.min(t + horizon + 1, n);
    let k = t + 1;
    const near = calm === null ? end : Math.min(end, stretchAhead(k));
    while (k < near && high[k] < upper && low[k] > lower) k++;
    if (calm !== null && k === near) k = touchAfter(bars, calm, k, end, upper, lower);
    if (k < end) {
      classes[t] = firstTouched(bars, k, { entry, upper, lower });
      knownAt[t] = k;
    } else if (t + horizon < n) {
      classes[t] = HOLD;
      knownAt[t] = t + horizon;
    }
    work += k - t;
  }
  return { classes, knownAt };
}

const atr = findIndicator("atr");

/** Triple barrier whose widths are multiples of Wilder's average true range. */
export const tripleBarrierLabel = defineLabel({
  name: "triple_barrier",
  title: "Triple barrier",
  definition:
    "Lopez de Prado 2018, ch. 3: BUY where a high first reaches close + target * ATR within `horizon` bars, SELL where a low first " +
    "reaches close - stop * ATR, HOLD where neither does (both in one bar: the one its open lies beyond, else " +
    "the one on its close's side of the entry, SELL at the entry itself); none where the ATR is 0. Known at the " +
    "touching bar, HOLD at the end of the horizon",
  schema: z.strictObject({
    horizon: z.int().min(1).default(10),
    target: z.number().gt(0).default(2),
    stop: z.number().gt(0).default(2),
    atr_period: z.int().min(1).default(14),
  }),
  compute: (bars, { horizon, target, stop, atr_period }, token) => {
    const width = atr.compute(bars, { period: atr_period }, token)["atr"];
    return tripleBarrier(bars, width, { horizon, target, stop }, token);
  },
});
