import { type CancellationToken } from "../core/index.js";
import { firstAtOrAfter, sliceBars, timeframeMs, type Bars } from "../data/index.js";
import { alignTimeframes, longestAgeMs, type TimeframeIndicators } from "../features/index.js";
import type { PortableInput, PortableLayout } from "./inputs.js";

/**
 * The inputs of a portable model at some base bars: what the network's features of these bars were made from. Other
 * timeframes are joined and lags taken as for features.
 *
 * @param indicators one entry per timeframe of the layout
 * @param rows       base bars with complete features
 * @returns [rows][inputs]
 */
export function barRows(
  { inputs }: PortableLayout,
  lookback: number,
  base: Bars,
  indicators: readonly TimeframeIndicators[],
  rows: readonly number[],
  token: CancellationToken,
): Float64Array[] {
  const now = inputs.filter(({ lag }) => lag === 0);
  return rows.map((t) => {
    // Only the bars that these rows can see are joined: closing times of a whole series cost more than its indicators.
    const from = Math.max(0, t - lookback);
    const window = sliceBars(base, from, t + 1);
    const parts = indicators.map(({ bars, columns }) => {
      const isBase = bars.timeframe === base.timeframe;
      const [first, end] = isBase ? [from, t + 1] : visible(bars, window);
      const wanted = now.filter(({ timeframe }) => timeframe === bars.timeframe);
      return {
        bars: sliceBars(bars, first, end),
        memberships: {
          bars: end - first,
          columns: wanted.map((input) => ({
            name: input.column,
            column: columnOf(input, bars, columns).subarray(first, end),
          })),
          coverage: [],
        },
      };
    });
    const table = alignTimeframes(window, parts, lookback, token);
    return Float64Array.from(table.columns, (column) => column[t - from]);
  });
}

function columnOf(
  { kind, column }: PortableInput,
  bars: Bars,
  columns: TimeframeIndicators["columns"],
): Float64Array {
  if (kind === "price") return bars[column as "open" | "high" | "low" | "close"];
  const values = columns.column(column);
  if (values === undefined) throw new Error(`no indicator column ${column}`);
  return values;
}

/** The bars of another timeframe that can have been the latest one at a bar of the window; some more do no harm. */
function visible(bars: Bars, window: Bars): readonly [from: number, to: number] {
  const length = timeframeMs[bars.timeframe];
  const oldest = window.time[0] - longestAgeMs(bars.timeframe) - 2 * length;
  const newest = window.time[window.time.length - 1] + timeframeMs[window.timeframe];
  return [firstAtOrAfter(bars.time, oldest), firstAtOrAfter(bars.time, newest)];
}
