import { neverCancelled, throwIfCancelled, type CancellationToken } from "../core/index.js";
import {
  annualisationOf,
  backtest,
  decisionsOf,
  judgeAccounts,
  type Backtest,
  type BacktestSettings,
  type BacktestVerdict,
} from "../backtest/index.js";
import { sliceBars, timeframeMs, type Bars, type DataManager } from "../data/index.js";
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
import type { DecisionOverrides, ModelBacktestRequest } from "./backtest-model.js";
import { joinParts, type JoinedParts } from "./join-parts.js";
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
}

/**
 * Bars, features and labels of all symbols, and where the folds lie.
 *
 * @throws NoBarsError, NotEnoughBarsError, TooFewTimesError, CancelledError
 */
export async function prepareFolds(
  { strategy, dataManager, startDate, endDate, plan, embargo }: WalkForwardPlan,
  token: CancellationToken = neverCancelled,
): Promise<PreparedFolds> {
  const { timeframes, baseTimeframe, symbols, split } = strategy;
  const series: SymbolSeries[] = [];
  const tables: FeatureTable[] = [];
  const rows: FoldSymbol[] = [];
  for (const symbol of symbols) {
    const wanted = { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode: "local" as const };
    const one = await loadSeries(dataManager, wanted, token);
    checkHistory(strategy, one);
    const { table } = prepareFeatures(strategy, one.series, token);
    const labels = strategy.label.type.compute(one.base, strategy.label.params, token);
    const complete = completeRows(table, token);
    const first = complete.indexOf(1);
    series.push(one);
    tables.push(table);
    rows.push({
      time: one.base.time,
      from: one.from,
      to: one.to,
      complete,
      warmUp: first < 0 ? table.rows : first,
      labels,
    });
  }
  const union = sortedUnion(
    series.map(({ base, from, to }) => base.time.subarray(from, to)),
    token,
  );
  const folds = foldsOf(plan, union.length, split.validation / (split.train + split.validation));
  const notices = [...new Set([...strategy.notices, ...seriesNotices(series)])];
  return { strategy, series, tables, symbols: rows, union, folds, embargo, notices };
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
 * @throws EmptySplitError where a part of the fold has no samples
 * @throws LossNotFiniteError, CancelledError
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
  for (const part of ["train", "validation", "test"] as const) {
    if (samplesOf(part) > 0 || (part === "validation" && fold.validation.length === 0)) continue;
    throw new EmptySplitError(
      part,
      series.map(({ symbol }, s) => ({ symbol, bars: rows[s][part].length, dropped: rows[s].dropped })),
    );
  }
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
  const network = trained.model.open(engine);
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

/** How the stitched predictions of all folds are traded. */
export interface StitchRequest {
  readonly settings: ModelBacktestRequest["settings"];
  readonly decisions: DecisionOverrides;
  readonly trials: number;
  readonly seed: number;
}

/** The account of one symbol over all tests. */
export interface SymbolAccount {
  readonly bars: Bars;
  readonly backtest: Backtest;
}

/** What came of trading the predictions of all folds. */
export interface StitchedBacktest {
  /** In the order of the symbols; each began with an equal share of the capital. */
  readonly accounts: readonly SymbolAccount[];
  readonly settings: BacktestSettings;
  readonly confidenceThreshold: number;
  /** Bar times of all tests, epoch ms, and the money of all accounts after each. */
  readonly time: Float64Array;
  readonly equity: Float64Array;
  readonly verdict: BacktestVerdict;
}

/**
 * Trades what the folds' models said of bars that none of them had trained or selected on, as one account per symbol. Where
 * several models speak of a bar (seeds, combinatorial folds) the mean of their probabilities decides.
 *
 * @throws CancelledError
 */
export function stitchFolds(
  { strategy, series, union, folds }: PreparedFolds,
  results: readonly FoldResult[],
  { settings, decisions, trials, seed }: StitchRequest,
  token: CancellationToken = neverCancelled,
): StitchedBacktest {
  const file = strategy.decisions;
  const all: BacktestSettings = {
    ...settings,
    capital: settings.capital / series.length,
    size: decisions.size ?? file.positionSize,
    minSeparation:
      decisions.minSeparation ??
      Math.ceil((file.minSignalSeparation * 3_600_000) / timeframeMs[strategy.baseTimeframe]),
    positionAwareness: decisions.positionAwareness ?? file.positionAwareness,
  };
  const confidenceThreshold = decisions.confidenceThreshold ?? file.confidenceThreshold;
  const firstTime = union[Math.min(...folds.map(({ test }) => test[0].from))];
  const lastTime = union[Math.max(...folds.map(({ test }) => test[test.length - 1].to)) - 1];
  const accounts = series.map(({ base, from, to }, s): SymbolAccount => {
    throwIfCancelled(token);
    const { rows, probabilities } = meanProbabilities(
      results.map((result) => result.predictions[s]),
      base.time.length,
    );
    let [first, end] = [from, to];
    while (first < to && base.time[first] < firstTime) first++;
    while (end > first && base.time[end - 1] > lastTime) end--;
    const bars = sliceBars(base, first, end);
    const inRange = rows.map((t) => t - first);
    const signals = decisionsOf(probabilities, inRange, end - first, confidenceThreshold, token);
    return { bars, backtest: backtest({ bars, signals, settings: all, trials, seen: 0, seed }, token) };
  });
  const { time, equity } = addAccounts(accounts, all.capital, token);
  const trades = accounts.reduce((sum, one) => sum + one.backtest.metrics.trades, 0);
  const heldBars = accounts.reduce(
    (sum, { backtest: { metrics } }) => sum + metrics.trades * (metrics.average_bars_held ?? 0),
    0,
  );
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const names = series.map(({ symbol }) => symbol).join(", ");
  const measuredOn =
    `${time.length} bar times of ${names} ${strategy.baseTimeframe} from ${day(firstTime)} to ${day(lastTime)} ` +
    `(the tests of ${folds.length} folds)`;
  const { bars_per_year: barsPerYear } = annualisationOf({ time, timeframe: strategy.baseTimeframe });
  const verdict = judgeAccounts(
    accounts.map(({ bars, backtest: { simulation } }) => ({ bars, simulation })),
    { trades, average_bars_held: trades === 0 ? null : heldBars / trades },
    all,
    { barsPerYear, trials, seen: 0, measuredOn, seed },
    token,
  );
  return { accounts, settings: all, confidenceThreshold, time, equity, verdict };
}

/** The mean of what several models said of each bar; bars that none spoke of are left out. */
function meanProbabilities(
  predictions: readonly FoldResult["predictions"][number][],
  bars: number,
): { rows: Uint32Array; probabilities: Float32Array } {
  const sums = new Float64Array(3 * bars);
  const counts = new Uint16Array(bars);
  for (const { rows, probabilities } of predictions) {
    rows.forEach((t, i) => {
      counts[t]++;
      for (let k = 0; k < 3; k++) sums[3 * t + k] += probabilities[3 * i + k];
    });
  }
  const rows = Uint32Array.from(counts.keys()).filter((t) => counts[t] > 0);
  const probabilities = new Float32Array(3 * rows.length);
  rows.forEach((t, i) => {
    for (let k = 0; k < 3; k++) probabilities[3 * i + k] = sums[3 * t + k] / counts[t];
  });
  return { rows, probabilities };
}

/** The money of all accounts at each time that any of them has a bar; between its bars an account stays as it is. */
function addAccounts(
  accounts: readonly SymbolAccount[],
  capital: number,
  token: CancellationToken,
): { time: Float64Array; equity: Float64Array } {
  const time = sortedUnion(
    accounts.map(({ bars }) => bars.time),
    token,
  );
  const equity = new Float64Array(time.length);
  for (const {
    bars,
    backtest: { simulation },
  } of accounts) {
    let at = 0;
    for (let t = 0; t < time.length; t++) {
      while (at < bars.time.length && bars.time[at] <= time[t]) at++;
      equity[t] += at === 0 ? capital : simulation.equity[at - 1];
    }
  }
  return { time, equity };
}
