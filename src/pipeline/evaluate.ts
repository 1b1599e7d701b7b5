import { neverCancelled, type CancellationToken } from "../core/index.js";
import type { Engine, Samples } from "../engines/index.js";
import {
  classificationMetrics,
  permutationImportance,
  type ClassificationMetrics,
  type MLPTradingModel,
} from "../training/index.js";
import { answerSkill, type AnswerSkill } from "./answer-skill.js";
import type { Verdict } from "./result.js";
import type { LabelledRows } from "./rows.js";
import { judge } from "./verdict.js";

/** How many of the rows, in order, are those of one symbol; may be none. */
export interface SymbolRowCount {
  readonly symbol: string;
  readonly rows: number;
}

/** What a model is worth on some rows. */
export interface Evaluation {
  readonly metrics: ClassificationMetrics;
  readonly perSymbol: Readonly<Record<string, ClassificationMetrics>>;
  /** Drop in accuracy when a feature is shuffled; empty where importance was not asked for. */
  readonly importance: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
  /** What the verdict rests on; null without rows. */
  readonly skill: AnswerSkill | null;
}

/** How to evaluate. */
export interface EvaluationOptions {
  readonly model: MLPTradingModel;
  readonly engine: Engine;
  /** Seed of the permutations; null leaves importance out, which costs a prediction per feature. */
  readonly importanceSeed: number | null;
  /** What the rows are called in the verdict: `test bars`. */
  readonly called: string;
  /** Rows from the time that the model was fitted to; the verdict claims nothing where there are any. */
  readonly seen: number;
  /** Runs on the same data, this one included; default 1. */
  readonly trials?: number | undefined;
}

/**
 * Predicts all rows once, and from these predictions tells metrics, metrics per symbol, and whether there is skill in them.
 *
 * @param rows    of all symbols, one symbol after the other
 * @param symbols in that order; their counts add up to the rows
 * @throws CancelledError
 */
export function evaluateOn(
  { model, engine, importanceSeed, called, seen, trials = 1 }: EvaluationOptions,
  { matrix, labels, opened, knownAt }: LabelledRows,
  symbols: readonly SymbolRowCount[],
  token: CancellationToken = neverCancelled,
): Evaluation {
  const samples: Samples = { rows: matrix.rows, columns: matrix.columns, features: matrix.values, labels };
  const network = model.open(engine, token);
  try {
    const probabilities = network.predict(samples.features, samples.rows, token);
    const metrics = classificationMetrics(probabilities, labels, token);
    const perSymbol: Record<string, ClassificationMetrics> = {};
    let first = 0;
    for (const { symbol, rows } of symbols) {
      const end = first + rows;
      perSymbol[symbol] =
        rows === samples.rows
          ? metrics
          : classificationMetrics(
              probabilities.subarray(first * 3, end * 3),
              labels.subarray(first, end),
              token,
            );
      first = end;
    }
    const skill = answerSkill(probabilities, labels, { time: opened, knownAt }, token);
    const importance =
      importanceSeed === null
        ? {}
        : permutationImportance(network, samples, matrix.names, importanceSeed, token);
    const verdict = judge(metrics, skill, { measuredOn: describeRows(opened, called), seen, trials });
    return { metrics, perSymbol, importance, verdict, skill };
  } finally {
    network.dispose();
  }
}

function describeRows(opened: Float64Array, called: string): string {
  if (opened.length === 0) return `no ${called}`;
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  let [low, high] = [Infinity, -Infinity];
  for (const time of opened) {
    if (time < low) low = time;
    if (time > high) high = time;
  }
  return `${opened.length} ${called} from ${day(low)} to ${day(high)}`;
}
