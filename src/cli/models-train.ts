import {
  CancelledError,
  codeOf,
  createCancellation,
  UsageError,
  type Cancellation,
  type SharedToken,
} from "../core/index.js";
import type { ModelStorage } from "../models/index.js";
import type { OperationStore } from "../operations/index.js";
import type {
  LocalTrainingResult,
  ProgressBridge,
  SeedsResult,
  TrainingOperationContext,
  TrainingPlan,
} from "../orchestration/index.js";
import type { ApiClient } from "../service/manager/api-client.js";
import type { ManagedResult, RunChoice } from "../service/manager/index.js";
import { apiOf, asksBackend, strategyBody } from "./api.js";
import { timeframeOf } from "./bars-input.js";
import { groupOf, type RegisterCommands, wholeNumber, withCommonOptions } from "./command.js";
import { type Folders, foldersOf, note, printText, printJson, splitList, wantsJson, warn } from "./io.js";
import { planText } from "./plan-text.js";
import { withStrategyOptions, type StrategyOptions } from "./strategy-options.js";
import { createTrainDisplay, type TrainDisplay } from "./train-display.js";
import { trainingText } from "./train-summary.js";

/** Flags of `ktrdr models train`. */
export interface TrainOptions extends StrategyOptions {
  dataMode?: string;
  seeds?: number;
  threads?: number;
  mode?: string;
  requireGpu?: boolean;
  control?: string;
  dryRun?: boolean;
}

/** `ktrdr models train`. */
export const registerTrainCommand: RegisterCommands = (program) => {
  const models = groupOf(program, "models", "Train, list, inspect, test and use models.");
  const command = asksBackend(withCommonOptions(models.command("train"))).description(
    "Train a model from a strategy file and bars, evaluate and save it.",
  );
  const train = withStrategyOptions(command)
    .option("--data-mode <mode>", "local, or fetch first: tail, backfill, full (default: local)")
    .option(
      "--seeds <n>",
      "train from this many seeds, counting up from --seed, on all cores or together on a GPU; report mean and deviation",
      wholeNumber("--seeds", 1, 10_000),
    )
    .option(
      "--threads <n>",
      "threads at most, used where that pays; results do not depend on it (default: all cores)",
      wholeNumber("--threads", 1, 64),
    )
    .option("--mode <mode>", "local, host, or auto for the host if that is of use (default: local)")
    .option("--control <kind>", "shuffled: train controls on shuffled labels beside it, and compare")
    .option("--require-gpu", "fail where no GPU can be used")
    .option("--dry-run", "print what would be done, and stop");
  train.action(async (options: TrainOptions) => {
    const json = wantsJson(options);
    const api = await apiOf(options);
    if (options.dryRun) await printPlan(api, options, json);
    else if (api !== null) await trainByBackend(api, options, json);
    else await trainModel(options, json);
  });
};

/**
 * The flags as the plain data that orchestrators take; what was not given is left out. Wrong ones are found here, before
 * an operation is recorded.
 *
 * @throws UsageError
 */
export async function contextOf(
  options: TrainOptions,
): Promise<Omit<TrainingOperationContext, "operationId">> {
  const { findStrategy } = await import("../strategy/find.js");
  const folders = foldersOf(options);
  const { control } = options;
  return {
    strategyPath: findStrategy(options.strategy, folders.strategies),
    dataFolder: folders.data,
    ...(await overridesOf(options)),
    ...(control === undefined ? {} : { control: controlOf(control) }),
  };
}

/** What the flags say in place of the strategy file. @throws UsageError */
async function overridesOf(
  options: TrainOptions,
): Promise<Omit<TrainingOperationContext, "operationId" | "strategyPath" | "dataFolder">> {
  const { parseDateRange } = await import("../data/index.js");
  const { seed, epochs, engine, threads, startDate, endDate, maxMemory, dataMode } = options;
  parseDateRange(startDate, endDate);
  if (engine !== undefined) await checkEngine(engine);
  return {
    ...(options.symbols === undefined ? {} : { symbols: await symbolsOf(options.symbols) }),
    ...(options.timeframes === undefined ? {} : { timeframes: await timeframesOf(options.timeframes) }),
    ...(startDate === undefined ? {} : { startDate }),
    ...(endDate === undefined ? {} : { endDate }),
    ...(dataMode === undefined ? {} : { dataMode: await dataModeOf(dataMode) }),
    ...(seed === undefined ? {} : { seed }),
    ...(epochs === undefined ? {} : { epochs }),
    ...(engine === undefined ? {} : { engine }),
    ...(threads === undefined ? {} : { threads }),
    ...(maxMemory === undefined ? {} : { maxMemoryBytes: maxMemory }),
  };
}

function listOf(flag: string, values: readonly string[]): string[] {
  const list = splitList(values);
  if (list.length === 0) throw new UsageError(`${flag}: nothing was named.`);
  const repeated = list.find((value, index) => list.indexOf(value) !== index);
  if (repeated !== undefined) throw new UsageError(`${flag}: "${repeated}" is listed twice. List it once.`);
  return list;
}

async function symbolsOf(values: readonly string[]): Promise<string[]> {
  const { checkSymbol } = await import("../data/index.js");
  const list = listOf("--symbols", values);
  list.forEach(checkSymbol);
  return list;
}

async function timeframesOf(values: readonly string[]): Promise<string[]> {
  return Promise.all(listOf("--timeframes", values).map((text) => timeframeOf("--timeframes", text)));
}

async function checkEngine(name: string): Promise<void> {
  const { checkEngineName } = await import("../engines/index.js");
  checkEngineName(name);
}

function controlOf(text: string): "shuffled" {
  if (text === "shuffled") return text;
  throw new UsageError(`--control: "${text}" is not known. Allowed: shuffled.`);
}

async function dataModeOf(text: string): Promise<"local" | "tail" | "backfill" | "full"> {
  const { dataModes } = await import("../data/index.js");
  const mode = dataModes.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new UsageError(`--data-mode: "${text}" is not known. Allowed: ${dataModes.join(", ")}.`);
}

/** What a recorded training works with. */
interface Recorded {
  readonly context: TrainingOperationContext;
  readonly bridge: ProgressBridge;
  readonly token: SharedToken;
  readonly storage: ModelStorage;
}

async function trainModel(options: TrainOptions, json: boolean): Promise<void> {
  const [{ prepareTrainingThread }, { hostSettings, parseRunMode, TrainingManager }] = await Promise.all([
    import("../orchestration/index.js"),
    import("../service/manager/index.js"),
  ]);
  const settings = hostSettings();
  const mode = options.mode === undefined ? settings.defaultMode : parseRunMode("--mode", options.mode);
  if (options.seeds !== undefined) {
    if (mode === "host" || options.requireGpu) {
      throw new UsageError(
        "--seeds trains on this machine, on a GPU where --engine says so: leave out --mode host and --require-gpu.",
      );
    }
    return trainManySeeds(options, options.seeds, json);
  }
  if (options.control !== undefined && mode !== "local") {
    throw new UsageError("--control trains on this machine: leave out --mode, or use --mode local.");
  }
  // It loads its modules while flags are checked and the operation is recorded here.
  if (mode === "local") prepareTrainingThread();
  const result = await recordTraining(options, summaryOf, ({ context, bridge, token, storage }) => {
    const manager = new TrainingManager(settings, storage);
    const placement = { mode, requireGpu: options.requireGpu ?? false };
    return manager.run(context, placement, token, { bridge, onChoice: noteChoice, onNote: note });
  });
  printResult(result, json);
}

function printResult(result: ManagedResult, json: boolean): void {
  for (const text of result.notices) warn(text);
  if (json) printJson(result);
  else printText(trainingText(result));
}

async function trainManySeeds(options: TrainOptions, count: number, json: boolean): Promise<void> {
  const [{ prepareTrainingThread, strategyOf, trainSeeds }, { seedsText }, { availableParallelism }] =
    await Promise.all([import("../orchestration/index.js"), import("./seeds-summary.js"), import("node:os")]);
  prepareTrainingThread();
  const summary = (result: SeedsResult): object => ({
    models: result.runs.map((run) => run.model_name),
    summary: result.summary,
  });
  const result = await recordTraining(options, summary, ({ context, bridge, token, storage }) => {
    const first = strategyOf(context).training.seed;
    const seeds = Array.from({ length: count }, (_, k) => (first + k) % 2 ** 32);
    const onRun = (run: LocalTrainingResult, done: number, runs: number): void => {
      const { best_val_loss: loss } = run.training_metrics;
      const seed = run.session_info.operation_id.slice(context.operationId.length + 1);
      note(
        `Run ${done}/${runs}: seed ${seed}, ${run.model_name}${loss === null ? "" : `, val_loss ${loss.toFixed(4)}`}`,
      );
    };
    const threads = options.threads ?? availableParallelism();
    return trainSeeds(context, seeds, threads, { bridge, onRun }, token, storage);
  });
  for (const text of new Set(result.runs.flatMap(({ notices }) => notices))) warn(text);
  if (json) printJson(result);
  else printText(seedsText(result));
}

/** What surrounds a training on the command line, wherever it runs. */
interface Shell {
  readonly display: TrainDisplay;
  readonly cancellation: Cancellation;
  /** What the first Ctrl-C does. */
  stop: () => void;
}

/** Does a training's work with progress on stderr, until its end or until it is stopped by Ctrl-C. */
async function withShell<Result>(
  options: TrainOptions,
  work: (shell: Shell) => Promise<Result>,
): Promise<Result> {
  const cancellation = createCancellation();
  const display = createTrainDisplay();
  const shell: Shell = { display, cancellation, stop: () => cancellation.cancel() };
  let asked = 0;
  const onSignal = (): void => {
    if (++asked > 1) process.exit(130);
    display.stop();
    note("Stopping. Press Ctrl-C again to stop at once.");
    shell.stop();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await work(shell);
  } catch (error) {
    if (codeOf(error) !== "CANCELLED") throw error;
    const saved =
      options.seeds === undefined ? "no model was saved" : "models of seeds that were done are kept";
    throw new CancelledError(`Cancelled: ${saved}; bars and earlier models are as they were.`);
  } finally {
    display.stop();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Does a training's work as a recorded operation. */
async function recordTraining<Result>(
  options: TrainOptions,
  summarize: (result: Result) => object,
  work: (recorded: Recorded) => Promise<Result>,
): Promise<Result> {
  const folders = foldersOf(options);
  const [operations, { ModelStorage }] = await Promise.all([
    import("../operations/index.js"),
    import("../models/index.js"),
  ]);
  const request = await contextOf(options);
  const store = new operations.OperationStore(folders.operations);
  const metadata = metadataOf(options);
  try {
    return await withShell(options, (shell) => {
      const { display, cancellation } = shell;
      const record = { store, type: "training", metadata, cancel: () => cancellation.cancel(), summarize };
      return operations.runOperation(record, async (run): Promise<Result> => {
        note(`Operation ${run.id}`);
        shell.stop = () => run.cancel();
        const bridge: ProgressBridge = {
          onPhase: (progress) => (display.onPhase(progress), run.publish(progress)),
          onBatch: (progress) => (display.onBatch(progress), run.publish(progress)),
          onEpoch: (progress) => (display.onEpoch(progress), run.publish(progress)),
        };
        const trials = await trialsOf(store, folders, request);
        const context = { ...request, operationId: run.id, trials };
        const storage = new ModelStorage(folders.models);
        return work({ context, bridge, token: cancellation.token, storage });
      });
    });
  } finally {
    store.close();
  }
}

/** What the backend takes; the strategy is the text of a file of this machine, or a name that the backend knows. */
async function bodyOf(options: TrainOptions): Promise<object> {
  const [{ parseRunMode }, { loadStrategy }] = await Promise.all([
    import("../service/manager/index.js"),
    import("../strategy/index.js"),
  ]);
  const local = options.seeds === undefined ? options.control && "--control" : "--seeds";
  if (local) {
    throw new UsageError(`${local} trains in this process: unset KTRDR_API_URL, or leave it out.`);
  }
  const strategy = strategyBody(options.strategy);
  // What is wrong with a file is told before anything is sent.
  if ("strategy_yaml" in strategy) loadStrategy(options.strategy);
  const { symbols, timeframes, startDate, endDate, seed, epochs, engine, threads, dataMode, maxMemoryBytes } =
    await overridesOf(options);
  return {
    ...strategy,
    symbols,
    timeframes,
    start_date: startDate,
    end_date: endDate,
    seed,
    epochs,
    engine,
    threads,
    data_mode: dataMode,
    max_memory_bytes: maxMemoryBytes === undefined ? undefined : Math.floor(maxMemoryBytes),
    mode: options.mode === undefined ? undefined : parseRunMode("--mode", options.mode),
    require_gpu: options.requireGpu,
  };
}

/** By the backend that `KTRDR_API_URL` names, which keeps the record. */
async function trainByBackend(api: ApiClient, options: TrainOptions, json: boolean): Promise<void> {
  const body = await bodyOf(options);
  const result = await withShell(options, ({ display, cancellation }) =>
    api.train(body, display, cancellation.token, (id) => note(`Operation ${id}`)),
  );
  printResult(result, json);
}

/** Runs on the same data that registry and models folder hold, with the present one, which is recorded already. */
async function trialsOf(
  store: OperationStore,
  folders: Folders,
  request: Omit<TrainingOperationContext, "operationId">,
): Promise<number> {
  const { ModelStorage } = await import("../models/index.js");
  // A first run need not load what its thread is loading anyway.
  if (store.list().length <= 1 && new ModelStorage(folders.models).trainings().length === 0) return 1;
  const [{ strategyOf }, { parseDateRange }, { trialsOn }] = await Promise.all([
    import("../orchestration/index.js"),
    import("../data/index.js"),
    import("../operations/index.js"),
  ]);
  const { symbols, startDate, endDate } = strategyOf(request);
  return trialsOn(store, folders, { symbols, ...parseDateRange(startDate, endDate) }, null);
}

/** Where it runs, in one line; nothing for what goes without saying. */
function noteChoice({ mode, where, reason, host_url }: RunChoice, warning: boolean): void {
  if (mode === "local") return;
  if (warning) warn(`Training on this machine: ${reason}.`);
  else
    note(
      where === "host"
        ? `Training on the host at ${host_url}: ${reason}.`
        : `Training on this machine: ${reason}.`,
    );
}

/** What lists of operations show of a request. */
function metadataOf({
  strategy,
  symbols,
  timeframes,
  startDate,
  endDate,
  seed,
  seeds,
  epochs,
  dataMode,
}: TrainOptions): object {
  return {
    strategy,
    symbols: symbols === undefined ? null : splitList(symbols),
    timeframes: timeframes === undefined ? null : splitList(timeframes),
    start_date: startDate ?? null,
    end_date: endDate ?? null,
    mode: dataMode ?? "local",
    parameters: { seed: seed ?? null, epochs: epochs ?? null, ...(seeds === undefined ? {} : { seeds }) },
  };
}

function summaryOf(result: ManagedResult): Record<string, unknown> {
  return {
    model_name: result.model_name,
    model_path: result.model_path,
    statement: result.verdict.statement,
  };
}

async function planned(api: ApiClient | null, options: TrainOptions): Promise<TrainingPlan> {
  if (api !== null) return api.data("/trainings/plan", { method: "POST", body: await bodyOf(options) });
  const { planTraining } = await import("../orchestration/index.js");
  const { seeds: networks = 1 } = options;
  return planTraining({ ...(await contextOf(options)), networks }, foldersOf(options).models);
}

async function printPlan(api: ApiClient | null, options: TrainOptions, json: boolean): Promise<void> {
  const plan = await planned(api, options);
  if (json) return printJson(plan);
  for (const text of plan.notices) warn(text);
  const bars = Object.entries(plan.bars).map(([series, text]) => `  ${series}: ${text}`);
  printText(
    [
      planText(plan),
      "",
      "Bars",
      ...bars,
      "",
      `Model: ${plan.parameters_count} parameters, engine ${plan.engine}, to ${plan.models_folder}`,
    ].join("\n"),
  );
}
