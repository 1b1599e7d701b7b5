import { isDeepStrictEqual } from "node:util";
import { KnownError, neverCancelled, throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { DataManager } from "../data/index.js";
import { classNames, type ClassName } from "../labels/index.js";
import type { StoredModel } from "../models/index.js";
import { predictedClass } from "../training/index.js";
import type { Verdict } from "./result.js";
import { predictRange } from "./saved-model.js";
import { barText } from "./series-records.js";

const validationFigures = ["best_epoch", "best_val_loss", "best_val_accuracy"] as const;
const testFigures = [
  "test_accuracy",
  "test_loss",
  "precision",
  "recall",
  "f1_score",
  "majority_class_accuracy",
] as const;

/** A value of both models. */
export interface Pair<Value> {
  readonly a: Value;
  readonly b: Value;
}

/** A bar on which two models give different answers. */
export interface Disagreement {
  readonly symbol: string;
  /** The bar's opening. */
  readonly timestamp: string;
  readonly a: ClassName;
  readonly b: ClassName;
}

/** In what two models differ; field names as in `models diff --json`. */
export interface ModelsDiff {
  readonly models: Pair<string>;
  /** Each place of the strategies where they differ: `model.training.epochs`, `indicators[0].period`; null where one has nothing. */
  readonly config: readonly (Pair<unknown> & { readonly path: string })[];
  readonly data_hash: Pair<string | null> & { readonly same: boolean };
  readonly code_version: Pair<string | null> & { readonly same: boolean };
  readonly seed: Pair<number | null> & { readonly same: boolean };
  /**
   * As they were when the models were saved: figures of validation and test by name, and under `verdict` its interval and the bars
   * that it was measured on.
   */
  readonly metrics: Readonly<
    Record<(typeof validationFigures)[number] | (typeof testFigures)[number], Pair<number | null>>
  > & {
    readonly verdict: Pair<Pick<Verdict, "significant" | "interval" | "measured_on"> | null>;
  };
  /** Over the bars that lie in the test time of both; null with a reason where there are none. */
  readonly disagreements: {
    readonly from: string | null;
    readonly to: string | null;
    readonly symbols: readonly string[];
    /** Bars on which both were asked. */
    readonly bars_compared: number;
    readonly count: number;
    readonly share: number | null;
    /** The first of them, 10,000 at most. */
    readonly bars: readonly Disagreement[];
    /** Why nothing could be compared; null where something was. */
    readonly reason: string | null;
  };
}

const mostListed = 10_000;

/**
 * Compares two saved models: what they were made of, how well they did, and where they disagree on bars that neither was fitted to.
 *
 * @throws ModelDamagedError, CancelledError
 */
export async function diffModels(
  first: StoredModel,
  second: StoredModel,
  dataManager: DataManager,
  token: CancellationToken = neverCancelled,
): Promise<ModelsDiff> {
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  const number = (value: unknown): number | null => (typeof value === "number" ? value : null);
  const pairOf = <Value>(value: (model: StoredModel) => Value): Pair<Value> & { same: boolean } => {
    const [a, b] = [value(first), value(second)];
    return { a, b, same: a === b };
  };
  const figure = (part: "training_metrics" | "test_metrics", name: string): [string, Pair<number | null>] => {
    const [a, b] = [first, second].map(({ metrics }) =>
      number((metrics[part] as Record<string, unknown>)[name]),
    );
    return [name, { a, b }];
  };
  const intervalOf = ({ metadata, result }: StoredModel): ModelsDiff["metrics"]["verdict"]["a"] => {
    const verdict = (metadata["verdict"] ?? result?.["verdict"] ?? null) as Verdict | null;
    if (verdict === null) return null;
    const { significant, interval, measured_on } = verdict;
    return { significant, interval, measured_on };
  };
  return {
    models: { a: first.name, b: second.name },
    config: differences(first.strategy, second.strategy),
    data_hash: pairOf(({ metadata }) => text(metadata["data_hash"])),
    code_version: pairOf(({ metadata }) => text((metadata["versions"] as { ktrdr?: unknown })?.ktrdr)),
    seed: pairOf(({ metadata }) => number(metadata["seed"])),
    metrics: {
      ...(Object.fromEntries([
        ...validationFigures.map((name) => figure("training_metrics", name)),
        ...testFigures.map((name) => figure("test_metrics", name)),
      ]) as Record<(typeof validationFigures)[number] | (typeof testFigures)[number], Pair<number | null>>),
      verdict: { a: intervalOf(first), b: intervalOf(second) },
    },
    disagreements: await disagreementsOf(first, second, dataManager, token),
  };
}

/** Each leaf of two JSON values that differs, by path. */
function differences(a: unknown, b: unknown, path = ""): { path: string; a: unknown; b: unknown }[] {
  if (isDeepStrictEqual(a, b)) return [];
  if (Array.isArray(a) && Array.isArray(b)) {
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
      differences(a[i], b[i], `${path}[${i}]`),
    ).flat();
  }
  if (isMap(a) && isMap(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => differences(a[key], b[key], path === "" ? key : `${path}.${key}`));
  }
  return [{ path, a: a ?? null, b: b ?? null }];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface TestTime {
  readonly symbols: readonly string[];
  readonly base: string;
  /** First bar of the test, epoch ms; null where there is none. */
  readonly start: number | null;
  /** Last day, as it was asked for or found. */
  readonly end: string;
}

function testTimeOf({ metadata, timeframe }: StoredModel): TestTime {
  const {
    symbols = [],
    base_timeframe,
    split_boundaries,
    end_date = "",
  } = metadata as {
    symbols?: readonly string[];
    base_timeframe?: string;
    split_boundaries?: { test_start: string | null };
    end_date?: string;
  };
  const start = split_boundaries?.test_start ?? null;
  return {
    symbols,
    base: base_timeframe ?? timeframe,
    start: start === null ? null : Date.parse(start),
    end: end_date,
  };
}

async function disagreementsOf(
  first: StoredModel,
  second: StoredModel,
  dataManager: DataManager,
  token: CancellationToken,
): Promise<ModelsDiff["disagreements"]> {
  const [a, b] = [testTimeOf(first), testTimeOf(second)];
  const symbols = a.symbols.filter((symbol) => b.symbols.includes(symbol));
  const none = (reason: string): ModelsDiff["disagreements"] => {
    return { from: null, to: null, symbols, bars_compared: 0, count: 0, share: null, bars: [], reason };
  };
  if (a.base !== b.base) return none(`One reads ${a.base} bars, the other ${b.base}.`);
  if (symbols.length === 0) return none("They were trained on different symbols.");
  if (a.start === null || b.start === null) return none("One of them has no test bars.");
  const start = Math.max(a.start, b.start);
  const startDate = new Date(start).toISOString().slice(0, 10);
  const endDate = (a.end < b.end ? a.end : b.end).slice(0, 10) || null;
  if (endDate !== null && endDate < startDate) return none("Their test times do not overlap.");
  const bars: Disagreement[] = [];
  let [compared, count] = [0, 0];
  let [from, to]: (string | null)[] = [null, null];
  for (const symbol of symbols) {
    const use = { symbol, timeframe: a.base, startDate, endDate, dataManager };
    let answers;
    try {
      answers = [
        await predictRange({ ...use, model: first }, token),
        await predictRange({ ...use, model: second }, token),
      ];
    } catch (error) {
      if (!(error instanceof KnownError) || !noBarsCodes.has(error.code)) throw error;
      return none(error.message);
    }
    const [{ series, rows, probabilities }, other] = answers;
    let j = 0;
    for (let i = 0; i < rows.length; i++) {
      if (i % 4096 === 0) throwIfCancelled(token);
      while (j < other.rows.length && other.rows[j] < rows[i]) j++;
      if (other.rows[j] !== rows[i] || series.base.time[rows[i]] < start) continue;
      const bar = barText(series.base, rows[i]);
      if (from === null || bar < from) from = bar;
      if (to === null || bar > to) to = bar;
      compared++;
      const [says, saysOther] = [predictedClass(probabilities, i), predictedClass(other.probabilities, j)];
      if (says === saysOther) continue;
      count++;
      if (bars.length === mostListed) continue;
      const timestamp = new Date(series.base.time[rows[i]]).toISOString().replace(".000Z", "Z");
      bars.push({ symbol, timestamp, a: classNames[says], b: classNames[saysOther] });
    }
  }
  if (compared === 0) return none("No bar of the common test time is stored.");
  return { from, to, symbols, bars_compared: compared, count, share: count / compared, bars, reason: null };
}

/** Errors that say that bars are missing: the rest of the comparison stands without them. */
const noBarsCodes: ReadonlySet<string> = new Set(["NO_BARS", "NO_USABLE_BARS"]);
