import * as z from "zod";
import { rowsPerCheck, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { BUY, defineLabel, emptyLabels, HOLD, SELL, type Labels } from "../define.js";

/**
 * For each bar the index of the first highest value among the next `horizon`, or of the first lowest with `sign` -1; -1 where
 * no bar follows. A monotonic queue: each bar enters and leaves it once, so the cost does not grow with `horizon`.
 */
function firstExtremeAhead(
  price: Float64Array,
  horizon: number,
  sign: 1 | -1,
  token: CancellationToken,
): Int32Array {
  const n = price.length;
  const out = new Int32Array(n).fill(-1);
  const queue = new Int32Array(n);
  let head = 0;
  let tail = 0;
  let next = 1;
  for (let t = 0; t < n; t++) {
    if (t % rowsPerCheck === 0) throwIfCancelled(token);
    for (; next < n && next - t <= horizon; next++) {
      const value = sign * price[next];
      while (tail > head && sign * price[queue[tail - 1]] < value) tail--;
      queue[tail++] = next;
    }
    while (head < tail && queue[head] <= t) head++;
    if (head < tail) out[t] = queue[head];
  }
  return out;
}

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
  const highest = firstExtremeAhead(close, horizon, 1, token);
  const lowest = firstExtremeAhead(close, horizon, -1, token);
  let work = 0;
  for (let t = 0; t < n - 1; t++) {
    if (++work > rowsPerCheck) {
      throwIfCancelled(token);
      work = 0;
    }
    const price = close[t];
    const gain = (close[highest[t]] - price) / price;
    if (gain >= 1 && highest[t] - t >= minSwing) {
      // Rare: only here can a label be known early. It is, with the first new maximum that is high and late enough.
      let maximum = 0;
      let k = t;
      do {
        k++;
        const isNew = close[k] > maximum;
        if (isNew) maximum = close[k];
        if (isNew && k - t >= minSwing && (maximum - price) / price >= 1) break;
      } while (k < highest[t]);
      work += k - t;
      classes[t] = BUY;
      knownAt[t] = k;
      continue;
    }
    if (n - t <= horizon) continue;
    const loss = (price - close[lowest[t]]) / price;
    // In exact arithmetic every loss is below 1; rounding may make it 1, and it must not tie with a gain of 1.
    if (gain >= threshold && (gain > loss || gain >= 1)) {
      classes[t] = highest[t] - t >= minSwing ? BUY : HOLD;
    } else if (loss >= threshold && loss > gain) {
      classes[t] = lowest[t] - t >= minSwing ? SELL : HOLD;
    } else {
      classes[t] = HOLD;
    }
    knownAt[t] = t + horizon;
  }
  return { classes, knownAt };
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
