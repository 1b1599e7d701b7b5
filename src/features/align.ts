import { inBlocks, KnownError } from "../core/index.js";
import type { CancellationToken } from "../core/index.js";
import { finestFirst, type Bars, type Timeframe } from "../data/index.js";
import type { MembershipColumns } from "../fuzzy/index.js";
import { cancellableCloseTimes, joinOnClose } from "./join.js";
import type { FeatureTable } from "./table.js";

/** One timeframe of a symbol: its bars and the degrees computed from them. */
export interface TimeframeMemberships {
  readonly bars: Bars;
  readonly memberships: MembershipColumns;
}

/** Bars of several symbols in one feature table. */
export class MixedSymbolsError extends KnownError {
  readonly code = "MIXED_SYMBOLS";
  readonly symbols: readonly string[];

  constructor(symbols: readonly string[]) {
    super(`A feature table holds one symbol, found ${symbols.join(", ")}. Prepare each symbol by itself.`);
    this.symbols = symbols;
  }
}

/**
 * Feature names in the network's order: timeframes finest first, columns as written, then the same block again for
 * lags 1..lookback: `1h_rsi_14_low`, `1d_rsi_14_low`, `1h_rsi_14_low_lag_1`, ...
 *
 * @param columns  names without timeframe, `<feature_id>_<set>`
 */
export function featureNamesOf(
  timeframes: readonly Timeframe[],
  columns: readonly string[],
  lookback: number,
): string[] {
  const now = finestFirst(timeframes).flatMap((timeframe) => columns.map((name) => `${timeframe}_${name}`));
  const names = [...now];
  for (let lag = 1; lag <= lookback; lag++) names.push(...now.map((name) => `${name}_lag_${lag}`));
  return names;
}

/**
 * Joins the degrees of all timeframes of one symbol into one table with a row per base bar.
 *
 * The other timeframes are joined on the time their bars closed (`joinOnClose`). Lag k is the value k base bars
 * earlier. A feature that does not exist yet, or no longer, is NaN. Row t depends on what had closed with base bar t.
 *
 * @param base      bars that give the rows; their own degrees are in `parts` as well
 * @param parts     all timeframes, in any order
 * @param lookback  number of lagged copies, 0 or more
 * @throws TimeframesApartError, MixedSymbolsError, CancelledError
 */
export function alignTimeframes(
  base: Bars,
  parts: readonly TimeframeMemberships[],
  lookback: number,
  token: CancellationToken,
): FeatureTable {
  const symbols = [...new Set([base, ...parts.map((part) => part.bars)].map((bars) => bars.symbol))];
  if (symbols.length > 1) throw new MixedSymbolsError(symbols);
  const n = base.time.length;
  const names: string[] = [];
  const padded: Float64Array[] = [];
  const warnings: string[] = [];
  let baseClose: Float64Array | undefined;
  for (const timeframe of finestFirst(parts.map((part) => part.bars.timeframe))) {
    const part = parts.find(({ bars }) => bars.timeframe === timeframe)!;
    const join =
      timeframe === base.timeframe
        ? null
        : joinOnClose(base, (baseClose ??= cancellableCloseTimes(base, token)), part.bars, token);
    if (join !== null) warnings.push(...join.warnings);
    for (const { name, column } of part.memberships.columns) {
      names.push(`${timeframe}_${name}`);
      // Without lags the base timeframe's own columns serve as they are.
      padded.push(join === null && lookback === 0 ? column : lagged(column, join?.index, n, lookback, token));
    }
  }
  const current = names.length;
  const columns = padded.map((values) => values.subarray(lookback));
  for (let lag = 1; lag <= lookback; lag++) {
    for (let j = 0; j < current; j++) {
      names.push(`${names[j]}_lag_${lag}`);
      columns.push(padded[j].subarray(lookback - lag, lookback - lag + n));
    }
  }
  return { names, time: base.time, rows: n, columns, warnings };
}

/**
 * A column by base bars with `lookback` NaNs in front, so that each lag is a view that begins k values earlier: no copies.
 *
 * @param index  row of `column` for each base bar, -1 for none; undefined where they are the base bars themselves
 */
function lagged(
  column: Float64Array,
  index: Int32Array | undefined,
  n: number,
  lookback: number,
  token: CancellationToken,
): Float64Array {
  const values = new Float64Array(lookback + n).fill(NaN, 0, lookback);
  inBlocks(n, token, (from, to) => {
    if (index === undefined) values.set(column.subarray(from, to), lookback + from);
    else for (let t = from; t < to; t++) values[lookback + t] = index[t] < 0 ? NaN : column[index[t]];
  });
  return values;
}
