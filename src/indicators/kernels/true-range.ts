import type { Bars } from "../../data/index.js";

/** Wilder's true range, [n]: high - low, widened to the close before; for the first bar high - low. */
export function trueRange({ high, low, close }: Bars): Float64Array {
  const n = close.length;
  const out = new Float64Array(n);
  if (n > 0) out[0] = high[0] - low[0];
  for (let t = 1; t < n; t++) {
    const before = close[t - 1];
    out[t] = (high[t] > before ? high[t] : before) - (low[t] < before ? low[t] : before);
  }
  return out;
}
