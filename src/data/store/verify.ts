import { inBlocks, neverCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";

/** What can be wrong with a single bar. */
export type ViolationKind = "order" | "duplicate" | "price" | "range" | "volume";

/** A bar that breaks the rules of `Bars`. */
export interface BarViolation {
  readonly kind: ViolationKind;
  /** Index of the bar, from 0. */
  readonly index: number;
  /** Its time, epoch ms; NaN where that itself is wrong. */
  readonly time: number;
  readonly what: string;
}

function describe(bars: Bars, t: number): BarViolation {
  const { time, volume } = bars;
  const found = (kind: ViolationKind, what: string): BarViolation => ({
    kind,
    index: t,
    time: time[t],
    what,
  });
  if (!Number.isFinite(time[t])) return found("order", "its time is no number");
  if (t > 0 && time[t] === time[t - 1]) return found("duplicate", "same time as the bar before");
  if (t > 0 && !(time[t] > time[t - 1])) return found("order", "earlier than the bar before");
  for (const name of ["open", "high", "low", "close"] as const) {
    const price = bars[name][t];
    if (!Number.isFinite(price)) return found("price", `${name} is ${price}`);
    if (price <= 0) return found("price", `${name} ${price} is not above 0`);
  }
  const [open, high, low, close] = [bars.open[t], bars.high[t], bars.low[t], bars.close[t]];
  if (low > high) return found("range", `low ${low} is above high ${high}`);
  if (open < low || open > high) return found("range", `open ${open} is outside low ${low} .. high ${high}`);
  if (close < low || close > high)
    return found("range", `close ${close} is outside low ${low} .. high ${high}`);
  return found("volume", `volume is ${volume[t]}`);
}

/**
 * Bars that break the rules: times strictly increasing, prices finite and above 0, low <= open, close <= high, volume
 * finite and >= 0. One violation per bar, oldest first, at most `limit`. O(n), looking at the token between blocks.
 */
export function findViolations(
  bars: Bars,
  limit = Infinity,
  token: CancellationToken = neverCancelled,
): BarViolation[] {
  const { time, open, high, low, close, volume } = bars;
  const found: BarViolation[] = [];
  inBlocks(time.length, token, (from, to) => {
    for (let t = from; t < to && found.length < limit; t++) {
      // Comparisons with NaN are false, so one chain of "is right" also catches every NaN.
      const right =
        time[t] < Infinity &&
        (t === 0 ? time[t] > -Infinity : time[t] > time[t - 1]) &&
        low[t] > 0 &&
        high[t] < Infinity &&
        open[t] >= low[t] &&
        open[t] <= high[t] &&
        close[t] >= low[t] &&
        close[t] <= high[t] &&
        volume[t] >= 0 &&
        volume[t] < Infinity;
      if (!right) found.push(describe(bars, t));
    }
  });
  return found;
}
