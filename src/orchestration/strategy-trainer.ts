import { randomUUID } from "node:crypto";
import {
  ignoreProgress,
  neverCancelled,
  type CancellationToken,
  type ProgressListener,
} from "../core/index.js";
import { ModelStorage } from "../models/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import type { TrainingOperationContext } from "./context.js";
import { strategyOf } from "./request-strategy.js";
import { runTraining } from "./run-training.js";

/** What `StrategyTrainer.trainStrategy` takes. */
export interface StrategyTrainerRequest extends Omit<TrainingOperationContext, "operationId" | "dataFolder"> {
  /** Folder of bars; default `data`. */
  readonly dataFolder?: string;
  readonly progressCallback?: ProgressListener;
  readonly cancellationToken?: CancellationToken;
}

/**
 * The older entry point: trains a strategy on the caller's thread, by the one pipeline.
 *
 * @deprecated It will be removed. For training on this machine use `LocalTrainingOrchestrator`:
 *
 *     const { token } = createCancellation();
 *     const context = { operationId: "my_run", strategyPath: "config/strategies/example.yaml", dataFolder: "data" };
 *     const result = await new LocalTrainingOrchestrator(context, silentBridge, token, new ModelStorage("models")).run();
 *
 * and in a training host `HostTrainingOrchestrator`, which `ktrdr host start` runs for each `POST /training/start`:
 *
 *     const session = new TrainingSession("my_run", { strategyPath: "config/strategies/example.yaml", dataFolder: "data" });
 *     const result = await new HostTrainingOrchestrator(session, new ModelStorage("models")).run();
 */
export class StrategyTrainer {
  readonly #storage: ModelStorage;

  /** @param modelsDir folder of models. Every construction emits a `DeprecationWarning`. */
  constructor(modelsDir = "models") {
    // Without a code of its own: Node shows a deprecation that has one only once.
    process.emitWarning(
      "StrategyTrainer is deprecated and will be removed. Use LocalTrainingOrchestrator to train on this machine, or " +
        "HostTrainingOrchestrator in a training host.",
      "DeprecationWarning",
    );
    this.#storage = new ModelStorage(modelsDir);
  }

  /**
   * Trains, evaluates and saves one model.
   *
   * @throws what `TrainingPipeline.trainStrategy` throws
   */
  async trainStrategy({
    progressCallback: progress = ignoreProgress,
    cancellationToken: token = neverCancelled,
    dataFolder = "data",
    ...request
  }: StrategyTrainerRequest): Promise<TrainingResult> {
    const context = { ...request, dataFolder, operationId: `trainer_${randomUUID()}` };
    const results: TrainingResult[] = [];
    await runTraining(
      context,
      [strategyOf(context)],
      [context.operationId],
      this.#storage.root,
      { progress, token },
      (result) => results.push(result),
    );
    return results[0];
  }
}
