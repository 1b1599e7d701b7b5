import { KnownError } from "../../core/index.js";
import type { Bars, SeriesMeta } from "../bars.js";
import type { Timeframe } from "../timeframes.js";
import type { StoredSeries } from "./no-bars.js";
import type { SeriesFormat } from "./symbols.js";
import type { BarViolation } from "./verify.js";

/** Where a series lies. */
export interface SeriesPlace {
  readonly path: string;
  readonly format: SeriesFormat;
  /** True for sample bars, which serve only symbols that the data folder lacks. */
  readonly fromSample: boolean;
}

/** A series of the store; `error` says why the file cannot be used (then the counts are 0 and null). */
export interface SeriesEntry extends StoredSeries {
  readonly path: string;
  readonly format: SeriesFormat;
  readonly meta: SeriesMeta | null;
  readonly error: string | null;
}

/** Bars as loaded from the store. */
export interface LoadedBars extends Bars {
  /** True for sample bars: a command that uses them says so. */
  readonly fromSample: boolean;
  /** What was repaired or is noteworthy about the file, one sentence each. */
  readonly notices: readonly string[];
}

/** A series as its file has it, wrong bars included. */
export interface InspectedSeries extends SeriesPlace {
  /** The readable bars, not checked against the rules of `Bars` where the file is Parquet. */
  readonly bars: Bars;
  /** Rows of a CSV that cannot be read right; line numbers from 1. */
  readonly refused: readonly { readonly row: number; readonly reason: string }[];
  /** Rows of a CSV that were repaired. */
  readonly repaired: readonly { readonly row: number; readonly what: string }[];
  readonly notices: readonly string[];
}

/** What `merge` did. */
export interface MergeReport {
  readonly action: "created" | "merged" | "unchanged" | "replaced";
  /** Bars that were not stored before. */
  readonly added: number;
  /** Bars in both, which stay as stored. */
  readonly common: number;
  /** Bars of a replaced series that are gone. */
  readonly removed: number;
  /** Bars now stored. */
  readonly total: number;
  readonly notices: readonly string[];
}

/** Bars that break the rules and are therefore not saved; a series must have at least one bar. */
export class InvalidBarsError extends KnownError {
  readonly code = "INVALID_BARS";
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly violation: BarViolation | null;

  constructor({ symbol, timeframe }: Bars, violation: BarViolation | null) {
    const what =
      violation === null
        ? "there are none"
        : `bar ${violation.index + 1} (${whenText(violation)}): ${violation.what}`;
    super(`The bars of "${symbol}" ${timeframe} are not saved: ${what}.`);
    this.symbol = symbol;
    this.timeframe = timeframe;
    this.violation = violation;
  }
}

/** A bar's time as messages show it. */
export function whenText({ time }: BarViolation): string {
  return Number.isFinite(time) ? new Date(time).toISOString().replace(".000Z", "Z") : "no time";
}
