import { ignoreProgress, type CancellationToken, type ProgressListener } from "../core/index.js";
import { BarStore, DataManager, HttpCsvProvider, parseTimeframe } from "../data/index.js";
import { findEngine } from "../engines/index.js";
import { ModelStorage } from "../models/index.js";
import { TrainingPipeline, type TrainingResult } from "../pipeline/index.js";
import { loadStrategy, withOverrides } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";

/** What an orchestrator hands to a run. */
export interface RunHooks {
  readonly progress?: ProgressListener;
  readonly token: CancellationToken;
  /** Told, before any work, what a person should know about the strategy file. */
  readonly notice?: (text: string) => void;
}

/**
 * The part of every orchestrator that runs beside the pipeline's thread: loads and checks the strategy file, opens the
 * folders, and calls the pipeline with callback and token as they came.
 */
export async function runTraining(
  context: TrainingOperationContext,
  modelsFolder: string,
  { progress = ignoreProgress, token, notice = () => undefined }: RunHooks,
): Promise<TrainingResult> {
  const { seed, epochs } = context;
  const file = loadStrategy(context.strategyPath);
  const strategy = withOverrides(file, {
    ...(seed === undefined ? {} : { seed }),
    ...(epochs === undefined ? {} : { epochs }),
  });
  for (const text of strategy.notices) notice(text);
  const store = new BarStore(context.dataFolder);
  return TrainingPipeline.trainStrategy({
    symbols: context.symbols ?? strategy.symbols,
    timeframes: context.timeframes?.map(parseTimeframe) ?? strategy.timeframes,
    strategyConfig: strategy,
    startDate: context.startDate ?? strategy.startDate,
    endDate: context.endDate ?? strategy.endDate,
    modelStorage: new ModelStorage(modelsFolder),
    dataManager: new DataManager(store, HttpCsvProvider.fromEnvironment()),
    engine: findEngine(context.engine ?? "auto"),
    operationId: context.operationId,
    progressCallback: progress,
    cancellationToken: token,
    ...(context.dataMode === undefined ? {} : { dataMode: context.dataMode }),
    ...(context.maxMemoryBytes === undefined ? {} : { maxMemoryBytes: context.maxMemoryBytes }),
  });
}
