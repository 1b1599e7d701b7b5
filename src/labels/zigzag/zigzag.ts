import * as z from "zod";
import { rowsPerCheck, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { priceColumns } from "../../data/index.js";
import { BUY, defineLabel, emptyLabels, HOLD, SELL, type Labels } from "../define.js";

/** Labels of zigzag segments, with the turning points that separate them. */
export interface ZigzagSegments extends Labels {
  /** [n], 1 at a confirmed high, -1 at a confirmed low, else 0. */
  readonly pivots: Int8Array;
}

/**
 * Labels every bar by the leg of the zigzag in which it lies: BUY strictly between a low and the next high, SELL strictly
 * between a high and the next low, HOLD at the turning points (pivots).
 *
 * The first bar is a pivot; the first close that is at least `threshold` away from it gives the first leg its direction
 * and is its running extreme. From then on a close beyond the running extreme is the new one, and a reversal of at
 * least `threshold` (relative to the extreme) confirms the extreme as a pivot and begins the opposite leg. So every leg
 * is at least `threshold` long. Of equal extremes the first counts.
 *
 * What is known when: bars behind the running extreme lie strictly between two pivots as soon as a new extreme is made (the next
 * pivot can only lie there or later); bars behind a confirmed pivot, up to the bar that confirmed it, lie in the
 * opposite leg; a pivot is known with the bar that confirms it. At or after the running extreme both outcomes remain
 * open, since prices may rise without bound or fall by any share below 1; such bars have no label.
 *
 * @param price      positive, [n]
 * @param threshold  share of the price, 0 < threshold < 1
 * @throws CancelledError
 */
export function zigzagSegments(
  price: Float64Array,
  threshold: number,
  token: CancellationToken,
): ZigzagSegments {
  const n = price.length;
  const { classes, knownAt } = emptyLabels(n);
  const pivots = new Int8Array(n);
  if (n === 0) return { classes, knownAt, pivots };
  classes[0] = HOLD;
  knownAt[0] = 0;
  let extreme = 0;
  let direction = 0; // of the leg: 1 rising, -1 falling, 0 before the first move of `threshold`
  for (let t = 1; t < n; t++) {
    if (t % rowsPerCheck === 0) throwIfCancelled(token);
    const change = (price[t] - price[extreme]) / price[extreme];
    let behind = extreme; // first of the bars up to t whose leg this bar settles
    if (direction === 0) {
      if (Math.abs(change) < threshold) continue;
      direction = change > 0 ? 1 : -1;
      pivots[0] = -direction;
      behind = 1;
    } else if (change * direction <= -threshold) {
      classes[extreme] = HOLD;
      knownAt[extreme] = t;
      pivots[extreme] = direction;
      direction = -direction;
      behind = extreme + 1;
    } else if (change * direction <= 0) continue;
    const leg = direction > 0 ? BUY : SELL;
    for (let s = behind; s < t; s++) {
      classes[s] = leg;
      knownAt[s] = t;
    }
    extreme = t;
  }
  return { classes, knownAt, pivots };
}

/** Segments of the zigzag, the labels that strategy files call `zigzag`. */
export const zigzagLabel = defineLabel({
  name: "zigzag",
  title: "Zigzag segments",
  definition:
    "BUY in a rising leg, SELL in a falling one, HOLD at the pivot between two; a reversal of at least `threshold` from the " +
    "running extreme confirms it as a pivot (the first bar is one). Known at the next extreme of the leg or at the confirming bar",
  schema: z.strictObject({
    threshold: z.number().gt(0).lt(1).default(0.05),
    source: z.enum(priceColumns).default("close"),
  }),
  compute: (bars, { threshold, source }, token) => zigzagSegments(bars[source], threshold, token),
  pivots: (bars, { threshold, source }, token) => zigzagSegments(bars[source], threshold, token).pivots,
});
