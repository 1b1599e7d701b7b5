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
import { barRows, createPortable, portableLayout } from "../portable/index.js";
import { featureNames, withOverrides, type Strategy } from "../strategy/index.js";
import {
  MLPTradingModel,
  ModelTrainer,
  type TrainedModel,
  type TrainingHooks,
  type TrainingParts,
} from "../training/index.js";
import { trainControls } from "./control.js";
import { summarizeData } from "./data-summary.js";
import { evaluateOn } from "./evaluate.js";
import { addReceipts, checkLeaks, type LeakReceipt } from "./leak-receipt.js";
import { joinParts, type JoinedParts, type SymbolParts } from "./join-parts.js";
import { checkMemory } from "./memory.js";
import { boundaryTexts, featureRanges, packageVersion } from "./metadata.js";
import { PhaseClock } from "./phase-clock.js";
import type { TimeReceipt, TrainingResult } from "./result.js";
import { labelledRows, type LabelledRows } from "./rows.js";
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

  /** Trains and keeps the epoch with the lowest validation loss. @see ModelTrainer.fit */
  trainModel(
    model: MLPTradingModel,
    parts: TrainingParts,
    strategy: Strategy,
    engine: Engine,
    now: () => number,
    hooks: TrainingHooks = {},
  ): TrainedModel {
    return new ModelTrainer(engine, strategy.training, now).fit(model, parts, hooks);
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
    const { symbols, startDate, endDate, modelStorage, operationId = `direct_${randomUUID()}` } = request;
    const { progressCallback: progress = ignoreProgress, cancellationToken: token = neverCancelled } =
      request;
    const { dataManager = new DataManager(new BarStore("data")), dataMode = "local" } = request;
    const engine = request.engine ?? findEngine("auto");
    const strategy = withOverrides(request.strategyConfig, { symbols, timeframes: request.timeframes });
    const { timeframes, baseTimeframe } = strategy;
    // Clocks are only reported; nothing of the result depends on them.
    const now = (): number => performance.now();
    const clock = new PhaseClock(now);
    const enter: EnterPhase = (phase, more = {}) => {
      clock.enter(
        phase,
        () => progress({ type: "phase", phase, symbols: symbols.length, ...more }),
        () => throwIfCancelled(token),
      );
    };

    const all: SymbolSeries[] = [];
    for (const [index, symbol] of symbols.entries()) {
      enter("loading_data", { symbol, symbolIndex: index + 1 });
      const wanted = { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode };
      const series = await loadSeries(dataManager, wanted, token);
      checkHistory(strategy, series);
      all.push(series);
      checkMemory(strategy, all, request.maxMemoryBytes);
    }
    const { splits, parts, warnings, boundaries, examples, leaks } = prepareData(strategy, all, enter, token);
    const { train } = parts.data;
    const missing = missingClassWarning(labelDistribution([train.labels], token));
    const notices = [
      // Those of the file and of the overrides here may be the same.
      ...new Set([...request.strategyConfig.notices, ...strategy.notices]),
      ...seriesNotices(all),
      ...warnings,
      ...(missing === null ? [] : [missing]),
    ];
    const asked = { symbols, timeframes, baseTimeframe, startDate, endDate };
    const data_summary = summarizeData(asked, all, splits, parts, token);
    enter("creating_model");
    const model = TrainingPipeline.createModel(strategy, featureNames(strategy).length);
    enter("training", { samples: train.labels.length });
    const hooks = { progress, token };
    const trained = TrainingPipeline.trainModel(
      model,
      toTrainingParts(parts.data),
      strategy,
      engine,
      now,
      hooks,
    );
    enter("evaluating");
    const evaluation = TrainingPipeline.evaluateModel(
      {
        model: trained.model,
        engine,
        importanceSeed: strategy.training.seed,
        called: "test bars",
        seen: 0,
        trials: request.trials,
      },
      parts.test,
      parts.testRows,
      token,
    );
    const control =
      request.control === undefined
        ? null
        : trainControls(
            {
              strategy,
              engine,
              parts: toTrainingParts(parts.data),
              trainRows: splits.map((split) => ({ symbol: split.symbol, rows: split.train.length })),
              test: parts.test,
              testRows: parts.testRows,
            },
            token,
          );
    const { measured_on: measuredOn, trials } = evaluation.verdict;
    const verdict =
      control === null
        ? evaluation.verdict
        : judge(evaluation.metrics, evaluation.skill, { measuredOn, seen: 0, trials, control: control.mean });
    enter("saving");
    const ranges = featureRanges(train.features, token);
    const portable = await createPortable(
      {
        name: strategy.name,
        layout: portableLayout(strategy),
        model: trained.model,
        ordinary: examples,
        producerVersion: packageVersion,
      },
      findEngine("auto"),
      token,
      (why) =>
        notices.push(`model.onnx was not checked: onnxruntime is installed and does not load (${why}).`),
    );
    const result = {
      strategy_name: strategy.name,
      training_metrics: trained.trainingMetrics,
      test_metrics: evaluation.metrics,
      artifacts: { feature_importance: evaluation.importance, per_symbol_metrics: evaluation.perSymbol },
      model_info: {
        parameters_count: model.parameterCount,
        trainable_parameters: model.parameterCount,
        architecture: model.description,
      },
      data_summary,
      verdict,
      ...(control === null ? {} : { control }),
      leak_receipt: leaks,
      resource_usage: resourceUsage(engine),
      ...(request.engineReason === undefined ? {} : { engine_choice: request.engineReason }),
      notices,
    };
    const published = modelStorage.publish(
      {
        strategyName: strategy.name,
        timeframe: timeframes[0],
        weights: trained.weights,
        strategy: strategy.document,
        features: { feature_names: train.features.names, base_timeframe: baseTimeframe, ranges },
        metrics: {
          training_metrics: { ...result.training_metrics },
          test_metrics: { ...result.test_metrics },
          artifacts: result.artifacts,
        },
        metadata: {
          created_at: new Date().toISOString(),
          operation_id: operationId,
          strategy_name: strategy.name,
          seed: strategy.training.seed,
          data_hash: data_summary.data_hash,
          versions: { ktrdr: packageVersion, node: process.versions.node, format: 1 },
          symbols,
          timeframes,
          base_timeframe: baseTimeframe,
          start_date: data_summary.start_date,
          end_date: data_summary.end_date,
          split_boundaries: boundaryTexts(boundaries.start),
          series: seriesRecords(all),
          model_info: result.model_info,
          data_summary,
          verdict: result.verdict,
          leak_receipt: result.leak_receipt,
          ...(control === null ? {} : { control }),
          resource_usage: result.resource_usage,
          time_receipt: receipt(clock, trained),
          onnx_check: portable.check,
          notices,
        },
        onnx: portable.bytes,
      },
      { operationId, token },
    );
    return {
      model_name: published.name,
      model_path: published.path,
      ...result,
      time_receipt: receipt(clock, trained),
    };
  },
} as const;

/** Reports the start of a phase and looks at the token. */
export type EnterPhase = (
  phase: Phase,
  more?: { symbol?: string; symbolIndex?: number; samples?: number },
) => void;

function receipt(clock: PhaseClock, { timing }: TrainedModel): TimeReceipt {
  const { loop, arithmetic, progress, cancellation } = timing;
  return {
    ...clock.seconds(),
    training_arithmetic: arithmetic,
    progress: progress + clock.progress,
    cancellation: cancellation + clock.cancellation,
    orchestration_share: loop === 0 ? 0 : 1 - arithmetic / loop,
    total: clock.total(),
  };
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
    leaks: addReceipts(leaks, strategy.training.seed),
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
  const leaks = checkLeaks(subject, strategy.training.seed, token);
  return { split, rows, warnings, examples, leaks };
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

function resourceUsage({ name, device }: Engine): TrainingResult["resource_usage"] {
  if (device?.type !== "gpu") return { engine: name, device_type: "cpu" };
  return { engine: name, device_type: "gpu", gpu_name: device.name };
}
