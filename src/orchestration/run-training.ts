import { availableParallelism } from "node:os";
import { ignoreProgress, type CancellationToken, type ProgressListener } from "../core/index.js";
import { BarStore, DataManager, HttpCsvProvider, parseDateRange, parseTimeframe } from "../data/index.js";
import { chooseEngine, parameterCount, type BatchWork } from "../engines/index.js";
import { ModelStorage } from "../models/index.js";
import { TrainingPipeline, type TrainingResult } from "../pipeline/index.js";
import {
  featureNames,
  loadStrategy,
  parseStrategy,
  strategyFromData,
  withOverrides,
  type Strategy,
  type StrategyOverrides,
} from "../strategy/index.js";
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
 * @param strategy that of the context; read and checked here unless the caller has done so
 */
export async function runTraining(
  context: TrainingOperationContext,
  modelsFolder: string,
  { progress = ignoreProgress, token, begin = () => undefined }: RunHooks,
  strategy = strategyOf(context),
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

/**
 * The strategy of a request, with what the request says in place of the file.
 *
 * @throws StrategyFileError, UnknownTimeframeError, UsageError for a date that is none
 */
export function strategyOf(context: Omit<TrainingOperationContext, "operationId">): Strategy {
  const { strategyPath, strategyText, checked } = context;
  if (checked !== undefined) return strategyFromData(checked);
  const file =
    strategyText === undefined ? loadStrategy(strategyPath) : parseStrategy(strategyText, strategyPath);
  return withOverrides(file, overridesOf(context));
}

/** The size of a strategy's batches. */
export function batchWorkOf(strategy: Strategy): BatchWork {
  const { architecture, training } = strategy;
  const inputs = featureNames(strategy).length;
  const parameters = parameterCount({ inputs, hidden: architecture.hidden, outputs: 3 });
  return { parameters, batchSize: training.batchSize };
}

/** What the request says in place of the strategy file. @throws UnknownTimeframeError, UsageError for a date that is none */
function overridesOf(context: Omit<TrainingOperationContext, "operationId">): StrategyOverrides {
  const { symbols, timeframes, startDate, endDate, seed, epochs } = context;
  parseDateRange(startDate, endDate);
  return {
    ...(symbols === undefined ? {} : { symbols }),
    ...(timeframes === undefined ? {} : { timeframes: timeframes.map(parseTimeframe) }),
    ...(startDate === undefined ? {} : { startDate }),
    ...(endDate === undefined ? {} : { endDate }),
    ...(seed === undefined ? {} : { seed }),
    ...(epochs === undefined ? {} : { epochs }),
  };
}
