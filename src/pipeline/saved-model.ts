import {
  inBlocks,
  KnownError,
  neverCancelled,
  throwIfCancelled,
  timestampText,
  type CancellationToken,
} from "../core/index.js";
import {
  dateText,
  isIntraday,
  parseTimeframe,
  type Bars,
  type DataManager,
  type Timeframe,
} from "../data/index.js";
import { findEngine } from "../engines/index.js";
import {
  completeRows,
  prepareFeatures,
  toMatrix,
  type FeatureMatrix,
  type FeatureTable,
} from "../features/index.js";
import { classNames, noLabel, type ClassName } from "../labels/index.js";
import { ModelDamagedError, type StoredModel } from "../models/index.js";
import {
  checkGolden,
  PortableFileError,
  portableLayout,
  readOnnxMetadata,
  roundingTolerance,
} from "../portable/index.js";
import { featureNames, strategyFromDocument, withOverrides, type Strategy } from "../strategy/index.js";
import { MLPTradingModel, predictedClass, type ClassificationMetrics } from "../training/index.js";
import { evaluateOn } from "./evaluate.js";
import type { Verdict } from "./result.js";
import { seriesNotices, seriesRecords, type SeriesRecord } from "./series-records.js";
import { labelledRows } from "./rows.js";
import { loadSeries, seriesOf, type SymbolSeries } from "./series.js";

/** Which bars a saved model is used on. Dates are inclusive; null for all stored bars. */
export interface ModelUse {
  readonly model: StoredModel;
  readonly symbol: string;
  /** The model's base timeframe; others that it needs are loaded with it. */
  readonly timeframe: string;
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly dataManager: DataManager;
  /** Bars of the base timeframe in place of the stored ones; for models with one timeframe. */
  readonly bars?: Bars;
  /** Runs on the same data, for the verdict; default 1. */
  readonly trials?: number;
}

/** A model reads several timeframes, and bars of only one were given. */
export class OneTimeframeGivenError extends KnownError {
  readonly code = "ONE_TIMEFRAME_GIVEN";
  readonly timeframes: readonly Timeframe[];

  constructor(model: string, timeframes: readonly Timeframe[]) {
    super(
      `Model "${model}" reads ${timeframes.join(" and ")} bars, and a file holds one timeframe. Import the bars (\`ktrdr data import\`, \`data resample\`) and name the symbol.`,
    );
    this.timeframes = timeframes;
  }
}

/** A model is asked to read bars of a timeframe that it was not trained on. */
export class WrongTimeframeError extends KnownError {
  readonly code = "WRONG_TIMEFRAME";
  readonly asked: Timeframe;
  readonly expected: Timeframe;

  constructor(model: string, asked: Timeframe, expected: Timeframe) {
    super(
      `Model "${model}" reads ${expected} bars, and ${asked} was asked for. Use --timeframe ${expected}.`,
    );
    this.asked = asked;
    this.expected = expected;
  }
}

/** No bar of the range can be used: each lacks a feature or, for a test, a label. */
export class NoUsableBarsError extends KnownError {
  readonly code = "NO_USABLE_BARS";
  readonly symbol: string;
  readonly bars: number;

  constructor(symbol: string, bars: number, why: string) {
    super(
      `None of the ${bars} bars of "${symbol}" in this range can be used: ${why}. Take a longer range, or import earlier bars.`,
    );
    this.symbol = symbol;
    this.bars = bars;
  }
}

/**
 * A saved model's strategy and network, checked against each other, against its list of features, and by its golden rows.
 *
 * @throws ModelDamagedError, GoldenRowsError
 */
export function openModel(stored: StoredModel): { strategy: Strategy; model: MLPTradingModel } {
  const symbols = stored.metadata["symbols"] as readonly string[] | undefined;
  const file = strategyFromDocument(stored.strategy, stored.strategyName);
  const strategy =
    file.symbols.length === 0 && symbols !== undefined ? withOverrides(file, { symbols }) : file;
  const expected = featureNames(strategy);
  const { feature_names: found } = stored.features;
  const j = expected.findIndex((name, k) => name !== found[k]);
  if (j >= 0 || expected.length !== found.length) {
    const at = j >= 0 ? j : expected.length;
    throw new ModelDamagedError(
      stored.name,
      stored.path,
      `input ${at + 1} is "${found[at] ?? "missing"}" in features.json, but its strategy gives "${expected[at] ?? "none"}"`,
    );
  }
  const model = new MLPTradingModel(found.length, strategy.architecture, stored.weights);
  checkGoldenRows(stored, strategy, model);
  return { strategy, model };
}

/** A saved model does not give the probabilities that it gave when it was saved. */
export class GoldenRowsError extends KnownError {
  readonly code = "GOLDEN_ROWS";
  readonly model: string;
  readonly difference: number;

  constructor(model: string, row: number, difference: number, madeBy: string) {
    super(
      `Model "${model}" gives other probabilities than when it was saved: its golden row ${row + 1} differs by ${difference}. It was ` +
        `made by ktrdr ${madeBy}, whose arithmetic may have been another. Train it again, or use it with that version.`,
    );
    this.model = model;
    this.difference = difference;
  }
}

/** Runs the golden rows of the ONNX file through our own fuzzy layer and network. @throws GoldenRowsError, ModelDamagedError */
function checkGoldenRows(stored: StoredModel, strategy: Strategy, model: MLPTradingModel): void {
  try {
    const { goldenRows } = readOnnxMetadata(stored.onnx);
    const layout = portableLayout(strategy);
    const { difference, row } = checkGolden(layout, model, findEngine("auto"), goldenRows);
    if (difference <= roundingTolerance(stored.weights)) return;
    const versions = stored.metadata["versions"] as { ktrdr?: string } | undefined;
    throw new GoldenRowsError(stored.name, row, difference, versions?.ktrdr ?? "of another version");
  } catch (error) {
    if (!(error instanceof PortableFileError)) throw error;
    throw new ModelDamagedError(stored.name, stored.path, `model.onnx ${error.message}`);
  }
}

/** Bars and features of the range, through the same path as in training. */
async function prepareUse(
  use: ModelUse,
  token: CancellationToken,
): Promise<{
  strategy: Strategy;
  model: MLPTradingModel;
  series: SymbolSeries;
  table: FeatureTable;
  notices: string[];
}> {
  const { strategy, model } = openModel(use.model);
  const { timeframes, baseTimeframe } = strategy;
  const asked = parseTimeframe(use.timeframe);
  if (asked !== baseTimeframe) throw new WrongTimeframeError(use.model.name, asked, baseTimeframe);
  const { symbol, startDate, endDate, dataManager } = use;
  const request = { symbol, timeframes, baseTimeframe, startDate, endDate, dataMode: "local" as const };
  if (use.bars !== undefined && timeframes.length > 1) {
    throw new OneTimeframeGivenError(use.model.name, timeframes);
  }
  const series =
    use.bars === undefined
      ? await loadSeries(dataManager, request, token)
      : seriesOf(use.bars, startDate, endDate);
  const { table } = prepareFeatures(strategy, series.series, token);
  const notices = [...seriesNotices([series]), ...otherBeginning(use.model, series)];
  return { strategy, model, series, table, notices };
}

/** Cumulative indicators (OBV, AD line, VWAP over all bars) depend on the first stored bar, so another one is worth a notice. */
function otherBeginning({ metadata, name }: StoredModel, series: SymbolSeries): string[] {
  const known = metadata["series"] as Record<string, Record<string, SeriesRecord>> | undefined;
  const now = seriesRecords([series])[series.symbol];
  return Object.entries(known?.[series.symbol] ?? {}).flatMap(([timeframe, { first_bar }]) => {
    const found = now[timeframe]?.first_bar;
    if (found === undefined || found === first_bar) return [];
    return [
      `${series.symbol} ${timeframe}: the stored bars begin at ${found}; when ${name} was trained they began at ${first_bar}. ` +
        `Indicators that add up from the first bar differ.`,
    ];
  });
}

/** What `models test` prints; field names as in its JSON. */
export type ModelTest = {
  readonly model: string;
  readonly symbol: string;
  readonly timeframe: string;
  readonly start_date: string;
  readonly end_date: string;
  readonly samples: number;
  /** Samples whose bars lie between the first training bar and the last validation bar: the model was fitted to that time. */
  readonly bars_in_training_range: number;
  /** Input values below the lowest or above the highest that the feature had in training. */
  readonly inputs_outside_training_range: number;
  readonly verdict: Verdict;
  readonly notices: readonly string[];
} & ClassificationMetrics;

/** A bar's opening as tables have it; of daily and coarser bars the date. */
function openingText(bars: Bars, t: number): string {
  return isIntraday(bars.timeframe) ? timestampText(bars.time[t]) : dateText(bars.time[t], bars.timeframe);
}

/**
 * Evaluates a saved model on any symbol and range, without training.
 *
 * @throws WrongTimeframeError, NoBarsError, NoUsableBarsError, ModelDamagedError, CancelledError
 */
export async function testModel(
  use: ModelUse,
  token: CancellationToken = neverCancelled,
): Promise<ModelTest> {
  const { strategy, model, series, table, notices } = await prepareUse(use, token);
  const { base, from, to, symbol } = series;
  const labels = strategy.label.type.compute(base, strategy.label.params, token);
  const complete = completeRows(table, token);
  const usable = rowsWhere(from, to, (t) => complete[t] === 1 && labels.classes[t] !== noLabel, token);
  if (usable.length === 0) {
    throw new NoUsableBarsError(symbol, to - from, "they are warm-up, or their labels are not known yet");
  }
  const rows = labelledRows(table, labels, usable, token);
  const seen = countSeen(use.model, rows.opened);
  const { metrics, verdict } = evaluateOn(
    { model, engine: findEngine("auto"), importanceSeed: null, called: "bars", seen, trials: use.trials },
    rows,
    [],
    token,
  );
  return {
    model: use.model.name,
    symbol,
    timeframe: base.timeframe,
    start_date: use.startDate ?? openingText(base, from),
    end_date: use.endDate ?? openingText(base, to - 1),
    ...metrics,
    bars_in_training_range: seen,
    inputs_outside_training_range: countOutside(use.model, rows.matrix, token),
    verdict,
    notices,
  };
}

/** The rows t in [from, to) that are wanted. */
function rowsWhere(
  from: number,
  to: number,
  wanted: (t: number) => boolean,
  token: CancellationToken,
): Uint32Array {
  const found = new Uint32Array(to - from);
  let count = 0;
  inBlocks(to - from, token, (blockFrom, blockTo) => {
    for (let t = from + blockFrom; t < from + blockTo; t++) if (wanted(t)) found[count++] = t;
  });
  return found.subarray(0, count);
}

/** How many of these openings of bars lie between the first training bar and the last validation bar of a model. */
export function countSeen({ metadata }: StoredModel, opened: Float64Array): number {
  const bounds = metadata["split_boundaries"] as
    { train_start: string | null; test_start: string | null } | undefined;
  if (!bounds?.train_start) return 0;
  const from = Date.parse(bounds.train_start);
  const to = bounds.test_start === null ? Infinity : Date.parse(bounds.test_start);
  return opened.filter((time) => time >= from && time < to).length;
}

function countOutside(
  { features }: StoredModel,
  { rows, columns, values }: FeatureMatrix,
  token: CancellationToken,
): number {
  const ranges = features["ranges"] as Record<string, [number, number] | null> | undefined;
  if (ranges === undefined) return 0;
  const bounds = features.feature_names.map((name) => ranges[name] ?? [-Infinity, Infinity]);
  let outside = 0;
  for (let j = 0; j < columns; j++) {
    const [low, high] = bounds[j];
    inBlocks(rows, token, (from, to) => {
      for (let i = from; i < to; i++) {
        const value = values[i * columns + j];
        if (value < low || value > high) outside++;
      }
    });
  }
  return outside;
}

/** What a model says of one bar; field names as in `models predict --json`. */
export interface Prediction {
  /** The bar's opening; the prediction is known at its close. */
  readonly timestamp: string;
  readonly signal: ClassName;
  readonly probabilities: Readonly<Record<ClassName, number>>;
  /** The network's inputs at that bar, 0..1. */
  readonly memberships: Readonly<Record<string, number>>;
}

/** Predictions written out between two looks at the token: one of 100 features takes some 20 µs. */
const predictionsPerCheck = 128;

function predictionOf({ time, names, columns }: FeatureTable, t: number, p: Float32Array): Prediction {
  return {
    timestamp: new Date(time[t]).toISOString().replace(".000Z", "Z"),
    signal: classNames[predictedClass(p, 0)],
    probabilities: { BUY: p[0], HOLD: p[1], SELL: p[2] },
    memberships: Object.fromEntries(names.map((name, j) => [name, columns[j][t]])),
  };
}

/** What a saved model's network says of the bars of a range. */
export interface RangeProbabilities {
  readonly strategy: Strategy;
  readonly series: SymbolSeries;
  readonly table: FeatureTable;
  /** Bars of the range that have all features, as indices into the base series, ascending, [rows]. */
  readonly rows: Uint32Array;
  /** BUY, HOLD, SELL of each of them, [rows × 3]. */
  readonly probabilities: Float32Array;
  readonly notices: readonly string[];
}

/**
 * Probabilities of a saved model for the bars of a range that have all features.
 *
 * @param lastOnly only for the last such bar
 * @throws WrongTimeframeError, NoBarsError, NoUsableBarsError, ModelDamagedError, CancelledError
 */
export async function predictRange(
  use: ModelUse,
  token: CancellationToken = neverCancelled,
  lastOnly = false,
): Promise<RangeProbabilities> {
  const { strategy, model, series, table, notices } = await prepareUse(use, token);
  const { from, to, symbol } = series;
  const complete = completeRows(table, token);
  const all = rowsWhere(from, to, (t) => complete[t] === 1, token);
  if (all.length === 0) throw new NoUsableBarsError(symbol, to - from, "they are warm-up");
  const rows = lastOnly ? all.subarray(-1) : all;
  const matrix = toMatrix(table, rows, token);
  const network = model.open(findEngine("auto"), token);
  try {
    const probabilities = network.predict(matrix.values, matrix.rows, token);
    return { strategy, series, table, rows, probabilities, notices };
  } finally {
    network.dispose();
  }
}

/**
 * Predictions of a saved model: for each bar of the range that has all features, or for the last such bar where no
 * dates are given.
 *
 * @throws WrongTimeframeError, NoBarsError, NoUsableBarsError, ModelDamagedError, CancelledError
 */
export async function predictBars(
  use: ModelUse,
  token: CancellationToken = neverCancelled,
): Promise<{ predictions: Prediction[]; notices: readonly string[] }> {
  const lastOnly = use.startDate === null && use.endDate === null;
  const { table, rows, probabilities, notices } = await predictRange(use, token, lastOnly);
  const predictions: Prediction[] = [];
  for (const [i, t] of rows.entries()) {
    if (i % predictionsPerCheck === 0) throwIfCancelled(token);
    predictions.push(predictionOf(table, t, probabilities.subarray(i * 3, i * 3 + 3)));
  }
  return { predictions, notices };
}
