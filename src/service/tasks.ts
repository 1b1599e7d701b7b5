import {
  tableRow,
  throwIfCancelled,
  UsageError,
  type CancellationToken,
  type TableColumn,
} from "../core/index.js";
import {
  BarStore,
  checkBars,
  checkRecord,
  DataManager,
  firstAtOrAfter,
  HttpCsvProvider,
  parseDateRange,
  parseTimeframe,
  seriesRecord,
  type DataMode,
  type LoadedBars,
} from "../data/index.js";
import { computeMemberships, coverageWarnings } from "../fuzzy/index.js";
import { computeIndicators, indicatorTable, makeIndicatorSpec } from "../indicators/index.js";
import { modelRecord, ModelStorage } from "../models/index.js";
import { OperationStore, trialsOn, type TrialData } from "../operations/index.js";
import { planTraining, strategyOf, type SessionConfig } from "../orchestration/index.js";
import { explainPredictions, predictBars, testModel, type ModelUse } from "../pipeline/index.js";
import {
  featureNames,
  findStrategyByName,
  loadStrategy,
  parseStrategy,
  planOf,
  strategyEntries,
  StrategyFileError,
  strategyToData,
  type Strategy,
  type StrategyData,
} from "../strategy/index.js";

/*
 * What requests ask of a service and what takes longer than a thread may be busy that has to answer others: reading and computing. Each task
 * is a function of plain data, so that it can run on another thread.
 */

/** A reply whose `data` may be long: `more` stands beside it. */
export class Reply {
  readonly data: unknown;
  readonly more: object;

  constructor(data: unknown, more: object = {}) {
    this.data = data;
    this.more = more;
  }
}

/** Rows of a table, each made when it is written. */
export class Rows {
  readonly count: number;
  readonly row: (k: number) => object;

  constructor(count: number, row: (k: number) => object) {
    this.count = count;
    this.row = row;
  }
}

/** Rows that are made into text between two looks at the token: some milliseconds. */
const rowsPerPiece = 1000;

/** The bytes of a reply as JSON. A million rows would be longer than a text can be, so they are written piece by piece. */
export function encodeReply({ data, more }: Reply, token: CancellationToken): Uint8Array<ArrayBuffer> {
  const pieces: Buffer[] = [];
  const write = (text: string): void => void pieces.push(Buffer.from(text));
  write(`${JSON.stringify({ success: true, ...more }).slice(0, -1)},"data":`);
  const rows = Array.isArray(data) ? new Rows(data.length, (k) => data[k] as object) : data;
  if (rows instanceof Rows) {
    write("[");
    for (let k = 0; k < rows.count; k += rowsPerPiece) {
      throwIfCancelled(token);
      const texts: string[] = [];
      for (let i = k; i < Math.min(rows.count, k + rowsPerPiece); i++)
        texts.push(JSON.stringify(rows.row(i)));
      write(`${k === 0 ? "" : ","}${texts.join(",")}`);
    }
    write("]");
  } else write(JSON.stringify(data));
  write("}");
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Stored bars that are asked for. */
export interface SeriesInput {
  readonly dataFolder: string;
  readonly symbol: string;
  readonly timeframe: string;
  readonly startDate: string | null;
  readonly endDate: string | null;
}

/** Which rows of a table: at most `limit` of the newest, after leaving out the `skip` newest. */
export interface RowsInput {
  readonly limit: number;
  readonly skip: number;
}

/** A strategy: a file of a folder by its name, or a text and what messages call it. */
export type StrategyInput =
  { readonly name: string; readonly folder: string } | { readonly text: string; readonly label: string };

/** A use of a model. */
export interface UseInput extends SeriesInput {
  readonly modelsFolder: string;
  readonly model: string;
}

/** Where runs on the same data are looked for. */
export interface TrialsInput {
  readonly operationsFile: string;
  readonly strategiesFolder: string;
  readonly modelsFolder: string;
}

function readStrategy(input: StrategyInput): Strategy {
  return "text" in input
    ? parseStrategy(input.text, input.label)
    : loadStrategy(findStrategyByName(input.name, input.folder));
}

async function barsOf(input: SeriesInput, token: CancellationToken): Promise<LoadedBars> {
  const { dataFolder, symbol, startDate, endDate } = input;
  const timeframe = parseTimeframe(input.timeframe);
  return new DataManager(new BarStore(dataFolder)).load({ symbol, timeframe, startDate, endDate }, token);
}

function tableOf(
  bars: LoadedBars,
  columns: readonly (readonly [string, TableColumn])[],
  { startDate, endDate, limit, skip }: SeriesInput & RowsInput,
  notices: readonly string[] = bars.notices,
): Reply {
  const { time, fromSample } = bars;
  const first = firstAtOrAfter(time, parseDateRange(startDate, endDate).from);
  const end = Math.max(first, time.length - skip);
  const from = Math.max(first, end - limit);
  const rows = new Rows(end - from, (k) => tableRow(time, columns, from + k));
  return new Reply(rows, { sample: fromSample, notices });
}

function useOf({ modelsFolder, model, dataFolder, timeframe, ...range }: UseInput): ModelUse {
  return {
    ...range,
    timeframe,
    model: new ModelStorage(modelsFolder).load(model),
    dataManager: new DataManager(new BarStore(dataFolder)),
  };
}

function countTrials(
  { operationsFile, strategiesFolder, modelsFolder }: TrialsInput,
  data: TrialData,
): number {
  const store = new OperationStore(operationsFile);
  try {
    return trialsOn(store, { strategies: strategiesFolder, models: modelsFolder }, data, null);
  } finally {
    store.close();
  }
}

/** All tasks by name: what each takes, and what it gives. */
export const tasks = {
  async listData({ dataFolder }: { dataFolder: string }, token: CancellationToken): Promise<Reply> {
    return new Reply((await new BarStore(dataFolder).list(token)).map(seriesRecord));
  },

  async showData(input: SeriesInput & RowsInput, token: CancellationToken): Promise<Reply> {
    const bars = await barsOf(input, token);
    const { open, high, low, close, volume } = bars;
    return tableOf(bars, Object.entries({ open, high, low, close, volume }), input);
  },

  async checkData(
    input: Omit<SeriesInput, "startDate" | "endDate">,
    token: CancellationToken,
  ): Promise<Reply> {
    const store = new BarStore(input.dataFolder);
    const file = await store.inspect(input.symbol, parseTimeframe(input.timeframe), token);
    return new Reply(checkRecord(file, checkBars(file.bars, token)));
  },

  async loadData(input: SeriesInput & { mode: DataMode }, token: CancellationToken): Promise<Reply> {
    const { symbol, mode, startDate, endDate } = input;
    const timeframe = parseTimeframe(input.timeframe);
    const manager = new DataManager(new BarStore(input.dataFolder), HttpCsvProvider.fromEnvironment());
    const request = { symbol, timeframe, mode, startDate, endDate };
    const { segments, added, series } = await manager.updateSeries(request, token);
    return new Reply({ ...seriesRecord(series), mode, requests: segments, bars_added: added });
  },

  async computeIndicator(
    input: SeriesInput & RowsInput & { name: string; params: Record<string, unknown> },
    token: CancellationToken,
  ): Promise<Reply> {
    const spec = makeIndicatorSpec(input.name, input.name, input.params);
    const bars = await barsOf(input, token);
    const { columns, notices } = indicatorTable(bars, spec, token);
    return tableOf(bars, Object.entries(columns), input, [...bars.notices, ...notices]);
  },

  async computeMemberships(
    input: Omit<SeriesInput, "timeframe"> & RowsInput & { timeframe: string | null; strategy: StrategyInput },
    token: CancellationToken,
  ): Promise<Reply> {
    const strategy = readStrategy(input.strategy);
    const [only, ...others] = strategy.timeframes;
    const timeframe = input.timeframe ?? (others.length === 0 ? only : null);
    if (timeframe === null) {
      throw new UsageError(
        `timeframe: the strategy has ${strategy.timeframes.join(", ")}; give one of them.`,
      );
    }
    const bars = await barsOf({ ...input, timeframe }, token);
    const indicators = computeIndicators(bars, strategy.indicators, token);
    const { columns, coverage } = computeMemberships(bars, indicators, strategy.fuzzy, token);
    const named = columns.map(({ name, column }) => [name, column] as const);
    const warnings = coverageWarnings(coverage, `${bars.symbol} ${bars.timeframe}`);
    return tableOf(bars, named, { ...input, timeframe }, [...bars.notices, ...warnings]);
  },

  listModels({ modelsFolder }: { modelsFolder: string }): Reply {
    const notices: string[] = [];
    const entries = new ModelStorage(modelsFolder).list((damaged) => notices.push(damaged.message));
    return new Reply(entries, { notices });
  },

  showModel({ modelsFolder, model }: { modelsFolder: string; model: string }): Reply {
    return new Reply(modelRecord(new ModelStorage(modelsFolder).load(model)));
  },

  async testModel(input: UseInput & TrialsInput, token: CancellationToken): Promise<Reply> {
    const data = { symbols: [input.symbol], ...parseDateRange(input.startDate, input.endDate) };
    const use = useOf(input);
    return new Reply(await testModel({ ...use, trials: countTrials(input, data) }, token));
  },

  async predict(input: UseInput & { explain: boolean }, token: CancellationToken): Promise<Reply> {
    const use = useOf(input);
    const { predictions, notices } = await predictBars(use, token);
    if (!input.explain) return new Reply({ predictions, notices });
    const explained = await explainPredictions(use.model, use.dataManager, predictions, token);
    const { explanations, statement } = explained;
    return new Reply({ predictions, explanations, statement, notices: [...notices, ...explained.notices] });
  },

  listStrategies({ folder }: { folder: string }): Reply {
    return new Reply(strategyEntries(folder));
  },

  showStrategy(input: StrategyInput): Reply {
    return new Reply(planOf(readStrategy(input)));
  },

  validateStrategy(input: StrategyInput): Reply {
    try {
      const strategy = readStrategy(input);
      const { name, path, notices } = strategy;
      const inputs = featureNames(strategy).length;
      return new Reply({ valid: true, errors: [], notices, path, strategy_name: name, inputs });
    } catch (error) {
      if (!(error instanceof StrategyFileError)) throw error;
      const { code, message, details, issues } = error;
      return new Reply({ valid: false, errors: issues, notices: [], error: { code, message, details } });
    }
  },

  async planTraining({
    config,
    modelsFolder,
  }: {
    config: SessionConfig;
    modelsFolder: string;
  }): Promise<Reply> {
    return new Reply(await planTraining(config, modelsFolder));
  },

  /** The strategy of a training, read, checked and with all that the request says in place of the file. */
  checkTraining(config: SessionConfig): StrategyData {
    return strategyToData(strategyOf(config));
  },

  /** Runs on the data of a training, which is recorded by then and so one of them. */
  countTrials(input: TrialsInput & { data: TrialData }): number {
    return countTrials(input, input.data);
  },
};

/** A task's name. */
export type TaskName = keyof typeof tasks;
/** What a task takes. */
export type TaskInput<Name extends TaskName> = Parameters<(typeof tasks)[Name]>[0];
/** What a task gives. */
export type TaskOutput<Name extends TaskName> = Awaited<ReturnType<(typeof tasks)[Name]>>;
/** The tasks that make a reply. */
export type ReplyName = { [Name in TaskName]: TaskOutput<Name> extends Reply ? Name : never }[TaskName];
