import type * as z from "zod";
import type { CancellationToken } from "../core/index.js";
import type { Bars } from "../data/index.js";

/** The classes in the order of the network's outputs. */
export const classNames = ["BUY", "HOLD", "SELL"] as const;

/** One of the three classes. */
export type ClassName = (typeof classNames)[number];

/** Class index as stored in `Labels.classes`: a rise is expected. */
export const BUY = 0;
/** Class index as stored in `Labels.classes`: neither is expected. */
export const HOLD = 1;
/** Class index as stored in `Labels.classes`: a fall is expected. */
export const SELL = 2;
/** No label exists (yet) for this bar. */
export const noLabel = -1;

/** One class per bar, and when it became known. */
export interface Labels {
  /** [n], BUY 0, HOLD 1, SELL 2, or -1 where no label exists within the data. */
  readonly classes: Int8Array;
  /** [n], index of the bar with whose close the label is known whatever comes after; -1 where there is no label. */
  readonly knownAt: Int32Array;
}

/** One kind of label: parameters and mathematics. A new one is a folder and its entry in `labelTypes` (index.ts). */
export interface LabelType<Params = never> {
  /** As in `training.labels.source` of a strategy file and in `labels compute`. */
  readonly name: string;
  readonly title: string;
  readonly schema: z.ZodType<Params>;
  /** One line: the rule, what is known when, and its source. */
  readonly definition: string;
  /** Labels of all bars, from these bars only. @throws CancelledError */
  compute(bars: Bars, params: Params, token: CancellationToken): Labels;
  /** Where the rule has turning points: 1 at a confirmed high, -1 at a confirmed low, else 0; [n]. @throws CancelledError */
  pivots?(bars: Bars, params: Params, token: CancellationToken): Int8Array;
}

/** Labels of which none is known yet. */
export function emptyLabels(n: number): { classes: Int8Array; knownAt: Int32Array } {
  return { classes: new Int8Array(n).fill(noLabel), knownAt: new Int32Array(n).fill(-1) };
}

/** Helps the compiler infer the parameter type from a definition. */
export function defineLabel<Params>(label: LabelType<Params>): LabelType<Params> {
  return label;
}
