import { timestampText } from "../../core/index.js";
import type { SeriesEntry } from "./series.js";

/** Fields of a stored series, as lists and replies have them, in order. */
export const seriesColumns = [
  "symbol",
  "timeframe",
  "bars",
  "start_date",
  "end_date",
  "source",
  "adjustment",
  "currency",
  "day_timezone",
  "sample",
  "file",
  "error",
] as const;

/** A stored series as data for programs. */
export function seriesRecord(entry: SeriesEntry) {
  const { symbol, timeframe, bars, from, to, meta, sample, path, error } = entry;
  return {
    symbol,
    timeframe,
    bars,
    start_date: from === null ? null : timestampText(from),
    end_date: to === null ? null : timestampText(to),
    source: meta?.source ?? null,
    adjustment: meta?.adjustment ?? null,
    currency: meta?.currency ?? null,
    day_timezone: meta?.dayTimezone ?? null,
    sample,
    file: path,
    error,
  } satisfies Record<(typeof seriesColumns)[number], unknown>;
}
