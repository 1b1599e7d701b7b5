import * as z from "zod";
import { inBlocks, type CancellationToken } from "../../core/index.js";
import { BUY, defineLabel, emptyLabels, HOLD, SELL, type Labels } from "../define.js";

/**
 * Labels by the simple return over the next `horizon` bars: BUY above `threshold`, SELL below -`threshold`, else HOLD.
 *
 * Known with the close at the end of the horizon: it alone decides, and until then it may lie anywhere above 0.
 *
 * @param close      positive, [n]
 * @param threshold  share of the price, 0 <= threshold < 1
 * @throws CancelledError
 */
export function forwardReturn(
  close: Float64Array,
  { horizon, threshold }: { horizon: number; threshold: number },
  token: CancellationToken,
): Labels {
  const n = close.length;
  const { classes, knownAt } = emptyLabels(n);
  inBlocks(Math.max(0, n - horizon), token, (from, to) => {
    for (let t = from; t < to; t++) {
      const change = (close[t + horizon] - close[t]) / close[t];
      classes[t] = change > threshold ? BUY : change < -threshold ? SELL : HOLD;
      knownAt[t] = t + horizon;
    }
  });
  return { classes, knownAt };
}

/** Sign of the return over a fixed horizon, with a band of HOLD around 0. */
export const forwardReturnLabel = defineLabel({
  name: "forward_return",
  title: "Forward return",
  definition:
    "BUY where close[t + horizon] / close[t] - 1 is above `threshold`, SELL where it is below -`threshold`, else HOLD. Known at t + horizon",
  schema: z.strictObject({
    horizon: z.int().min(1).default(5),
    threshold: z.number().min(0).lt(1).default(0.005),
  }),
  compute: (bars, params, token) => forwardReturn(bars.close, params, token),
});
