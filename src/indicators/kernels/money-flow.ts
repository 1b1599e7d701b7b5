import { blockEnd, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../../data/index.js";

/**
 * Chaikin's money flow volume, [n]: volume times where the close lies in the bar's range, from -1 (at the low) to +1 (at the
 * high); 0 for a bar without range.
 */
export function moneyFlowVolume({ high, low, close, volume }: Bars, token: CancellationToken): Float64Array {
  const out = new Float64Array(close.length);
  for (let t = 0; t < out.length;)
    for (const end = blockEnd(t, out.length, token); t < end; t++) {
      const range = high[t] - low[t];
      out[t] = range > 0 ? ((close[t] - low[t] - (high[t] - close[t])) / range) * volume[t] : 0;
    }
  return out;
}
