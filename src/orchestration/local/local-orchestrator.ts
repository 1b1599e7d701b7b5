import { Worker } from "node:worker_threads";
import {
  CancelledError,
  claimRun,
  createControlBlock,
  fromErrorData,
  requestStop,
  type SharedToken,
  type SignallingToken,
} from "../../core/index.js";
import type { ModelStorage } from "../../models/index.js";
import type { TrainingResult } from "../../pipeline/index.js";
import { deliver, type ProgressBridge } from "../bridge.js";
import type { TrainingOperationContext } from "../context.js";
import { OutOfMemoryError } from "../out-of-memory.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";

/** What a local run returns: the pipeline's result, and what only the orchestrator knows. */
export interface LocalTrainingResult extends TrainingResult {
  readonly session_info: {
    readonly operation_id: string;
    readonly strategy_name: string;
    readonly symbols: readonly string[];
    readonly timeframes: readonly string[];
    readonly start_date: string;
    readonly end_date: string;
    readonly training_mode: "local";
    readonly use_host_service: false;
  };
  readonly resource_usage: TrainingResult["resource_usage"] & { readonly training_mode: "local" };
}

const isSource = import.meta.url.endsWith(".ts");
const workerUrl = new URL(isSource ? "./boot.mjs" : "./worker.js", import.meta.url);

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
    if (this.#token.isCancelled) throw new CancelledError();
    const result = await this.#runWorker();
    const { symbols, timeframes, start_date, end_date } = result.data_summary;
    return {
      ...result,
      session_info: {
        operation_id: this.#context.operationId,
        strategy_name: result.strategy_name,
        symbols,
        timeframes,
        start_date,
        end_date,
        training_mode: "local",
        use_host_service: false,
      },
      resource_usage: { ...result.resource_usage, training_mode: "local" },
    };
  }

  async #runWorker(): Promise<TrainingResult> {
    const token = this.#token;
    const memory = "memory" in token ? token.memory : createControlBlock();
    const request: WorkerRequest = { context: this.#context, modelsFolder: this.#storage.root, memory };
    const worker = new Worker(workerUrl, { workerData: request });
    let orderly = false; // whether the run came to an end through its own clean-up
    let onAbort = (): void => undefined;
    try {
      return await new Promise<TrainingResult>((resolve, reject) => {
        onAbort = () => {
          requestStop(memory);
          // A worker that is still loading modules or checking the request has touched nothing and can be ended at once.
          if (claimRun(memory)) reject(new CancelledError());
        };
        token.signal.addEventListener("abort", onAbort, { once: true });
        let listenerError: Error | undefined;
        worker.on("message", (message: WorkerMessage) => {
          orderly = message.type !== "progress";
          if (message.type === "done") {
            if (listenerError === undefined) resolve(message.result);
            else reject(listenerError);
          } else if (message.type === "failed") {
            reject(listenerError ?? fromErrorData(message.error));
          } else {
            try {
              for (const event of message.events) deliver(this.#bridge, event);
            } catch (error) {
              // The run is stopped in order, through its own clean-up; then the listener's error is what is reported.
              listenerError ??= error as Error;
              requestStop(memory);
            }
          }
        });
        worker.on("error", (error: NodeJS.ErrnoException) => {
          reject(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? new OutOfMemoryError(error) : error);
        });
        worker.on("exit", (code) =>
          reject(new Error(`The training thread ended unexpectedly (exit code ${code}).`)),
        );
      });
    } finally {
      token.signal.removeEventListener("abort", onAbort);
      await worker.terminate();
      if (!orderly) this.#storage.discardUnfinished(this.#context.operationId);
    }
  }
}
