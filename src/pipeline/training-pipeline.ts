import {
  ignoreProgress,
  inBlocks,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
  type Phase,
  type ProgressListener,
} from "../core/index.js";
import {
  BarStore,
  closeTimes,
  DataManager,
  type Bars,
  type DataMode,
  type Timeframe,
} from "../data/index.js";
import {
  assertPartsNotEmpty,
  combineMultiSymbolData,
  dataHash,
  labelDistribution,
  missingClassWarning,
  parts as partNames,
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
  toMatrix,
  warmUpRows,
  type FeatureMatrix,
  type FeatureTable,
  type TimeframeIndicators,
  type TimeframeMemberships,
} from "../features/index.js";
import type { Labels } from "../labels/index.js";
import type { ModelStorage } from "../models/index.js";
import { featureNames, withOverrides, type Strategy } from "../strategy/index.js";
import {
  MLPTradingModel,
  ModelTrainer,
  type TrainedModel,
  type TrainingHooks,
  type TrainingParts,
} from "../training/index.js";
import { evaluateOn, type LabelledRows } from "./evaluate.js";
import { estimateBytes, MemoryLimitError } from "./memory.js";
import { boundaryTexts, featureRanges, packageVersion } from "./metadata.js";
import { PhaseClock } from "./phase-clock.js";
import type { DataSummary, SymbolSummary, TimeReceipt, TrainingResult } from "./result.js";
import { barText, seriesNotices, seriesRecords } from "./series-records.js";
import { checkHistory, loadSeries, type SymbolSeries } from "./series.js";

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
  /** Names the temporary folder while saving, and stands in the metadata. */
  readonly operationId?: string;
  /** Estimated sizes above this are refused. */
  readonly maxMemoryBytes?: number;
}

/** The three parts of one symbol as the network will see them. */
interface SymbolRows {
  readonly split: SymbolSplit;
  readonly rows: Readonly<Record<Part, LabelledRows>>;
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
   * @throws NoBarsError, NotEnoughBarsError, EmptySplitError, LossNotFiniteError and the other `KnownError`s of the steps
   */
  async trainStrategy(request: TrainRequest): Promise<TrainingResult> {
    const { symbols, startDate, endDate, modelStorage, operationId = `direct_${process.pid}` } = request;
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
      clock.enter(phase);
      progress({ type: "phase", phase, symbols: symbols.length, ...more });
      throwIfCancelled(token);
    };

    const all: SymbolSeries[] = [];
    for (const [index, symbol] of symbols.entries()) {
      enter("loading_data", { symbol, symbolIndex: index + 1 });
      const wanted = { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode };
      const series = await loadSeries(dataManager, wanted, token);
      checkHistory(strategy, series);
      all.push(series);
    }
    const bytes = estimateBytes(strategy, all);
    if (request.maxMemoryBytes !== undefined && bytes > request.maxMemoryBytes) {
      throw new MemoryLimitError(bytes, request.maxMemoryBytes);
    }
    const notices = [...strategy.notices, ...seriesNotices(all)];
    const inRange = all.map(({ base, from, to }) => base.time.subarray(from, to));
    const boundaries = sharedBoundaries(inRange, strategy.split, token);
    const prepared: SymbolRows[] = [];
    for (const [index, one] of all.entries()) {
      const which = { symbol: one.symbol, symbolIndex: index + 1 };
      const { rows, warnings } = prepareSymbol(
        strategy,
        one,
        boundaries,
        (phase) => enter(phase, which),
        token,
      );
      prepared.push(rows);
      notices.push(...warnings);
    }
    const splits = prepared.map(({ split }) => split);
    assertPartsNotEmpty(splits, strategy.split);

    enter("combining_data");
    const parts = joinParts(prepared, token);
    const missing = missingClassWarning(labelDistribution([parts.train.labels]));
    if (missing !== null) notices.push(missing);
    const data_summary = summarizeData(request, strategy, all, splits, parts, token);
    enter("creating_model");
    const model = TrainingPipeline.createModel(strategy, featureNames(strategy).length);
    enter("training", { samples: parts.train.labels.length });
    const hooks = { progress, token };
    const trained = TrainingPipeline.trainModel(model, toTrainingParts(parts), strategy, engine, now, hooks);
    enter("evaluating");
    const evaluation = TrainingPipeline.evaluateModel(
      { model: trained.model, engine, importanceSeed: strategy.training.seed, called: "test bars" },
      prepared.map(({ split, rows }) => ({ symbol: split.symbol, rows: rows.test })),
      token,
    );
    enter("saving");
    const ranges = featureRanges(parts.train.features, token);
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
      verdict: evaluation.verdict,
      resource_usage: { engine: engine.name, device_type: "cpu" },
      notices,
    };
    const published = modelStorage.publish(
      {
        strategyName: strategy.name,
        timeframe: timeframes[0],
        weights: trained.weights,
        strategy: strategy.document,
        features: { feature_names: parts.train.features.names, base_timeframe: baseTimeframe, ranges },
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
          resource_usage: result.resource_usage,
          time_receipt: receipt(clock, trained),
          notices,
        },
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
type EnterPhase = (phase: Phase, more?: { symbol?: string; symbolIndex?: number; samples?: number }) => void;

function receipt(clock: PhaseClock, { timing }: TrainedModel): TimeReceipt {
  const orchestration_share = timing.loop === 0 ? 0 : 1 - timing.arithmetic / timing.loop;
  return { ...clock.seconds(), orchestration_share, total: clock.total() };
}

/** One symbol's way from bars to the rows of its three parts; what is not needed any more is let go at the end. */
function prepareSymbol(
  strategy: Strategy,
  one: SymbolSeries,
  boundaries: Boundaries,
  enter: (phase: Phase) => void,
  token: CancellationToken,
): { rows: SymbolRows; warnings: string[] } {
  const { symbol, series, base, from } = one;
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
  const split = splitSymbol(
    { symbol, time: base.time, range, complete, warmUp: warmUpRows(table, token), labels, boundaries },
    token,
  );
  const closed = closeTimes(base);
  const rowsOf = (part: Part): LabelledRows => labelledRows(table, labels, closed, split[part], token);
  return {
    rows: { split, rows: { train: rowsOf("train"), validation: rowsOf("validation"), test: rowsOf("test") } },
    warnings: [...table.warnings, ...membershipWarnings(memberships)],
  };
}

/** The given rows with their labels and the times at which both were known. */
export function labelledRows(
  table: FeatureTable,
  labels: Labels,
  closed: Float64Array,
  rowIndices: Uint32Array,
  token: CancellationToken,
): LabelledRows {
  const n = rowIndices.length;
  const rows: LabelledRows = {
    matrix: toMatrix(table, rowIndices, token),
    labels: new Uint8Array(n),
    opened: new Float64Array(n),
    closed: new Float64Array(n),
    knownAt: new Float64Array(n),
  };
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      const t = rowIndices[i];
      rows.labels[i] = labels.classes[t];
      rows.opened[i] = table.time[t];
      rows.closed[i] = closed[t];
      rows.knownAt[i] = closed[labels.knownAt[t]];
    }
  });
  return rows;
}

type JoinedParts = Readonly<Record<Part, CombinedData>>;

/** Each part joined over the symbols that have rows in it, in the order of the request. */
function joinParts(prepared: readonly SymbolRows[], token: CancellationToken): JoinedParts {
  const join = (part: Part): CombinedData => {
    throwIfCancelled(token);
    const present = prepared.filter(({ split }) => split[part].length > 0);
    const features: Record<string, FeatureMatrix> = {};
    const labels: Record<string, Uint8Array> = {};
    for (const { split, rows } of present) {
      features[split.symbol] = rows[part].matrix;
      labels[split.symbol] = rows[part].labels;
    }
    if (present.length === 0) {
      const { names, columns } = prepared[0].rows[part].matrix;
      return {
        features: { names, rows: 0, columns, values: new Float32Array(0) },
        labels: new Uint8Array(0),
      };
    }
    return combineMultiSymbolData(
      features,
      labels,
      present.map(({ split }) => split.symbol),
    );
  };
  return { train: join("train"), validation: join("validation"), test: join("test") };
}

function toSamples({ features, labels }: CombinedData): Samples {
  return { rows: features.rows, columns: features.columns, features: features.values, labels };
}

function toTrainingParts(parts: JoinedParts): TrainingParts {
  const validation = parts.validation.features.rows === 0 ? null : toSamples(parts.validation);
  return { train: toSamples(parts.train), validation };
}

function summarizeData(
  request: TrainRequest,
  { timeframes }: Strategy,
  all: readonly SymbolSeries[],
  splits: readonly SymbolSplit[],
  parts: JoinedParts,
  token: CancellationToken,
): DataSummary {
  const perSymbol: Record<string, SymbolSummary> = {};
  for (const { symbol, bars, train, validation, test, dropped } of splits) {
    perSymbol[symbol] = {
      bars,
      train: train.length,
      validation: validation.length,
      test: test.length,
      dropped: { ...dropped },
    };
  }
  const joined = partNames.map((part) => parts[part]);
  const labels = joined.map((part) => part.labels);
  const first = all.map(({ base, from }) => barText(base, from)).sort()[0];
  const last = all
    .map(({ base, to }) => barText(base, to - 1))
    .sort()
    .at(-1) as string;
  return {
    symbols: request.symbols,
    timeframes,
    start_date: request.startDate ?? first,
    end_date: request.endDate ?? last,
    total_samples: labels.reduce((sum, column) => sum + column.length, 0),
    feature_count: parts.train.features.columns,
    per_symbol: perSymbol,
    label_distribution: labelDistribution(labels),
    data_hash: dataHash(joined, token),
  };
}
