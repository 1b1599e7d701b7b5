import { availableParallelism } from "node:os";
import { ignoreProgress, type CancellationToken, type ProgressListener } from "../core/index.js";
import { BarStore, DataManager, HttpCsvProvider } from "../data/index.js";
import { chooseEngine, parameterCount, type BatchWork } from "../engines/index.js";
import { ModelStorage } from "../models/index.js";
import { TrainingPipeline, type SharedWork, type TrainingResult } from "../pipeline/index.js";
import { featureNames, type Strategy } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";
import { usableMemory } from "./out-of-memory.js";

/** What an orchestrator hands to a run. */
export interface RunHooks {
  readonly progress?: ProgressListener;
  readonly token: CancellationToken;
  /** Called once the request has been read and checked, before anything is loaded or written; may throw to stop. */
  readonly begin?: () => void;
}

/**
 * The part of every orchestrator that runs beside the pipeline: opens the folders, and calls the pipeline with callback
 * and token as they came.
 *
 * @param strategies those of the context, read and checked; they differ in their seed
 * @param ids        of the runs, as many
 * @param onResult   told of each run, in order, and its place among them
 * @param sharing    what other threads do of them
 */
export async function runTraining(
  context: TrainingOperationContext,
  strategies: readonly Strategy[],
  ids: readonly string[],
  modelsFolder: string,
  { progress = ignoreProgress, token, begin = () => undefined }: RunHooks,
  onResult: (result: TrainingResult, run: number) => void,
  sharing?: SharedWork,
): Promise<void> {
  const [strategy] = strategies;
  const work = { ...batchWorkOf(strategy), networks: context.networks ?? 1 };
  const threads = context.threads ?? availableParallelism();
  const { engine, reason } = chooseEngine(context.engine ?? "auto", threads, work);
  begin();
  const store = new BarStore(context.dataFolder);
  const modelStorage = new ModelStorage(modelsFolder);
  modelStorage.checkWritable();
  const runs = strategies.map((strategyConfig, k) => ({ strategyConfig, operationId: ids[k] }));
  const request = {
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    startDate: strategy.startDate,
    endDate: strategy.endDate,
    modelStorage,
    dataManager: new DataManager(store, HttpCsvProvider.fromEnvironment()),
    engine,
    engineReason: reason,
    dataMode: context.dataMode ?? strategy.dataMode,
    progressCallback: progress,
    cancellationToken: token,
    maxMemoryBytes: context.maxMemoryBytes ?? usableMemory(),
    ...(context.trials === undefined ? {} : { trials: context.trials }),
    ...(context.control === undefined ? {} : { control: context.control }),
  };
  await TrainingPipeline.trainSeeds(request, runs, onResult, sharing);
}

/** The size of a strategy's batches. */
export function batchWorkOf(strategy: Strategy): BatchWork {
  const { architecture, training } = strategy;
  const inputs = featureNames(strategy).length;
  const parameters = parameterCount({ inputs, hidden: architecture.hidden, outputs: 3 });
  return { parameters, batchSize: training.batchSize };
}
