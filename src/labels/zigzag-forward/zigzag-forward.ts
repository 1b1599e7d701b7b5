import * as z from "zod";
import { throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { SlidingRange } from "../../indicators/index.js";
import { BUY, defineLabel, emptyLabels, HOLD, SELL, type Labels } from "../define.js";

/**
 * Labels by the extremes of the next `horizon` closes: BUY where the greatest gain is at least `threshold`, exceeds the
 * greatest loss and is first reached at least `minSwing` bars ahead; SELL is the mirror image; else HOLD.
 *
 * What is known when: until the window ends a further close could still be so high that the label becomes BUY, and,
 * unless the gain so far is 1 or more, so low that it becomes SELL. No loss reaches 1, for prices are positive. So a gain
 * of 1 or more that was first reached at `minSwing` bars or later makes the label BUY whatever follows (a higher maximum
 * comes later still); before `minSwing` it leaves BUY and HOLD open. In every other case the label is known with the last
 * close of the window. Bars whose label is open at the end of the data have none.
 *
 * @param close     positive, [n]
 * @param threshold share of the price, 0 < threshold < 1
 * @param horizon   bars looked at, >= 1
 * @param minSwing  1..horizon
 * @throws CancelledError
 */
export function zigzagForward(
  close: Float64Array,
  { threshold, horizon, minSwing }: { threshold: number; horizon: number; minSwing: number },
  token: CancellationToken,
): Labels {
  const n = close.length;
  const { classes, knownAt } = emptyLabels(n);

  // A window of the `horizon` bars after t ends at t + horizon, that of the bars before `minSwing` at t + minSwing - 1: the
  // first blocks of both begin with the one of t = -1, and so do all their blocks together.
  const ahead = new SlidingRange(close, close, horizon);
  const early = minSwing === 1 ? ahead : new SlidingRange(close, close, minSwing - 1);
  while (ahead.next(token)) {
    if (early !== ahead) early.next(token);
    const { highest, lowest } = ahead;
    const { highest: earlyHighest, lowest: earlyLowest } = early;
    const first = ahead.from - horizon;
    const rows = ahead.to - ahead.from;
    for (let row = first < 0 ? 1 : 0; row < rows; row++) {
      const t = first + row;
      const price = close[t];
      const gain = (highest[row] - price) / price;
      if (gain >= 1) {
        const known = surelyBuyAt(close, t, t + horizon + 1, minSwing, token);
        if (known >= 0) {
          classes[t] = BUY;
          knownAt[t] = known;
          continue;
        }
      }
      const loss = (price - lowest[row]) / price;
      knownAt[t] = t + horizon;
      // In exact arithmetic every loss is below 1; rounding may make it 1, and it must not tie with a gain of 1.
      if (gain >= threshold && (gain > loss || gain >= 1)) {
        classes[t] = minSwing === 1 || earlyHighest[row] < highest[row] ? BUY : HOLD;
      } else if (loss >= threshold && loss > gain) {
        classes[t] = minSwing === 1 || earlyLowest[row] > lowest[row] ? SELL : HOLD;
      } else {
        classes[t] = HOLD;
      }
    }
  }

  // Windows that the data end in: only what is sure already.
  let highest = 0;
  for (let t = n - 2; t >= Math.max(0, n - horizon); t--) {
    if (close[t + 1] > highest) highest = close[t + 1];
    if (!((highest - close[t]) / close[t] >= 1)) continue;
    const known = surelyBuyAt(close, t, n, minSwing, token);
    if (known < 0) continue;
    classes[t] = BUY;
    knownAt[t] = known;
  }
  return { classes, knownAt };
}

/**
 * The first bar of (t, end) at `minSwing` bars or later whose close exceeds all after t and is a gain of 1 or more; -1 where there is
 * none. Only asked for bars with such a gain, which are rare.
 */
function surelyBuyAt(
  close: Float64Array,
  t: number,
  end: number,
  minSwing: number,
  token: CancellationToken,
): number {
  throwIfCancelled(token);
  const price = close[t];
  let maximum = 0;
  for (let k = t + 1; k < end; k++) {
    if (!(close[k] > maximum)) continue;
    maximum = close[k];
    if (k - t >= minSwing && (maximum - price) / price >= 1) return k;
  }
  return -1;
}

/** Extremes within a window ahead; the forward-looking labeller of older strategies. */
export const zigzagForwardLabel = defineLabel({
  name: "zigzag_forward",
  title: "Extremes within a window ahead",
  definition:
    "BUY where the greatest gain of the next `horizon` closes is at least `threshold`, exceeds the greatest loss and comes " +
    "`min_swing` or more bars ahead; SELL mirrored; else HOLD. Known at the window's end (earlier once a gain of 100 % fixes it)",
  schema: z
    .strictObject({
      threshold: z.number().gt(0).lt(1).default(0.05),
      horizon: z.int().min(1).default(20),
      min_swing: z.int().min(1).default(3),
    })
    .refine(({ min_swing, horizon }) => min_swing <= horizon, {
      path: ["min_swing"],
      error: "must not exceed horizon: no label but HOLD could occur",
    }),
  compute: (bars, { threshold, horizon, min_swing }, token) =>
    zigzagForward(bars.close, { threshold, horizon, minSwing: min_swing }, token),
});
