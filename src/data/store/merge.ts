import { KnownError } from "../../core/index.js";
import { priceColumns, type Bars } from "../bars.js";

/** Relative difference up to which two prices of one bar count as the same. */
export const agreement = 0.001;

/** Two series of one symbol and timeframe that may not be the same thing: other adjustment, other source, other scale. */
export class MergeRefusedError extends KnownError {
  readonly code = "MERGE_REFUSED";
  readonly symbol: string;
  readonly timeframe: string;
  /** Bars that both have. */
  readonly common: number;
  /** Of these, bars whose prices differ by more than 0.1 %. */
  readonly differing: number;

  constructor(stored: Bars, common: number, differing: number, example: string) {
    const name = `${stored.symbol} ${stored.timeframe}`;
    const why =
      common === 0
        ? "they have no bar in common that would show that both are on one scale"
        : `${differing} of ${common} bars in common differ by more than 0.1 % (${example})`;
    super(
      `The new bars cannot be merged into the stored ${name}: ${why}. To drop the stored series and keep the new one, import with --replace.`,
    );
    this.symbol = stored.symbol;
    this.timeframe = stored.timeframe;
    this.common = common;
    this.differing = differing;
  }
}

function agree(a: number, b: number): boolean {
  return Math.abs(a - b) <= agreement * Math.max(a, b);
}

/** The merged series, and how it came about. */
export interface Merged {
  readonly bars: Bars;
  /** Bars that only the incoming series has. */
  readonly added: number;
  /** Bars that both have; the stored one is kept. */
  readonly common: number;
}

const columns = ["time", ...priceColumns, "volume"] as const;

/**
 * Joins two series of one symbol and timeframe by time, O(n + m). Bars in both stay as stored.
 *
 * @throws MergeRefusedError unless both have bars in common, and all of these agree within 0.1 % in every price
 */
export function mergeBars(stored: Bars, incoming: Bars): Merged {
  const n = stored.time.length;
  const m = incoming.time.length;
  const fromIncoming = new Uint8Array(n + m);
  const row = new Uint32Array(n + m);
  let [i, j, total, common, differing] = [0, 0, 0, 0, 0];
  let example = "";
  while (i < n || j < m) {
    const a = i < n ? stored.time[i] : Infinity;
    const b = j < m ? incoming.time[j] : Infinity;
    if (a === b) {
      common++;
      const name = priceColumns.find((column) => !agree(stored[column][i], incoming[column][j]));
      if (name !== undefined && differing++ === 0) {
        const when = new Date(a).toISOString().replace(".000Z", "Z");
        example = `first at ${when}: ${name} ${stored[name][i]} stored, ${incoming[name][j]} new`;
      }
      j++;
    }
    if (b < a) {
      fromIncoming[total] = 1;
      row[total++] = j++;
    } else {
      row[total++] = i++;
    }
  }
  if (common === 0 || differing > 0) throw new MergeRefusedError(stored, common, differing, example);
  const joined = Object.fromEntries(
    columns.map((name) => {
      const column = new Float64Array(total);
      for (let t = 0; t < total; t++) column[t] = (fromIncoming[t] ? incoming : stored)[name][row[t]];
      return [name, column];
    }),
  ) as Record<(typeof columns)[number], Float64Array>;
  return { bars: { ...stored, ...joined }, added: total - n, common };
}
