import type * as z from "zod";
import type { CancellationToken } from "../core/index.js";
import type { Bars } from "../data/index.js";

/** Named columns, each as long as the bars; NaN where there is no value. */
export type Columns<Output extends string = string> = Record<Output, Float64Array>;

/**
 * One indicator: its parameters, outputs and mathematics. A new one is a folder beside the others and an entry in
 * `indicators` (index.ts); strategy schema, command line and contract tests follow from that entry.
 */
export interface Indicator<Params = never, Output extends string = string> {
  /** Lower-case name without separators, as `indicators list` shows it: `"bollingerbands"`. */
  readonly name: string;
  /** Other names for it; matched, as the name is, without regard to case or `_`. */
  readonly aliases: readonly string[];
  readonly title: string;
  /** Parameters as in strategy files, with defaults and rules between them; unknown keys are errors. */
  readonly schema: z.ZodType<Params>;
  /** All outputs in their documented order. */
  readonly outputs: readonly Output[];
  /** What the bare feature id means. */
  readonly primary: Output;
  /** One line: which published definition, first value, smoothing, kind of deviation. */
  readonly definition: string;
  /** Outputs that these parameters leave out; absent where none can be. */
  omitted?(params: Params): readonly Output[];
  /** True where the values mean nothing without volume. */
  needsVolume(params: Params): boolean;
  /** Bars before the first value of every output, from the first stored bar. */
  warmup(params: Params): Record<Output, number>;
  /**
   * All outputs over all bars. Value t depends on bars [0..t] only; NaN in warm-up.
   *
   * @throws CancelledError within some milliseconds of the token's saying so: loops over bars go from one `blockEnd` to the next
   */
  compute(bars: Bars, params: Params, token: CancellationToken): Columns<Output>;
}

/** Helps the compiler infer parameter and output types from a definition. */
export function defineIndicator<Params, Output extends string>(
  indicator: Indicator<Params, Output>,
): Indicator<Params, Output> {
  return indicator;
}
