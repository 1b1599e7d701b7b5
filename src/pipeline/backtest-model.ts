import { neverCancelled, type CancellationToken } from "../core/index.js";
import { backtest, decisionsOf, type Backtest, type BacktestSettings } from "../backtest/index.js";
import { sliceBars, timeframeMs, type Bars } from "../data/index.js";
import type { FuzzySpec } from "../fuzzy/index.js";
import { countSeen, predictRange, type ModelUse } from "./saved-model.js";

/** What becomes a trade of a model's predictions: what is not given is as its strategy file says. */
export interface DecisionOverrides {
  /** Lowest probability that counts as a signal, 0..1. */
  readonly confidenceThreshold?: number;
  /** Bars from one signal to the next; the file says it in hours. */
  readonly minSeparation?: number;
  readonly positionAwareness?: boolean;
  /** Share of the equity in a position. */
  readonly size?: number;
}

/** A model, bars, and how to trade. */
export interface ModelBacktestRequest {
  readonly use: ModelUse;
  /** All but what the strategy file decides. */
  readonly settings: Omit<BacktestSettings, "minSeparation" | "positionAwareness" | "size">;
  readonly decisions: DecisionOverrides;
  readonly trials: number;
  readonly seed: number;
}

/** A back-test of a model, and what it was made of. */
export interface ModelBacktest {
  readonly bars: Bars;
  /** 1 BUY, 0 HOLD, -1 SELL as the model decided at each bar's close, [n]. */
  readonly signals: Int8Array;
  readonly settings: BacktestSettings;
  readonly confidenceThreshold: number;
  readonly backtest: Backtest;
  /** The network's inputs, for those who draw them. */
  readonly fuzzy: readonly FuzzySpec[];
  readonly notices: readonly string[];
}

/**
 * Lets a saved model decide at the close of each bar of a range, and trades its decisions. Features and network are those of
 * training, through the same code; bars without all features (warm-up) are HOLD.
 *
 * @throws WrongTimeframeError, NoBarsError, NoUsableBarsError, ModelDamagedError, CancelledError
 */
export async function backtestModel(
  { use, settings, decisions, trials, seed }: ModelBacktestRequest,
  token: CancellationToken = neverCancelled,
): Promise<ModelBacktest> {
  const { strategy, series, rows, probabilities, notices } = await predictRange(use, token);
  const { base, from, to } = series;
  const bars = sliceBars(base, from, to);
  const file = strategy.decisions;
  const hours = file.minSignalSeparation;
  const all: BacktestSettings = {
    ...settings,
    size: decisions.size ?? file.positionSize,
    minSeparation: decisions.minSeparation ?? Math.ceil((hours * 3_600_000) / timeframeMs[base.timeframe]),
    positionAwareness: decisions.positionAwareness ?? file.positionAwareness,
  };
  const confidenceThreshold = decisions.confidenceThreshold ?? file.confidenceThreshold;
  const inRange = rows.map((t) => t - from);
  const signals = decisionsOf(probabilities, inRange, to - from, confidenceThreshold, token);
  const seen = countSeen(use.model, bars.time);
  const majority = majorityOf(use);
  const result = backtest({ bars, signals, settings: all, trials, seen, majority, seed }, token);
  return {
    bars,
    signals,
    settings: all,
    confidenceThreshold,
    backtest: result,
    fuzzy: strategy.fuzzy,
    notices: [
      ...notices,
      ...rangeNotices(use, bars, seen, rows.length),
      ...silentNotice(signals, probabilities, confidenceThreshold),
    ],
  };
}

/** The commonest class among the labels that the model learnt from. */
function majorityOf({ model }: ModelUse): 1 | 0 | -1 {
  const summary = model.metadata["data_summary"] as
    { label_distribution?: Readonly<Record<string, number>> } | undefined;
  const { BUY = 0, HOLD = 0, SELL = 0 } = summary?.label_distribution ?? {};
  if (BUY >= HOLD && BUY >= SELL) return 1;
  return HOLD >= SELL ? 0 : -1;
}

function rangeNotices({ model, symbol }: ModelUse, bars: Bars, seen: number, usable: number): string[] {
  const notices: string[] = [];
  const n = bars.time.length;
  if (seen > 0) {
    const { symbols = [], split_boundaries: bounds } = model.metadata as {
      symbols?: readonly string[];
      split_boundaries?: { train_start: string | null; test_start: string | null };
    };
    const trained = symbols.includes(symbol) ? "" : ` (on ${symbols.join(", ")}, not on ${symbol})`;
    const until = bounds?.test_start ? ` Bars from ${bounds.test_start.slice(0, 10)} on are new to it.` : "";
    notices.push(
      `${seen} of ${n} bars lie in the time that ${model.name} was trained or selected on${trained}: what it earns there shows memory, not skill.${until}`,
    );
  }
  if (usable < n) {
    const missing = n - usable;
    notices.push(
      `${missing} of ${n} bars lack a feature, since indicators need earlier bars: no decision was made on them.`,
    );
  }
  return notices;
}

/** A model that never reaches its threshold looks broken unless it is said how far it is from it. */
function silentNotice(signals: Int8Array, probabilities: Float32Array, threshold: number): string[] {
  if (signals.some((signal) => signal !== 0)) return [];
  let highest = 0;
  for (let i = 0; i < probabilities.length; i += 3) {
    highest = Math.max(highest, probabilities[i], probabilities[i + 2]);
  }
  return [
    `No BUY or SELL reached the confidence threshold of ${threshold}; the highest probability of either was ${highest.toFixed(3)}. --confidence-threshold sets another.`,
  ];
}
