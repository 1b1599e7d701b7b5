import type { ClassificationMetrics, TrainingMetrics } from "../training/index.js";
import type { ControlResult } from "./control.js";
import type { LeakReceipt } from "./leak-receipt.js";

/** Rows of one symbol: what was in the range, where they went, and what was dropped for which cause. */
export interface SymbolSummary {
  readonly bars: number;
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** What a run was made of. Dates as they were asked for; where none was, those of the first and last base bar. */
export interface DataSummary {
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  /** The one whose bars are the rows; the finest, unless the strategy names another. */
  readonly base_timeframe: string;
  readonly start_date: string;
  readonly end_date: string;
  readonly total_samples: number;
  readonly feature_count: number;
  readonly per_symbol: Readonly<Record<string, SymbolSummary>>;
  readonly label_distribution: Readonly<Record<string, number>>;
  readonly data_hash: string;
}

/** What the test part says about the model, for people and programs. */
export interface Verdict {
  /** True only where `statement` claims skill. */
  readonly significant: boolean;
  readonly statement: string;
  /** Which data it was measured on. */
  readonly measured_on: string;
  /** 95 % interval of the mean probability of what came, less that of the same probabilities at random times; null where it cannot be told. */
  readonly interval: readonly [number, number] | null;
  /** Always null: answers have no returns. That of a back-test is in its own verdict. */
  readonly deflated_sharpe: null;
  /** Runs on the same data, this one included. */
  readonly trials: number;
  /** One-sided, before `trials`: how often chance alone gives as much; null like `interval`. */
  readonly p_value: number | null;
}

/**
 * Where the time of a run went: seconds by phase, in order, which add up to `total`; and what some of them are made of. The
 * copy in `metadata.json` was taken before the model's files were written.
 */
export interface TimeReceipt {
  readonly [phase: string]: number;
  /** Of `training`: batches, shuffling and validation. */
  readonly training_arithmetic: number;
  /** Of all phases: reports to the listener. Those of batches are timed at some of them and counted at their mean. */
  readonly progress: number;
  /**
   * Of all phases: looks at the token between the engine's calls and at the beginning of phases. Looks inside a step are part of
   * that step: to time one costs twice as much as the look.
   */
  readonly cancellation: number;
  /** Where several networks were trained together: how many. What `training` says is then the time of all of them. */
  readonly trained_together?: number;
  /** 1 - training_arithmetic / (time from before the first to after the last batch), 0..1. */
  readonly orchestration_share: number;
  readonly total: number;
}

/** The result of a training, with the same fields wherever it ran. */
export interface TrainingResult {
  readonly model_name: string;
  readonly model_path: string;
  readonly strategy_name: string;
  readonly training_metrics: TrainingMetrics;
  readonly test_metrics: ClassificationMetrics;
  readonly artifacts: {
    /** Loss of accuracy on the test part when one feature is shuffled. */
    readonly feature_importance: Readonly<Record<string, number>>;
    readonly per_symbol_metrics: Readonly<Record<string, ClassificationMetrics>>;
  };
  readonly model_info: {
    readonly parameters_count: number;
    readonly trainable_parameters: number;
    readonly architecture: string;
  };
  readonly data_summary: DataSummary;
  readonly verdict: Verdict;
  /** What was checked against seeing the future. */
  readonly leak_receipt: LeakReceipt;
  /** Present where controls were asked for and there are test rows. */
  readonly control?: ControlResult;
  readonly resource_usage: {
    readonly engine: string;
    /** `gpu` for hardware only. */
    readonly device_type: string;
    /** Absent without a GPU. */
    readonly gpu_name?: string;
  };
  /** Why this engine was taken, in half a sentence; absent where the caller brought the engine. */
  readonly engine_choice?: string;
  readonly time_receipt: TimeReceipt;
  readonly notices: readonly string[];
}
