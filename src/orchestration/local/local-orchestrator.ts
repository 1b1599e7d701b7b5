import type { SharedToken, SignallingToken } from "../../core/index.js";
import type { ModelStorage } from "../../models/index.js";
import type { TrainingResult } from "../../pipeline/index.js";
import type { ProgressBridge } from "../bridge.js";
import type { TrainingOperationContext } from "../context.js";
import { sessionInfoOf, type SessionInfo } from "../session-info.js";
import { trainOnThread } from "../training-thread.js";

/** What a local run returns: the pipeline's result, and what only the orchestrator knows. */
export interface LocalTrainingResult extends TrainingResult {
  readonly session_info: SessionInfo<"local">;
  readonly resource_usage: TrainingResult["resource_usage"] & { readonly training_mode: "local" };
}

/**
 * Runs one training on a worker thread of this process, so that the thread that asked stays free.
 *
 * It hands progress to the bridge and the stop to the worker, runs the one pipeline, and adds to the result what only
 * it knows: `session_info` and `resource_usage.training_mode`.
 */
export class LocalTrainingOrchestrator {
  readonly #context: TrainingOperationContext;
  readonly #bridge: ProgressBridge;
  readonly #token: SharedToken | SignallingToken;
  readonly #storage: ModelStorage;

  /**
   * @param context what to train, as data
   * @param progressBridge who listens
   * @param cancellationToken from `createCancellation()`, or any token with an `AbortSignal`, whose abort is relayed
   * @param modelStorage where the model goes
   */
  constructor(
    context: TrainingOperationContext,
    progressBridge: ProgressBridge,
    cancellationToken: SharedToken | SignallingToken,
    modelStorage: ModelStorage,
  ) {
    this.#context = context;
    this.#bridge = progressBridge;
    this.#token = cancellationToken;
    this.#storage = modelStorage;
  }

  /**
   * Trains, evaluates and saves one model.
   *
   * @throws CancelledError when the token was cancelled before the model was published; nothing is left behind then
   * @throws OutOfMemoryError, and every `KnownError` of the pipeline
   */
  async run(): Promise<LocalTrainingResult> {
    const result = await trainOnThread(this.#context, this.#bridge, this.#token, this.#storage);
    return asLocal(result, this.#context.operationId);
  }
}

/** A result with what only the local side knows. */
export function asLocal(result: TrainingResult, operationId: string): LocalTrainingResult {
  return {
    ...result,
    session_info: sessionInfoOf(result, operationId, "local"),
    resource_usage: { ...result.resource_usage, training_mode: "local" },
  };
}
