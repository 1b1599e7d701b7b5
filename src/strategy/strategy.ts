import type { DataMode, Timeframe } from "../data/index.js";
import type { SplitSpec } from "../dataset/index.js";
import { featureNamesOf } from "../features/index.js";
import { membershipNames, type FuzzySpec } from "../fuzzy/index.js";
import type { IndicatorSpec } from "../indicators/index.js";
import type { LabelType } from "../labels/index.js";
import type { Architecture, TrainingOptions } from "../training/index.js";

/** A checked strategy file: everything that fixes a run but the bars. */
export interface Strategy {
  /** As the file names it; the folder of its models. */
  readonly name: string;
  /** The file it was read from; null for one stored with a model. */
  readonly path: string | null;
  /** As written, plain JSON; stored with the model, and `strategyFromDocument` makes the same strategy of it. */
  readonly document: Record<string, unknown>;
  /** Empty where the file leaves the choice to the command (`selection_criteria`). */
  readonly symbols: readonly string[];
  /** Finest first. */
  readonly timeframes: readonly Timeframe[];
  /** The timeframe whose bars are the samples; the finest unless the file says otherwise. */
  readonly baseTimeframe: Timeframe;
  /** First and last day, both included, as written; null for all bars. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  /** Whether bars are fetched before a training (`model.training.data_mode`); `local` reads what is stored. */
  readonly dataMode: DataMode;
  /** Bars that every series must have; null where the file does not say. */
  readonly historyRequired: number | null;
  readonly indicators: readonly IndicatorSpec[];
  /** The network's inputs: in the order of the indicators, then as written under `fuzzy_sets`. */
  readonly fuzzy: readonly FuzzySpec[];
  /** Lagged copies of every input. */
  readonly lookback: number;
  readonly architecture: Architecture;
  readonly training: TrainingOptions;
  readonly label: StrategyLabel;
  readonly split: SplitSpec;
  readonly decisions: Decisions;
  /** What a person should know about the file that is no error: keys without effect and the like. */
  readonly notices: readonly string[];
}

/** What the strategy learns: a label type with its checked parameters. */
export interface StrategyLabel {
  readonly name: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- parameters are contravariant: no other type takes every member
  readonly type: LabelType<any>;
  readonly params: unknown;
}

/** When a prediction becomes a trade; read by back-tests, not by training. */
export interface Decisions {
  /** Lowest probability that counts as a signal, 0..1; that of `orchestrator.modes.backtest` where the file has one. */
  readonly confidenceThreshold: number;
  /** Take the open position into account. */
  readonly positionAwareness: boolean;
  /** Hours between two signals. */
  readonly minSignalSeparation: number;
  /** Share of the equity in a position: `orchestrator.max_position_size`, else 1. */
  readonly positionSize: number;
}

/** The network's inputs in order: timeframes finest first, indicators and sets as written, then the same for each lag. */
export function featureNames(strategy: Pick<Strategy, "timeframes" | "fuzzy" | "lookback">): string[] {
  return featureNamesOf(strategy.timeframes, membershipNames(strategy.fuzzy), strategy.lookback);
}
