import { neverCancelled, throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Engine, Samples } from "../engines/index.js";
import type { FeatureMatrix } from "../features/index.js";
import { classNames } from "../labels/index.js";
import {
  accuracyAgainstMajority,
  classificationMetrics,
  permutationImportance,
  type ClassificationMetrics,
  type MLPTradingModel,
} from "../training/index.js";
import type { Verdict } from "./result.js";
import { judge } from "./verdict.js";

/** Rows as the network reads them, with their labels and times (epoch ms UTC, [rows]). */
export interface LabelledRows {
  readonly matrix: FeatureMatrix;
  /** BUY 0, HOLD 1, SELL 2. */
  readonly labels: Uint8Array;
  /** Opening of each row's bar. */
  readonly opened: Float64Array;
  /** Close of each row's bar, when its features were known. */
  readonly closed: Float64Array;
  /** Close of the bar with which the label became known. */
  readonly knownAt: Float64Array;
}

/** One symbol's rows of the part that is evaluated; may be none. */
export interface SymbolPart {
  readonly symbol: string;
  readonly rows: LabelledRows;
}

/** What a model is worth on some rows. */
export interface Evaluation {
  readonly metrics: ClassificationMetrics;
  readonly perSymbol: Readonly<Record<string, ClassificationMetrics>>;
  /** Drop in accuracy when a feature is shuffled; empty where importance was not asked for. */
  readonly importance: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
}

/** How to evaluate. */
export interface EvaluationOptions {
  readonly model: MLPTradingModel;
  readonly engine: Engine;
  /** Seed of the permutations; null leaves importance out, which costs a prediction per feature. */
  readonly importanceSeed: number | null;
  /** What the rows are called in the verdict: `test bars`. */
  readonly called: string;
}

/**
 * Predicts all rows once, and from these predictions tells metrics, metrics per symbol, and whether the model beats
 * always giving the commonest answer.
 *
 * @throws CancelledError
 */
export function evaluateOn(
  options: EvaluationOptions,
  symbols: readonly SymbolPart[],
  token: CancellationToken = neverCancelled,
): Evaluation {
  const { model, engine, importanceSeed, called } = options;
  const rows = joinRows(symbols);
  const network = model.open(engine);
  try {
    const samples: Samples = {
      rows: rows.matrix.rows,
      columns: rows.matrix.columns,
      features: rows.matrix.values,
      labels: rows.labels,
    };
    const probabilities = network.predict(samples.features, samples.rows, token);
    const perSymbol: Record<string, ClassificationMetrics> = {};
    let first = 0;
    for (const { symbol, rows: part } of symbols) {
      throwIfCancelled(token);
      const end = first + part.labels.length;
      perSymbol[symbol] = classificationMetrics(probabilities.subarray(first * 3, end * 3), part.labels);
      first = end;
    }
    const times = { time: rows.closed, knownAt: rows.knownAt };
    const interval = accuracyAgainstMajority(probabilities, rows.labels, times, token);
    const metrics = classificationMetrics(probabilities, rows.labels);
    const importance =
      importanceSeed === null
        ? {}
        : permutationImportance(network, samples, rows.matrix.names, importanceSeed, token);
    const verdict = judge(metrics, interval, describeRows(rows.opened, called), commonestClass(rows.labels));
    return { metrics, perSymbol, importance, verdict };
  } finally {
    network.dispose();
  }
}

function joinRows(symbols: readonly SymbolPart[]): LabelledRows {
  const parts = symbols.map(({ rows }) => rows);
  if (parts.length === 1) return parts[0];
  const { names, columns } = parts[0].matrix;
  const rows = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  const joined: LabelledRows = {
    matrix: { names, rows, columns, values: new Float32Array(rows * columns) },
    labels: new Uint8Array(rows),
    opened: new Float64Array(rows),
    closed: new Float64Array(rows),
    knownAt: new Float64Array(rows),
  };
  let first = 0;
  for (const part of parts) {
    joined.matrix.values.set(part.matrix.values, first * columns);
    joined.labels.set(part.labels, first);
    joined.opened.set(part.opened, first);
    joined.closed.set(part.closed, first);
    joined.knownAt.set(part.knownAt, first);
    first += part.labels.length;
  }
  return joined;
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

function commonestClass(labels: Uint8Array): string {
  const counts = [0, 0, 0];
  for (const label of labels) counts[label]++;
  return classNames[counts.indexOf(Math.max(...counts))];
}
