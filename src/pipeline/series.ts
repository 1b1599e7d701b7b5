import { KnownError, type CancellationToken } from "../core/index.js";
import {
  dateText,
  firstAtOrAfter,
  parseDateRange,
  sliceBars,
  type Bars,
  type DataManager,
  type DataMode,
  type LoadedBars,
  type Timeframe,
} from "../data/index.js";
import { outputsOf, warmupOf, type IndicatorSpec } from "../indicators/index.js";
import type { Strategy } from "../strategy/index.js";

/** All timeframes of one symbol, loaded up to the end of a range, and which base bars lie in the range. */
export interface SymbolSeries {
  readonly symbol: string;
  /** One entry per timeframe of the strategy, finest first. */
  readonly series: readonly LoadedBars[];
  /** The entry whose bars become rows. */
  readonly base: LoadedBars;
  /** Base bars [from, to) lie in the range; earlier ones serve as history. */
  readonly from: number;
  readonly to: number;
}

/** What to load. Dates are inclusive; null means no limit. */
export interface SeriesRequest {
  readonly symbol: string;
  readonly timeframes: readonly Timeframe[];
  readonly baseTimeframe: Timeframe;
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly dataMode: DataMode;
}

/** A symbol has too few bars for a strategy: for its slowest indicator, or for its `history_required`. */
export class NotEnoughBarsError extends KnownError {
  readonly code = "NOT_ENOUGH_BARS";
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly required: number;
  readonly found: number;

  constructor(bars: Bars, required: number, why: string) {
    const found = bars.time.length;
    super(
      `"${bars.symbol}" has ${found} bars of ${bars.timeframe} up to ${dateText(bars.time[found - 1], bars.timeframe)}; ${why} needs ${required}. ` +
        `Import earlier bars, use a later end date, or take shorter periods.`,
    );
    this.symbol = bars.symbol;
    this.timeframe = bars.timeframe;
    this.required = required;
    this.found = found;
  }
}

/**
 * Loads all timeframes of a symbol from their first stored bar to the end of the range.
 *
 * @throws NoBarsError when the base timeframe has no bar in the range, or another has none up to its end
 */
export async function loadSeries(
  dataManager: DataManager,
  request: SeriesRequest,
  token: CancellationToken,
): Promise<SymbolSeries> {
  const { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode: mode } = request;
  const series: LoadedBars[] = [];
  for (const timeframe of timeframes) {
    // Only the base needs bars inside the range; a coarser bar may have begun before it.
    const from = timeframe === baseTimeframe || mode !== "local" ? startDate : null;
    series.push(await dataManager.load({ symbol, timeframe, mode, startDate: from, endDate }, token));
  }
  const base = series[timeframes.indexOf(baseTimeframe)];
  const { from } = parseDateRange(startDate, endDate);
  return { symbol, series, base, from: firstAtOrAfter(base.time, from), to: base.time.length };
}

/**
 * Bars that were given rather than stored, as a series of one timeframe, up to the end of the range.
 *
 * @throws NoBarsInRangeError where none of them lies in the range
 */
export function seriesOf(bars: Bars, startDate: string | null, endDate: string | null): SymbolSeries {
  const range = parseDateRange(startDate, endDate);
  const to = firstAtOrAfter(bars.time, range.to);
  const from = firstAtOrAfter(bars.time, range.from);
  if (from >= to) throw new NoBarsInRangeError(bars, startDate, endDate);
  const base: LoadedBars = { ...sliceBars(bars, 0, to), fromSample: false, notices: [] };
  return { symbol: bars.symbol, series: [base], base, from, to };
}

/** None of the bars that were given lies in the range asked for. */
export class NoBarsInRangeError extends KnownError {
  readonly code = "NO_BARS";

  constructor({ symbol, timeframe, time }: Bars, startDate: string | null, endDate: string | null) {
    const held =
      time.length === 0
        ? "there are none"
        : `they reach from ${dateText(time[0], timeframe)} to ${dateText(time[time.length - 1], timeframe)}`;
    super(
      `No bar of "${symbol}" ${timeframe} lies between ${startDate ?? "the beginning"} and ${endDate ?? "the end"}: ${held}. Choose other dates.`,
    );
  }
}

function slowest(indicators: readonly IndicatorSpec[]): { spec: IndicatorSpec; warmup: number } | null {
  let found: { spec: IndicatorSpec; warmup: number } | null = null;
  for (const spec of indicators) {
    if (outputsOf(spec).length === 0) continue;
    const warmup = warmupOf(spec);
    if (found === null || warmup > found.warmup) found = { spec, warmup };
  }
  return found;
}

/** @throws NotEnoughBarsError */
export function checkHistory(strategy: Strategy, { series, base }: SymbolSeries): void {
  const { historyRequired, lookback } = strategy;
  if (historyRequired !== null && base.time.length < historyRequired) {
    throw new NotEnoughBarsError(base, historyRequired, "history_required of the strategy file");
  }
  const limit = slowest(strategy.indicators);
  if (limit === null) return;
  for (const bars of series) {
    const required = limit.warmup + 1 + (bars === base ? lookback : 0);
    if (bars.time.length < required) {
      throw new NotEnoughBarsError(bars, required, `its slowest indicator, ${limit.spec.featureId},`);
    }
  }
}
