import { randomUUID } from "node:crypto";
import {
  ignoreProgress,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
  type Phase,
  type ProgressListener,
} from "../core/index.js";
import { BarStore, DataManager, type Bars, type DataMode, type Timeframe } from "../data/index.js";
import {
  assertPartsNotEmpty,
  combineMultiSymbolData,
  labelDistribution,
  missingClassWarning,
  sharedBoundaries,
  splitSymbol,
  type Boundaries,
  type CombinedData,
  type Part,
  type SymbolSplit,
} from "../dataset/index.js";
import { findEngine, type Engine, type Samples } from "../engines/index.js";
import {
  calculateIndicators,
  completeRows,
  createFeatures,
  generateFuzzyMemberships,
  membershipWarnings,
  type FeatureTable,
  type TimeframeIndicators,
  type TimeframeMemberships,
} from "../features/index.js";
import type { Labels } from "../labels/index.js";
import type { ModelStorage } from "../models/index.js";
import { barRows, portableLayout } from "../portable/index.js";
import { featureNames, withOverrides, type Strategy } from "../strategy/index.js";
import {
  LossNotFiniteError,
  MLPTradingModel,
  ModelTrainer,
  type TrainedModel,
  type TrainingHooks,
  type TrainingParts,
} from "../training/index.js";
import { trainControls, type ControlResult } from "./control.js";
import { summarizeData } from "./data-summary.js";
import { evaluateOn, type Evaluation } from "./evaluate.js";
import { addReceipts, checkLeaks, type LeakReceipt } from "./leak-receipt.js";
import { joinParts, type JoinedParts, type SymbolParts } from "./join-parts.js";
import { checkMemory, estimateBytes, networksAtOnce } from "./memory.js";
import { featureRanges } from "./metadata.js";
import { PhaseClock } from "./phase-clock.js";
import type { Preparation } from "./preparation.js";
import type { TrainingResult, Verdict } from "./result.js";
import { labelledRows, type LabelledRows } from "./rows.js";
import { saveRun, type SharedRun } from "./save-run.js";
import { seriesNotices, seriesRecords } from "./series-records.js";
import { checkHistory, loadSeries, type SymbolSeries } from "./series.js";
import { judge } from "./verdict.js";

/** Controls that can be trained beside a training. */
export const controlKinds = ["shuffled"] as const;

/** One of these. */
export type ControlKind = (typeof controlKinds)[number];

/** Everything that one training needs (B2). */
export interface TrainRequest {
  readonly symbols: readonly string[];
  /** In any order; they are sorted finest first. */
  readonly timeframes: readonly Timeframe[];
  readonly strategyConfig: Strategy;
  /** First and last day, both included; null for all bars. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly modelStorage: ModelStorage;
  /** Default `local`. */
  readonly dataMode?: DataMode;
  readonly progressCallback?: ProgressListener;
  readonly cancellationToken?: CancellationToken;
  /** Default: the bars in `./data`. */
  readonly dataManager?: DataManager;
  /** Default: the fastest engine. */
  readonly engine?: Engine;
  /** Why this engine was taken; part of the result. */
  readonly engineReason?: string;
  /** Names the temporary folder while saving, and stands in the metadata; default: `direct_` and a random UUID. */
  readonly operationId?: string;
  /** Runs on the same data, this one included; what the verdict is corrected for. Default: 1. */
  readonly trials?: number;
  /** Trains controls on shuffled labels beside it. */
  readonly control?: ControlKind;
  /** Estimated sizes above this are refused. */
  readonly maxMemoryBytes?: number;
}

/** One of several trainings that differ in their seed only. */
export interface SeededRun {
  readonly strategyConfig: Strategy;
  readonly operationId: string;
}

/** How a thread shares runs on the same data with others. */
export interface SharedWork {
  /** How many threads share it, this one included. */
  readonly threads: number;
  /** Takes so many of the runs that nobody has taken yet: the place of the first, which is beyond the last where none is left. */
  readonly take: (count: number) => number;
  /** Comes by the data: from another thread, or by the function given, as one of them must. */
  readonly prepare: (here: () => Promise<Preparation>) => Promise<Preparation>;
}

/** Clocks are only reported; nothing of the result depends on them. */
const now = (): number => performance.now();

/** Of a thread that nobody shares them with. */
function alone(): SharedWork {
  let taken = 0;
  return { threads: 1, take: (count) => (taken += count) - count, prepare: (here) => here() };
}

/**
 * The journey from bars to a saved model. One pipeline does all the work, wherever it runs; callback and token are
 * passed on as they come. `trainStrategy` does everything; each step is a method of its own.
 */
export const TrainingPipeline = {
  /** All timeframes of one symbol, from the first stored bar to the end of the range. @see loadSeries */
  loadMarketData: loadSeries,

  /** Indicators of all timeframes of one symbol, from its first bar: state starts afresh at each symbol. */
  calculateIndicators(
    strategy: Strategy,
    series: readonly Bars[],
    token: CancellationToken = neverCancelled,
  ): TimeframeIndicators[] {
    return calculateIndicators(strategy, series, token);
  },

  /** Degrees of membership in the strategy's fuzzy sets, 0..1, NaN where an indicator has no value. */
  generateFuzzyMemberships(
    strategy: Strategy,
    indicators: readonly TimeframeIndicators[],
    token: CancellationToken = neverCancelled,
  ): TimeframeMemberships[] {
    return generateFuzzyMemberships(strategy, indicators, token);
  },

  /** One row per base bar; coarser timeframes joined on the time their bars closed, then lags. */
  createFeatures(
    strategy: Strategy,
    memberships: readonly TimeframeMemberships[],
    token: CancellationToken = neverCancelled,
  ): FeatureTable {
    return createFeatures(strategy, memberships, token);
  },

  /** Labels of all bars given, from these bars only, each with the bar at which it became known. */
  createLabels(strategy: Strategy, bars: Bars, token: CancellationToken = neverCancelled): Labels {
    return strategy.label.type.compute(bars, strategy.label.params, token);
  },

  /** Joins the rows of the given symbols in the given order; nothing tells symbols apart afterwards. @see combineMultiSymbolData */
  combineMultiSymbolData,

  /** The untrained network of a strategy. */
  createModel(strategy: Strategy, inputs: number): MLPTradingModel {
    return new MLPTradingModel(inputs, strategy.architecture);
  },

  /**
   * Trains from each of the seeds and keeps the epochs with the lowest validation loss. @see ModelTrainer.fitTogether
   *
   * @returns for each seed the trained model, or why there is none
   */
  trainModel(
    model: MLPTradingModel,
    parts: TrainingParts,
    { training }: Strategy,
    engine: Engine,
    now: () => number,
    hooks: TrainingHooks = {},
    seeds: readonly number[] = [training.seed],
  ): (TrainedModel | LossNotFiniteError)[] {
    return new ModelTrainer(engine, training, now).fitTogether(model, seeds, parts, hooks);
  },

  /** Metrics, importance and verdict of a trained model on rows it has not seen. */
  evaluateModel: evaluateOn,

  /**
   * Load, compute, split, join, train, evaluate, save: one call does everything.
   *
   * @throws CancelledError when the token was cancelled before the model was published; nothing of it is left then
   * @throws NoBarsError, NotEnoughBarsError, EmptySplitError, LeakError, LossNotFiniteError and the other `KnownError`s of the steps
   */
  async trainStrategy(request: TrainRequest): Promise<TrainingResult> {
    const { strategyConfig, operationId = `direct_${randomUUID()}` } = request;
    const results: TrainingResult[] = [];
    await TrainingPipeline.trainSeeds(request, [{ strategyConfig, operationId }], (result) => {
      results.push(result);
    });
    return results[0];
  },

  /**
   * All that comes before a network is made: loads the bars of all symbols and makes samples of them.
   *
   * @param threads that will train on the samples
   * @throws CancelledError, NoBarsError, NotEnoughBarsError, EmptySplitError, LeakError, MemoryLimitError and the other `KnownError`s of
   *   the steps
   */
  async prepareTraining(request: Omit<TrainRequest, "operationId">, threads = 1): Promise<Preparation> {
    const { symbols, timeframes: asked, startDate, endDate, dataMode = "local" } = request;
    const { progressCallback: progress = ignoreProgress, cancellationToken: token = neverCancelled } =
      request;
    const { dataManager = new DataManager(new BarStore("data")), maxMemoryBytes } = request;
    const strategy = withOverrides(request.strategyConfig, { symbols, timeframes: asked });
    const { timeframes, baseTimeframe } = strategy;
    const clock = new PhaseClock(now);
    const enter = phasesOf(clock, symbols.length, progress, token);
    const all: SymbolSeries[] = [];
    for (const [index, symbol] of symbols.entries()) {
      enter("loading_data", { symbol, symbolIndex: index + 1 });
      const wanted = { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode };
      const series = await loadSeries(dataManager, wanted, token);
      checkHistory(strategy, series);
      all.push(series);
      checkMemory(strategy, all, maxMemoryBytes, threads);
    }
    const { splits, parts, boundaries, examples, leaks, warnings } = prepareData(strategy, all, enter, token);
    const { train } = parts.data;
    const missing = missingClassWarning(labelDistribution([train.labels], token));
    const summarized = { symbols, timeframes, baseTimeframe, startDate, endDate };
    return {
      parts,
      trainRows: splits.map((split) => ({ symbol: split.symbol, rows: split.train.length })),
      boundaries,
      ranges: featureRanges(train.features, token),
      examples,
      leaks,
      series: seriesRecords(all),
      dataSummary: summarizeData(summarized, all, splits, parts, token),
      notices: [...seriesNotices(all), ...warnings, ...(missing === null ? [] : [missing])],
      estimatedBytes: estimateBytes(strategy, all, threads),
      times: clock.stop(),
    };
  },

  /**
   * `trainStrategy` for each of several runs, with the data loaded and prepared once. An engine that has `together` trains many
   * networks in step; others train one after the other. Progress is that of the first run taken.
   *
   * @param runs     one or more; their strategies differ in their seed only
   * @param onResult told of each run, in order, when its model has been saved, and its place among them
   * @param work     what other threads do of it; default: nothing
   * @throws as `trainStrategy`: runs that were saved by then stay. Where a loss is not finite, those that train together with it
   *   are saved before it is thrown
   */
  async trainSeeds(
    request: Omit<TrainRequest, "strategyConfig" | "operationId">,
    runs: readonly SeededRun[],
    onResult: (result: TrainingResult, run: number) => void,
    { threads, take, prepare }: SharedWork = alone(),
  ): Promise<void> {
    const { symbols, timeframes, maxMemoryBytes = Infinity } = request;
    const { progressCallback: progress = ignoreProgress, cancellationToken: token = neverCancelled } =
      request;
    const engine = request.engine ?? findEngine("auto");
    const strategies = runs.map(({ strategyConfig }) =>
      withOverrides(strategyConfig, { symbols, timeframes }),
    );
    const seeds = strategies.map(({ training }) => training.seed);
    const [strategy] = strategies;
    const preparation = await prepare(() =>
      TrainingPipeline.prepareTraining({ ...request, strategyConfig: runs[0].strategyConfig }, threads),
    );

    const trainingParts = toTrainingParts(preparation.parts.data);
    const shared = { request, engine, preparation, trainingParts, token };
    const { rows } = trainingParts.train;
    const inputs = featureNames(strategy).length;
    const room = (maxMemoryBytes - preparation.estimatedBytes) / threads;
    const atOnce = engine.together === undefined ? 1 : networksAtOnce(strategy, inputs, rows, room);
    let heard: number | null = null;
    for (let from = take(atOnce); from < runs.length; from = take(atOnce)) {
      heard ??= from;
      const listenerOf = (index: number): ProgressListener => (index === heard ? progress : ignoreProgress);
      const groupClock = new PhaseClock(now, preparation.times);
      const enterAll = phasesOf(groupClock, symbols.length, listenerOf(from), token);
      enterAll("creating_model");
      const model = TrainingPipeline.createModel(strategy, inputs);
      enterAll("training", { samples: rows });
      const outcomes = TrainingPipeline.trainModel(
        model,
        trainingParts,
        strategy,
        engine,
        now,
        { progress: listenerOf(from), token },
        seeds.slice(from, from + atOnce),
      );
      const trainedBy = groupClock.stop();
      for (const [k, trained] of outcomes.entries()) {
        if (trained instanceof LossNotFiniteError) continue;
        const index = from + k;
        const own = strategies[index];
        const clock = new PhaseClock(now, trainedBy);
        const enterOwn = phasesOf(clock, symbols.length, listenerOf(index), token);
        enterOwn("evaluating");
        const judged = evaluateRun(shared, own, trained);
        enterOwn("saving");
        const result = await saveRun(shared, {
          strategy: own,
          operationId: runs[index].operationId,
          trained,
          together: outcomes.length,
          ...judged,
          // Those of the file and of the overrides here may be the same.
          notices: [
            ...new Set([...runs[index].strategyConfig.notices, ...own.notices]),
            ...preparation.notices,
          ],
          clock,
        });
        onResult(result, index);
      }
      const failed = outcomes.find((outcome) => outcome instanceof LossNotFiniteError);
      if (failed !== undefined) throw failed;
    }
  },
} as const;

/** What the test part says of a trained network, and controls where they were asked for. */
function evaluateRun(
  { request, engine, preparation: { parts: joined, trainRows }, trainingParts: parts, token }: SharedRun,
  strategy: Strategy,
  { model }: TrainedModel,
): { evaluation: Evaluation; control: ControlResult | null; verdict: Verdict } {
  const { test, testRows } = joined;
  const importanceSeed = strategy.training.seed;
  const options = { model, engine, importanceSeed, called: "test bars", seen: 0, trials: request.trials };
  const evaluation = TrainingPipeline.evaluateModel(options, test, testRows, token);
  if (request.control === undefined) return { evaluation, control: null, verdict: evaluation.verdict };
  const control = trainControls({ strategy, engine, parts, trainRows, test, testRows }, token);
  if (control === null) return { evaluation, control, verdict: evaluation.verdict };
  const { metrics, skill } = evaluation;
  const { measured_on: measuredOn, trials } = evaluation.verdict;
  const verdict = judge(metrics, skill, { measuredOn, seen: 0, trials, control: control.mean });
  return { evaluation, control, verdict };
}

/** Reports the start of a phase and looks at the token. */
export type EnterPhase = (
  phase: Phase,
  more?: { symbol?: string; symbolIndex?: number; samples?: number },
) => void;

function phasesOf(
  clock: PhaseClock,
  symbols: number,
  listener: ProgressListener,
  token: CancellationToken,
): EnterPhase {
  return (phase, more = {}) =>
    clock.enter(
      phase,
      () => listener({ type: "phase", phase, symbols, ...more }),
      () => throwIfCancelled(token),
    );
}

/** What became of all symbols before training. */
export interface PreparedData {
  readonly splits: readonly SymbolSplit[];
  readonly boundaries: Boundaries;
  readonly parts: JoinedParts;
  readonly warnings: readonly string[];
  /** Inputs of the portable model at some bars, for its golden rows. */
  readonly examples: readonly Float64Array[];
  /** What was checked against seeing the future; a leak is an error. */
  readonly leaks: LeakReceipt;
}

/** Golden rows out of real bars: enough to see that a copy of the model works, whatever the number of symbols. */
const mostExamples = 8;
const examplesPerSymbol = 4;

/**
 * All symbols one after the other from bars to the rows of their parts, then joined. The rows of single symbols are let
 * go at the end, so that training holds every row once.
 *
 * @throws EmptySplitError, LeakError, CancelledError
 */
export function prepareData(
  strategy: Strategy,
  all: readonly SymbolSeries[],
  enter: EnterPhase,
  token: CancellationToken,
): PreparedData {
  const inRange = all.map(({ base, from, to }) => base.time.subarray(from, to));
  const boundaries = sharedBoundaries(inRange, strategy.split, token);
  const splits: SymbolSplit[] = [];
  const rows: SymbolParts[] = [];
  const warnings: string[] = [];
  const examples: Float64Array[] = [];
  const leaks: LeakReceipt[] = [];
  for (const [index, one] of all.entries()) {
    const which = { symbol: one.symbol, symbolIndex: index + 1 };
    const prepared = prepareSymbol(
      strategy,
      one,
      boundaries,
      examples.length < mostExamples,
      (phase) => enter(phase, which),
      token,
    );
    splits.push(prepared.split);
    rows.push({ symbol: one.symbol, rows: prepared.rows });
    warnings.push(...prepared.warnings);
    examples.push(...prepared.examples);
    leaks.push(prepared.leaks);
  }
  assertPartsNotEmpty(splits, strategy.split);
  enter("combining_data");
  return {
    splits,
    boundaries,
    parts: joinParts(rows, token),
    warnings,
    examples,
    leaks: addReceipts(leaks),
  };
}

/** One symbol's way from bars to the rows of its three parts; of its columns nothing is left afterwards. */
function prepareSymbol(
  strategy: Strategy,
  series: SymbolSeries,
  boundaries: Boundaries,
  withExamples: boolean,
  enter: (phase: Phase) => void,
  token: CancellationToken,
): {
  split: SymbolSplit;
  rows: SymbolParts["rows"];
  warnings: readonly string[];
  examples: readonly Float64Array[];
  leaks: LeakReceipt;
} {
  const { table, memberships, warmUp, labels, split, warnings, examples } = splitBars(
    strategy,
    series,
    boundaries,
    withExamples,
    enter,
    token,
  );
  const rowsOf = (part: Part): LabelledRows => labelledRows(table, labels, split[part], token);
  const rows = { train: rowsOf("train"), validation: rowsOf("validation"), test: rowsOf("test") };
  enter("checking_leaks");
  const subject = { strategy, series, memberships, table, warmUp, labels, boundaries, split, rows };
  return { split, rows, warnings, examples, leaks: checkLeaks(subject, token) };
}

/** Features, labels and split of one symbol. The indicators' columns end with this call, before rows are made of the degrees. */
function splitBars(
  strategy: Strategy,
  { symbol, series, base, from }: SymbolSeries,
  boundaries: Boundaries,
  withExamples: boolean,
  enter: (phase: Phase) => void,
  token: CancellationToken,
): {
  table: FeatureTable;
  memberships: readonly TimeframeMemberships[];
  warmUp: number;
  labels: Labels;
  split: SymbolSplit;
  warnings: string[];
  /** Inputs of the portable model at some bars of the test part, or of training where there is none. */
  examples: Float64Array[];
} {
  enter("computing_indicators");
  const indicators = TrainingPipeline.calculateIndicators(strategy, series, token);
  enter("generating_fuzzy");
  const memberships = TrainingPipeline.generateFuzzyMemberships(strategy, indicators, token);
  enter("creating_features");
  const table = TrainingPipeline.createFeatures(strategy, memberships, token);
  enter("generating_labels");
  const labels = TrainingPipeline.createLabels(strategy, base, token);
  enter("splitting_data");
  const range = { from: base.time[from] ?? Infinity, to: Infinity };
  const complete = completeRows(table, token);
  const first = complete.indexOf(1);
  const warmUp = first < 0 ? table.rows : first;
  const split = splitSymbol({ symbol, time: base.time, range, complete, warmUp, labels, boundaries }, token);
  const shown = spread(split.test.length > 0 ? split.test : split.train, examplesPerSymbol);
  return {
    table,
    memberships,
    warmUp,
    labels,
    split,
    warnings: [...table.warnings, ...membershipWarnings(memberships)],
    examples: withExamples
      ? barRows(portableLayout(strategy), strategy.lookback, base, indicators, shown, token)
      : [],
  };
}

/** Up to `count` of the rows, evenly spread, the last one among them. */
function spread(rows: Uint32Array, count: number): number[] {
  const taken = Math.min(count, rows.length);
  return Array.from({ length: taken }, (_, k) => rows[Math.ceil(((k + 1) * rows.length) / taken) - 1]);
}

function toSamples({ features, labels }: CombinedData): Samples {
  return { rows: features.rows, columns: features.columns, features: features.values, labels };
}

function toTrainingParts({ train, validation }: JoinedParts["data"]): TrainingParts {
  return {
    train: toSamples(train),
    validation: validation.features.rows === 0 ? null : toSamples(validation),
  };
}
