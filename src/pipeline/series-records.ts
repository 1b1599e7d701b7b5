import { dateText, type Bars } from "../data/index.js";
import type { SymbolSeries } from "./series.js";

/** Where one series begins and what it is: recorded with a model, as cumulative indicators depend on the beginning. */
export interface SeriesRecord {
  readonly first_bar: string;
  readonly last_bar: string;
  readonly bars: number;
  readonly source: string;
  readonly adjustment: string;
  readonly sample: boolean;
}

/** The records of all series of a run, by symbol and timeframe. */
export function seriesRecords(all: readonly SymbolSeries[]): Record<string, Record<string, SeriesRecord>> {
  const records: Record<string, Record<string, SeriesRecord>> = {};
  for (const { symbol, series } of all) {
    records[symbol] = {};
    for (const bars of series) {
      records[symbol][bars.timeframe] = {
        first_bar: barText(bars, 0),
        last_bar: barText(bars, bars.time.length - 1),
        bars: bars.time.length,
        source: bars.meta.source,
        adjustment: bars.meta.adjustment,
        sample: bars.fromSample,
      };
    }
  }
  return records;
}

/** A bar's opening as text: the date for daily bars. */
export function barText(bars: Bars, t: number): string {
  return dateText(bars.time[t], bars.timeframe);
}

/** What a person should know about the series of a run: sample bars, repairs, other notices of the files. */
export function seriesNotices(all: readonly SymbolSeries[]): string[] {
  const notices: string[] = [];
  for (const { symbol, series } of all) {
    for (const bars of series) {
      if (bars.fromSample) {
        notices.push(
          `${symbol} ${bars.timeframe}: sample bars (${bars.meta.source}); the data folder has none of your own.`,
        );
      }
      notices.push(...bars.notices.map((text) => `${symbol} ${bars.timeframe}: ${text}`));
    }
  }
  return notices;
}
