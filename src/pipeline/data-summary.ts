import type { CancellationToken } from "../core/index.js";
import { dataHash, labelDistribution, parts, type CombinedData, type SymbolSplit } from "../dataset/index.js";
import type { JoinedParts } from "./join-parts.js";
import type { DataSummary, SymbolSummary } from "./result.js";
import { barText } from "./series-records.js";
import type { SymbolSeries } from "./series.js";

/** What was asked for, as the summary repeats it. */
export interface AskedData {
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly baseTimeframe: string;
  readonly startDate: string | null;
  readonly endDate: string | null;
}

/**
 * What a run was made of: dates, samples per symbol and part, dropped bars by cause, classes, fingerprint of the data.
 *
 * @throws CancelledError
 */
export function summarizeData(
  { symbols, timeframes, baseTimeframe, startDate, endDate }: AskedData,
  all: readonly SymbolSeries[],
  splits: readonly SymbolSplit[],
  { data }: JoinedParts,
  token: CancellationToken,
): DataSummary {
  const joined: CombinedData[] = parts.map((part) => data[part]);
  const labels = joined.map((part) => part.labels);
  const first = all.map(({ base, from }) => barText(base, from)).sort();
  const last = all.map(({ base, to }) => barText(base, to - 1)).sort();
  return {
    symbols,
    timeframes,
    base_timeframe: baseTimeframe,
    start_date: startDate ?? first[0],
    end_date: endDate ?? last[last.length - 1],
    total_samples: labels.reduce((sum, column) => sum + column.length, 0),
    feature_count: data.train.features.columns,
    per_symbol: Object.fromEntries(splits.map((split) => [split.symbol, summarizeSymbol(split)])),
    label_distribution: labelDistribution(labels, token),
    data_hash: dataHash(joined, token),
  };
}

function summarizeSymbol({ bars, train, validation, test, dropped }: SymbolSplit): SymbolSummary {
  return {
    bars,
    train: train.length,
    validation: validation.length,
    test: test.length,
    dropped: { ...dropped },
  };
}
