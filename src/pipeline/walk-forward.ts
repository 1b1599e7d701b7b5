import { neverCancelled, type CancellationToken } from "../core/index.js";
import type { DataManager } from "../data/index.js";
import {
  EmptySplitError,
  foldsOf,
  sortedUnion,
  splitFold,
  type Dropped,
  type Fold,
  type FoldPlan,
  type FoldRows,
  type FoldSymbol,
  type Part,
} from "../dataset/index.js";
import { findEngine, type Engine } from "../engines/index.js";
import { completeRows, prepareFeatures, toMatrix, type FeatureTable } from "../features/index.js";
import { featureNames, withOverrides, type Strategy } from "../strategy/index.js";
import {
  classificationMetrics,
  MLPTradingModel,
  ModelTrainer,
  type ClassificationMetrics,
} from "../training/index.js";
import { joinParts, type JoinedParts } from "./join-parts.js";
import { addReceipts, checkFold, checkSource, type LeakReceipt } from "./leak-receipt.js";
import { checkMemory, estimateBytes } from "./memory.js";
import { labelledRows, type LabelledRows } from "./rows.js";
import { seriesNotices } from "./series-records.js";
import { checkHistory, loadSeries, type SymbolSeries } from "./series.js";

/** What a walk-forward is made of. */
export interface WalkForwardPlan {
  readonly strategy: Strategy;
  readonly dataManager: DataManager;
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly plan: FoldPlan;
  /** Bar times left out at either end of a test or validation. */
  readonly embargo: number;
  /** Default: none. */
  readonly maxMemoryBytes?: number;
}

/** Everything that all folds share: features and labels do not depend on a fold. */
export interface PreparedFolds {
  readonly strategy: Strategy;
  readonly series: readonly SymbolSeries[];
  readonly tables: readonly FeatureTable[];
  readonly symbols: readonly FoldSymbol[];
  /** Bar times of all symbols in the range, epoch ms. */
  readonly union: Float64Array;
  readonly folds: readonly Fold[];
  readonly embargo: number;
  readonly notices: readonly string[];
  /** What was checked against seeing the future, the folds' samples not yet among it; null where nobody asked. */
  readonly leaks: LeakReceipt | null;
  /** What its arrays take at most, samples of one fold included. */
  readonly estimatedBytes: number;
}

/**
 * Bars, features and labels of all symbols, and where the folds lie.
 *
 * @param withReceipt whether to look for leaks: once is enough for all copies of the same data
 * @throws NoBarsError, NotEnoughBarsError, TooFewTimesError, MemoryLimitError, LeakError, CancelledError
 * @throws EmptySplitError where a part of a fold has no samples
 */
export async function prepareFolds(
  { strategy, dataManager, startDate, endDate, plan, embargo, maxMemoryBytes }: WalkForwardPlan,
  token: CancellationToken = neverCancelled,
  withReceipt = true,
): Promise<PreparedFolds> {
  const { timeframes, baseTimeframe, symbols, split } = strategy;
  const series: SymbolSeries[] = [];
  for (const symbol of symbols) {
    const wanted = { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode: "local" as const };
    const one = await loadSeries(dataManager, wanted, token);
    checkHistory(strategy, one);
    series.push(one);
    checkMemory(strategy, series, maxMemoryBytes);
  }
  const union = sortedUnion(
    series.map(({ base, from, to }) => base.time.subarray(from, to)),
    token,
  );
  const folds = foldsOf(plan, union.length, split.validation / (split.train + split.validation));
  const [first, last] = [folds[0], folds[folds.length - 1]];
  const ends = [...first.validation, ...first.test, ...last.test].map(({ from }) => union[from]);
  const tables: FeatureTable[] = [];
  const rows: FoldSymbol[] = [];
  const warnings: string[] = [];
  const receipts: LeakReceipt[] = [];
  for (const one of series) {
    const { table, memberships, warnings: own } = prepareFeatures(strategy, one.series, token);
    const labels = strategy.label.type.compute(one.base, strategy.label.params, token);
    const complete = completeRows(table, token);
    const from = complete.indexOf(1);
    const warmUp = from < 0 ? table.rows : from;
    if (withReceipt) {
      const source = { strategy, series: one, memberships, table, warmUp, labels };
      receipts.push(checkSource(source, ends, token));
    }
    warnings.push(...own);
    tables.push(table);
    rows.push({
      time: one.base.time,
      from: one.from,
      to: one.to,
      complete,
      warmUp,
      labels,
    });
  }
  for (const fold of folds) checkParts(fold, series, splitFold(fold, rows, union, embargo, token));
  const notices = [...new Set([...strategy.notices, ...seriesNotices(series), ...warnings])];
  const leaks = withReceipt ? addReceipts(receipts) : null;
  const estimatedBytes = estimateBytes(strategy, series);
  return { strategy, series, tables, symbols: rows, union, folds, embargo, notices, leaks, estimatedBytes };
}

/** @throws EmptySplitError where a part of the fold has no samples: before anything is trained */
function checkParts(fold: Fold, series: readonly SymbolSeries[], rows: ReturnType<typeof splitFold>): void {
  for (const part of ["train", "validation", "test"] as const) {
    if (rows.some((one) => one[part].length > 0)) continue;
    if (part === "validation" && fold.validation.length === 0) continue;
    throw new EmptySplitError(
      part,
      series.map(({ symbol }, s) => ({ symbol, bars: rows[s][part].length, dropped: rows[s].dropped })),
    );
  }
}

/** Which time a part of a fold covers, and how many samples it has; field names as in JSON. */
export interface FoldPart {
  /** Openings of the first and last bar, ISO; null where the part has no time. */
  readonly from: string | null;
  readonly to: string | null;
  readonly samples: number;
}

/** One trained and tested fold; plain data, so that it can cross from the thread that made it. */
export interface FoldResult {
  readonly fold: number;
  readonly seed: number;
  readonly train: FoldPart;
  readonly validation: FoldPart;
  readonly test: FoldPart;
  readonly dropped: Dropped;
  readonly metrics: ClassificationMetrics;
  readonly model: {
    readonly epochs_trained: number;
    readonly best_epoch: number;
    readonly best_val_loss: number | null;
    readonly parameters_count: number;
  };
  /** Per symbol: bars of the test that were predicted, as indices of base bars, and BUY, HOLD, SELL of each. */
  readonly predictions: readonly { readonly rows: Uint32Array; readonly probabilities: Float32Array }[];
}

/**
 * Trains and tests one fold with one seed; the same bytes whatever thread it runs on.
 *
 * @throws LeakError, LossNotFiniteError, CancelledError
 */
export function runFold(
  prepared: PreparedFolds,
  index: number,
  seed: number,
  engine: Engine = findEngine("auto"),
  token: CancellationToken = neverCancelled,
): FoldResult {
  const { series, tables, symbols, union, folds, embargo } = prepared;
  const fold = folds[index];
  const strategy = withOverrides(prepared.strategy, { seed });
  const rows = splitFold(fold, symbols, union, embargo, token);
  const samplesOf = (part: Part): number => rows.reduce((sum, one) => sum + one[part].length, 0);
  const timesIn = (part: Part): (readonly [number, number])[] =>
    fold[part].map(({ from, to }) => [union[from], to < union.length ? union[to] : Infinity]);
  checkFold(
    series.map(({ symbol, base }, s) => ({ symbol, base, labels: symbols[s].labels, rows: rows[s] })),
    { train: timesIn("train"), validation: timesIn("validation"), test: timesIn("test") },
    token,
  );
  const parts = joinedParts(prepared, rows, token);
  const model = new MLPTradingModel(featureNames(strategy).length, strategy.architecture);
  const { train, validation } = parts.data;
  const toSamples = ({ features, labels }: typeof train) => ({
    rows: features.rows,
    columns: features.columns,
    features: features.values,
    labels,
  });
  const trained = new ModelTrainer(engine, strategy.training, () => performance.now()).fit(
    model,
    { train: toSamples(train), validation: validation.features.rows === 0 ? null : toSamples(validation) },
    { token },
  );
  const network = trained.model.open(engine, token);
  try {
    const { matrix, labels } = parts.test;
    const metrics = classificationMetrics(network.predict(matrix.values, matrix.rows, token), labels, token);
    const predictions = rows.map(({ traded }, s) => {
      const all = toMatrix(tables[s], traded, token);
      return { rows: traded, probabilities: network.predict(all.values, all.rows, token) };
    });
    const { epochs_trained, best_epoch, best_val_loss } = trained.trainingMetrics;
    const spanOf = (part: Part): FoldPart => ({ ...timesOf(union, fold[part]), samples: samplesOf(part) });
    return {
      fold: index + 1,
      seed,
      train: spanOf("train"),
      validation: spanOf("validation"),
      test: spanOf("test"),
      dropped: addUp(rows),
      metrics,
      model: { epochs_trained, best_epoch, best_val_loss, parameters_count: model.parameterCount },
      predictions,
    };
  } finally {
    network.dispose();
  }
}

function joinedParts(
  { series, tables, symbols }: PreparedFolds,
  rows: readonly FoldRows[],
  token: CancellationToken,
): JoinedParts {
  const perSymbol = series.map(({ symbol }, s) => {
    const of = (part: Part): LabelledRows => labelledRows(tables[s], symbols[s].labels, rows[s][part], token);
    return { symbol, rows: { train: of("train"), validation: of("validation"), test: of("test") } };
  });
  return joinParts(perSymbol, token);
}

function timesOf(union: Float64Array, spans: Fold[Part]): { from: string | null; to: string | null } {
  const text = (position: number): string => new Date(union[position]).toISOString().replace(".000Z", "Z");
  if (spans.length === 0) return { from: null, to: null };
  return { from: text(spans[0].from), to: text(spans[spans.length - 1].to - 1) };
}

function addUp(rows: readonly FoldRows[]): Dropped {
  const total = { warm_up: 0, no_label: 0, purged: 0, embargoed: 0 };
  for (const { dropped } of rows) {
    for (const cause of Object.keys(total) as (keyof typeof total)[]) total[cause] += dropped[cause];
  }
  return total;
}
