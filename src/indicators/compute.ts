import { KnownError, throwIfCancelled, type CancellationToken } from "../core/index.js";
import { hasVolume, type Bars } from "../data/index.js";
import type { Columns } from "./define.js";
import { outputsOf, type IndicatorSpec } from "./spec.js";

/** An indicator needs volume, and no bar has any. */
export class MissingVolumeError extends KnownError {
  readonly code = "MISSING_VOLUME";
  readonly indicator: string;
  readonly symbol: string;

  constructor(indicator: string, featureId: string, symbol: string) {
    super(
      `Indicator "${indicator}" (${featureId}) needs volume, and the bars of ${symbol} have none. ` +
        `Use bars with volume, or take this indicator out.`,
    );
    this.indicator = indicator;
    this.symbol = symbol;
  }
}

/** The columns of some indicators over the bars of one symbol and timeframe. */
export interface IndicatorColumns {
  /** Number of bars, which is the length of every column. */
  readonly bars: number;
  /** `<feature id>` and `<feature id>.<output>` of everything computed, in order. */
  readonly ids: readonly string[];
  /** The column under `<feature id>` (the primary output) or `<feature id>.<output>`; NaN where there is no value. */
  column(id: string): Float64Array | undefined;
}

/** An indicator with one output has it under the feature id alone and under `<id>.<output>`, as those with several do. */
function addColumns(into: Map<string, Float64Array>, spec: IndicatorSpec, columns: Columns): void {
  into.set(spec.featureId, columns[spec.indicator.primary]);
  for (const output of outputsOf(spec)) into.set(`${spec.featureId}.${output}`, columns[output]);
}

/**
 * Computes indicators over the bars of one symbol, each from its first bar: no state outlives the call, so nothing of one symbol
 * reaches another. Equal indicators under several feature ids are computed once and share memory.
 *
 * @throws MissingVolumeError where an indicator needs volume and no bar has any
 * @throws CancelledError
 */
export function computeIndicators(
  bars: Bars,
  specs: readonly IndicatorSpec[],
  token: CancellationToken,
): IndicatorColumns {
  const columns = new Map<string, Float64Array>();
  const done = new Map<string, Columns>();
  const volume = hasVolume(bars);
  for (const spec of specs) {
    throwIfCancelled(token);
    const { indicator, params } = spec;
    if (!volume && bars.time.length > 0 && indicator.needsVolume(params)) {
      throw new MissingVolumeError(indicator.name, spec.featureId, bars.symbol);
    }
    const key = `${indicator.name} ${JSON.stringify(params)}`;
    const computed = done.get(key) ?? indicator.compute(bars, params, token);
    done.set(key, computed);
    addColumns(columns, spec, computed);
  }
  return { bars: bars.time.length, ids: [...columns.keys()], column: (id) => columns.get(id) };
}
