import type { CancellationToken } from "../core/index.js";
import type { Bars } from "../data/index.js";
import { computeIndicators } from "./compute.js";
import { outputsOf, warmupOf, type IndicatorSpec } from "./spec.js";

/**
 * The outputs of one indicator as the columns of a table: the indicator's own name where it has one output, else `name.output` for each.
 *
 * @returns columns as long as the bars; `notices`: why there are no values at all
 * @throws CancelledError, and what the indicator refuses (bars without volume)
 */
export function indicatorTable(
  bars: Bars,
  spec: IndicatorSpec,
  token: CancellationToken,
): { readonly columns: Record<string, Float64Array>; readonly notices: readonly string[] } {
  const computed = computeIndicators(bars, [spec], token);
  const { indicator, featureId } = spec;
  const columns: Record<string, Float64Array> = {};
  for (const output of outputsOf(spec)) {
    const header = indicator.outputs.length === 1 ? indicator.name : `${indicator.name}.${output}`;
    const column = computed.column(`${featureId}.${output}`);
    if (column !== undefined) columns[header] = column;
  }
  const [warmup, n] = [warmupOf(spec), bars.time.length];
  const notices = warmup >= n ? [`All values begin at bar ${warmup + 1}, and there are ${n} bars.`] : [];
  return { columns, notices };
}
