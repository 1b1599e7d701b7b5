import { availableParallelism } from "node:os";
import { ignoreProgress, type CancellationToken, type ProgressListener } from "../core/index.js";
import { BarStore, DataManager, HttpCsvProvider } from "../data/index.js";
import { chooseEngine, parameterCount, type BatchWork } from "../engines/index.js";
import { ModelStorage } from "../models/index.js";
import { TrainingPipeline, type TrainingResult } from "../pipeline/index.js";
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
 * @param strategy that of the context, read and checked
 */
export async function runTraining(
  context: TrainingOperationContext,
  strategy: Strategy,
  modelsFolder: string,
  { progress = ignoreProgress, token, begin = () => undefined }: RunHooks,
): Promise<TrainingResult> {
  const threads = context.threads ?? availableParallelism();
  const { engine, reason } = chooseEngine(context.engine ?? "auto", threads, batchWorkOf(strategy));
  begin();
  const store = new BarStore(context.dataFolder);
  const modelStorage = new ModelStorage(modelsFolder);
  modelStorage.checkWritable();
  return TrainingPipeline.trainStrategy({
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    strategyConfig: strategy,
    startDate: strategy.startDate,
    endDate: strategy.endDate,
    modelStorage,
    dataManager: new DataManager(store, HttpCsvProvider.fromEnvironment()),
    engine,
    engineReason: reason,
    dataMode: context.dataMode ?? strategy.dataMode,
    operationId: context.operationId,
    progressCallback: progress,
    cancellationToken: token,
    maxMemoryBytes: context.maxMemoryBytes ?? usableMemory(),
    ...(context.trials === undefined ? {} : { trials: context.trials }),
    ...(context.control === undefined ? {} : { control: context.control }),
  });
}

/** The size of a strategy's batches. */
export function batchWorkOf(strategy: Strategy): BatchWork {
  const { architecture, training } = strategy;
  const inputs = featureNames(strategy).length;
  const parameters = parameterCount({ inputs, hidden: architecture.hidden, outputs: 3 });
  return { parameters, batchSize: training.batchSize };
}
