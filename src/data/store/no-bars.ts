import { KnownError, nearestName } from "../../core/index.js";
import { isIntraday, timeframeMs, type Timeframe } from "../timeframes.js";

/** A stored series in a few words; times are openings, epoch ms. */
export interface StoredSeries {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly bars: number;
  /** First and last bar, null where the file does not say. */
  readonly from: number | null;
  readonly to: number | null;
  readonly sample: boolean;
}

/** An instant as messages show it: a date for daily bars and for a midnight without timeframe, else date and minute. */
export function dateText(instant: number, timeframe?: Timeframe): string {
  const text = new Date(instant).toISOString();
  const isDate = timeframe === undefined ? text.endsWith("T00:00:00.000Z") : !isIntraday(timeframe);
  return isDate ? text.slice(0, 10) : text.replace(/(:00)?\.000Z$/, "Z");
}

function rangeText(from: number, to: number): string {
  if (from === -Infinity && to === Infinity) return "";
  if (from === -Infinity) return ` before ${dateText(to)}`;
  if (to === Infinity) return ` from ${dateText(from)} on`;
  return ` from ${dateText(from)} to before ${dateText(to)}`;
}

function seriesText({ bars, from, to, timeframe, sample }: StoredSeries): string {
  const span =
    from === null || to === null ? "" : `, ${dateText(from, timeframe)} to ${dateText(to, timeframe)}`;
  return `${bars} bars${span}${sample ? " (sample bars)" : ""}`;
}

function listText(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}

/** What was asked for and what is there, for `NoBarsError`. `from` and `to` in epoch ms, `to` exclusive, infinite where open. */
export interface NoBarsFacts {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly from: number;
  readonly to: number;
  readonly folder: string;
  readonly stored: readonly StoredSeries[];
}

/** No bar of the series lies in the asked range, or the series is not stored; says what is, and the ways out. */
export class NoBarsError extends KnownError {
  readonly code = "NO_BARS";
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** First and last stored bar and their count; null where the series is not stored at all. */
  readonly stored: StoredSeries | null;
  /** Timeframes of the symbol that are stored. */
  readonly timeframes: readonly Timeframe[];
  /** All symbols that are stored. */
  readonly symbols: readonly string[];

  constructor({ symbol, timeframe, from, to, folder, stored }: NoBarsFacts) {
    const here = stored.find((series) => series.symbol === symbol && series.timeframe === timeframe) ?? null;
    const timeframes = stored.filter((series) => series.symbol === symbol).map((series) => series.timeframe);
    const symbols = [...new Set(stored.map((series) => series.symbol))];
    const parts: string[] = [];
    if (here !== null) {
      parts.push(`No bars of "${symbol}" ${timeframe}${rangeText(from, to)}. Stored: ${seriesText(here)}.`);
      parts.push("Choose dates within these, or add bars");
    } else {
      parts.push(`No "${symbol}" ${timeframe} bars are stored in "${folder}".`);
      if (timeframes.length > 0) {
        const finer = timeframes.find((candidate) => timeframeMs[candidate] < timeframeMs[timeframe]);
        parts.push(`Stored timeframes of ${symbol}: ${timeframes.join(", ")}.`);
        if (finer !== undefined) {
          parts.push(`Make them with "ktrdr data resample ${symbol} --from ${finer} --to ${timeframe}".`);
        }
      } else if (symbols.length > 0) {
        const near = nearestName(symbol, symbols);
        parts.push(`Stored symbols: ${listText(symbols)}.`);
        if (near !== undefined) parts.push(`Did you mean "${near}"?`);
      } else {
        parts.push('Nothing is stored there yet: "ktrdr data sample" writes sample bars.');
      }
      parts.push("Add bars");
    }
    parts.push(
      `from a file ("ktrdr data import FILE --symbol ${symbol} --timeframe ${timeframe}") or a provider ("ktrdr data load ${symbol} --timeframe ${timeframe} --mode full").`,
    );
    super(parts.join(" "));
    this.symbol = symbol;
    this.timeframe = timeframe;
    this.stored = here;
    this.timeframes = timeframes;
    this.symbols = symbols;
  }
}
