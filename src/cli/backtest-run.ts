import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { readSignals } from "../backtest/index.js";
import { codeOf, FileError, sha256, UsageError, writeFileAtomic } from "../core/index.js";
import { firstAtOrAfter, parseDateRange, sliceBars, type Bars } from "../data/index.js";
import { ModelStorage, type StoredModel } from "../models/index.js";
import { modelSource, OperationStore } from "../operations/index.js";
import {
  backtestOnThread,
  prepareThread,
  type BacktestJob,
  type BacktestOutcome,
} from "../orchestration/index.js";
import { NoBarsInRangeError } from "../pipeline/index.js";
import {
  checkTogether,
  costWarnings,
  decisionsFrom,
  settingsData,
  settingsOf,
  type BacktestOptions,
} from "./backtest-options.js";
import { equityRows, tradeColumns, tradeRow, type EquityRow } from "./backtest-rows.js";
import { backtestText } from "./backtest-text.js";
import { barsFrom, refuseFileFlags, storedBars, timeframeOf } from "./bars-input.js";
import { csvOf } from "./csv.js";
import { runRecorded } from "./recorded-run.js";
import { trialsOn } from "../operations/index.js";
import { foldersOf, note, printData, printText, wantsJson, warn, type Folders } from "./io.js";

/**
 * What `ktrdr backtest run` does: reads what it is about, runs it, writes the files and the result.
 *
 * @throws UsageError, and every `KnownError` of what it reads and runs
 */
export async function backtestCommand(options: BacktestOptions): Promise<void> {
  const json = wantsJson(options);
  checkTogether(options);
  const { title, model, notices, outcome } = await runBacktest(options);
  const { backtest, settings } = outcome;
  const warnings = [...notices, ...outcome.notices, ...backtest.warnings, ...costWarnings(settings)];
  for (const text of warnings) warn(text);
  if (options.tradesCsv !== undefined) writeTrades(options.tradesCsv, outcome);
  if (options.equityCsv !== undefined) writeEquity(options.equityCsv, outcome);
  if (options.report !== undefined) {
    const { reportPage } = await import("./backtest-report.js");
    writeFileAtomic(options.report, reportPage(title, outcome, warnings));
  }
  if (json) printResult(options, model, outcome, warnings);
  else printText(backtestText(title, outcome));
  for (const file of [options.tradesCsv, options.equityCsv, options.report]) {
    if (file !== undefined) note(`Wrote ${file}.`);
  }
}

/** A back-test that has run. */
interface FinishedBacktest {
  /** What was tested, in words. */
  readonly title: string;
  /** Full name of the model, `<strategy>/<timeframe>_v<N>`; null for a file of signals. */
  readonly model: string | null;
  /** What its inputs made worth saying. */
  readonly notices: readonly string[];
  readonly outcome: BacktestOutcome;
}

/** Runs the back-test as a recorded operation on a thread of its own; Ctrl-C and `operations cancel` stop it. */
async function runBacktest(options: BacktestOptions): Promise<FinishedBacktest> {
  const folders = foldersOf(options);
  parseDateRange(options.startDate, options.endDate);
  prepareThread("worker");
  const prepared =
    options.model === undefined
      ? await signalsJob(options as BacktestOptions & { signals: string })
      : await modelJob(options as BacktestOptions & { model: string }, folders);
  const { job, title, data } = prepared;
  const store = new OperationStore(folders.operations);
  try {
    const decisions = "decisions" in job ? job.decisions : {};
    const settings = JSON.stringify({ ...data, ...job.settings, ...decisions });
    const present = { source: prepared.source, settings };
    const range = parseDateRange(data.start_date, data.end_date);
    const trials = trialsOn(store, folders, { symbols: [data.symbol], ...range }, present);
    const record = {
      type: "backtest",
      metadata: { ...present, title, ...data },
      summarize: ({ backtest: { metrics, verdict } }: BacktestOutcome) => ({
        total_return_pct: metrics.total_return_pct,
        trades: metrics.trades,
        statement: verdict.statement,
      }),
    };
    const outcome = await runRecorded(store, record, (token) => backtestOnThread({ ...job, trials }, token));
    return { title, model: "model" in job ? job.model : null, notices: prepared.notices, outcome };
  } finally {
    store.close();
  }
}

/** A back-test that is ready to run. */
interface PreparedJob {
  readonly job: BacktestJob;
  /** What is tested, in words. */
  readonly title: string;
  /** What its inputs made worth saying. */
  readonly notices: readonly string[];
  /** What is tested, for counting: the model, or the file of signals with its hash. */
  readonly source: string;
  readonly data: {
    readonly symbol: string;
    readonly timeframe: string;
    readonly start_date: string | null;
    readonly end_date: string | null;
  };
}

async function signalsJob(options: BacktestOptions & { signals: string }): Promise<PreparedJob> {
  const { signals: file, startDate = null, endDate = null, timezone = null } = options;
  const text = readText(file);
  let all: Bars;
  if (options.input === undefined) {
    // A time zone may also say how the times of the signals are meant.
    const { timezone: _, ...others } = options;
    refuseFileFlags(others);
    if (options.timeframe === undefined) throw new UsageError("Give --timeframe T with --symbol S.");
    const timeframe = await timeframeOf("--timeframe", options.timeframe);
    all = await storedBars(options, options.symbol as string, timeframe, startDate, endDate);
  } else all = await barsFrom(options);
  const range = parseDateRange(startDate, endDate);
  const [from, to] = [firstAtOrAfter(all.time, range.from), firstAtOrAfter(all.time, range.to)];
  if (from >= to) throw new NoBarsInRangeError(all, startDate, endDate);
  // Copies: the columns cross to another thread, and views would take the whole series with them.
  const bars = structuredClone(sliceBars(all, from, to));
  const { signals, rows, outside } = readSignals(text, file, bars, timezone);
  const notices =
    rows === 0
      ? [`"${file}" has no rows below its header: every bar is HOLD.`]
      : outside > 0
        ? [`${outside} of ${rows} signals lie before the first or after the last bar and are left out.`]
        : [];
  return {
    job: {
      type: "signals",
      bars,
      signals,
      settings: {
        ...settingsOf(options),
        size: options.size ?? 1,
        minSeparation: 0,
        positionAwareness: true,
      },
      trials: 1,
      seed: options.seed,
    },
    notices,
    title: `Signals of ${basename(file)}`,
    source: `signals:${basename(file)}:${sha256(text)}`,
    data: { symbol: bars.symbol, timeframe: bars.timeframe, start_date: startDate, end_date: endDate },
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? new FileError(file, "there is no such file", error) : error;
  }
}

async function modelJob(
  options: BacktestOptions & { model: string },
  folders: Folders,
): Promise<PreparedJob> {
  const { startDate = null, endDate = null } = options;
  const bars = options.input === undefined ? null : await barsFrom(options);
  if (bars === null) refuseFileFlags(options);
  const model = new ModelStorage(folders.models).load(options.model);
  const timeframe =
    options.timeframe === undefined
      ? (bars?.timeframe ?? baseTimeframeOf(model))
      : await timeframeOf("--timeframe", options.timeframe);
  const symbol = bars?.symbol ?? (options.symbol as string);
  return {
    job: {
      type: "model",
      modelsFolder: folders.models,
      dataFolder: folders.data,
      model: model.name,
      symbol,
      timeframe,
      startDate,
      endDate,
      bars,
      settings: settingsOf(options),
      decisions: decisionsFrom(options),
      trials: 1,
      seed: options.seed,
    },
    notices: [],
    title: `Model ${model.name}`,
    source: `${modelSource}${model.name}`,
    data: { symbol, timeframe, start_date: startDate, end_date: endDate },
  };
}

function baseTimeframeOf({ metadata, timeframe }: StoredModel): string {
  const base = metadata["base_timeframe"];
  return typeof base === "string" ? base : timeframe;
}

function writeTrades(file: string, { backtest, bars }: BacktestOutcome): void {
  const { count } = backtest.simulation.trades;
  const rows = Array.from({ length: count }, (_, i) => tradeRow(backtest, bars, i));
  writeFileAtomic(file, `${csvOf(tradeColumns, rows)}\n`);
}

const equityColumns = [
  "timestamp",
  "equity",
  "cash",
  "position",
] as const satisfies readonly (keyof EquityRow)[];

function writeEquity(file: string, { backtest, bars, settings }: BacktestOutcome): void {
  const row = equityRows(backtest, bars, settings.capital);
  const chunks = [Buffer.from(`${equityColumns.join(",")}\n`)];
  for (const block of blocksOf(bars.time.length, row, ({ timestamp, equity, cash, position }) =>
    [timestamp, equity, cash, position].join(","),
  )) {
    chunks.push(Buffer.from(`${block.join("\n")}\n`));
  }
  writeFileAtomic(file, Buffer.concat(chunks));
}

/** Lines of many rows, some thousand at a time: all of them together may be longer than the longest string. */
function* blocksOf<Row>(
  count: number,
  row: (i: number) => Row,
  text: (row: Row) => string,
): Generator<string[]> {
  const most = 5000;
  for (let from = 0; from < count; from += most) {
    yield Array.from({ length: Math.min(most, count - from) }, (_, k) => text(row(from + k)));
  }
}

/** The result as one JSON document; rows of trades and equity a line each. */
function printResult(
  options: BacktestOptions,
  model: string | null,
  outcome: BacktestOutcome,
  warnings: readonly string[],
): void {
  const { backtest, bars, settings } = outcome;
  const { metrics, simulation, baselines, verdict, annualisation } = backtest;
  const n = bars.time.length;
  const day = (t: number): string => new Date(bars.time[t]).toISOString().replace(".000Z", "Z");
  const config = {
    model,
    signals: options.signals ?? null,
    input: options.input ?? null,
    symbol: bars.symbol,
    timeframe: bars.timeframe,
    start_date: options.startDate ?? null,
    end_date: options.endDate ?? null,
    first_bar: day(0),
    last_bar: day(n - 1),
    bars: n,
    ...settingsData(settings),
    confidence_threshold: outcome.confidenceThreshold,
    min_signal_separation_bars: outcome.confidenceThreshold === null ? null : settings.minSeparation,
    position_awareness: outcome.confidenceThreshold === null ? null : settings.positionAwareness,
    seed: options.seed,
    bars_per_year: annualisation.bars_per_year,
    annualisation: annualisation.how,
  };
  const { open, trades, ambiguousBars, unaffordable, unfilledAtEnd, tooSoon } = simulation;
  const counts = {
    ambiguous_bars: ambiguousBars,
    unaffordable_entries: unaffordable,
    unfilled_signals: unfilledAtEnd,
    signals_too_soon: tooSoon,
  };
  const openPosition = open && {
    side: open.side > 0 ? "long" : "short",
    entry_time: day(open.entry),
    entry_price: open.entryPrice,
    quantity: open.quantity,
    costs: open.costs,
    unrealised_pnl: open.side * open.quantity * (bars.close[n - 1] - open.entryPrice) - open.costs,
  };
  const value = (data: unknown): string => JSON.stringify(data, null, 2).replaceAll("\n", "\n  ");
  printData(`{\n  "config": ${value(config)},\n  "metrics": ${value({ ...metrics, ...counts })},`);
  printArray("trades", trades.count, (i) => tradeRow(backtest, bars, i));
  printData(`  "open_position": ${value(openPosition)},`);
  printArray("equity", n, equityRows(backtest, bars, settings.capital));
  printData(
    `  "baselines": ${value(baselines)},\n  "verdict": ${value(verdict)},\n  "warnings": ${value(warnings)}\n}`,
  );
}

function printArray(name: string, count: number, row: (i: number) => object): void {
  if (count === 0) return printData(`  "${name}": [],`);
  printData(`  "${name}": [`);
  let left = count;
  for (const block of blocksOf(count, row, (data) => `    ${JSON.stringify(data)}`)) {
    left -= block.length;
    printData(`${block.join(",\n")}${left === 0 ? "" : ","}`);
  }
  printData("  ],");
}
