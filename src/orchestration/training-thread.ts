import { Worker } from "node:worker_threads";
import {
  CancelledError,
  claimRun,
  createControlBlock,
  fromErrorData,
  requestStop,
  type SharedToken,
  type SignallingToken,
} from "../core/index.js";
import type { ModelStorage } from "../models/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import { deliver, type ProgressBridge } from "./bridge.js";
import type { TrainingOperationContext } from "./context.js";
import { OutOfMemoryError } from "./out-of-memory.js";
import { unpackProgress } from "./reporter.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";

/*
 * Found from where this file lies, and that is two folders below the package's root in the sources, compiled, and in a
 * bundle's chunk (dist/cli/...) alike; so are the other files that look for something of the package.
 */
const entry = import.meta.url.endsWith(".ts") ? "boot.mjs" : "start-worker.cjs";
const workerUrl = new URL(`../orchestration/${entry}`, import.meta.url);

/** A thread that waits for the next run. */
let prepared: Worker | null = null;

/**
 * Starts the thread of this process's next run already now, so that it loads its modules while the caller still reads flags or
 * answers a request. It waits without holding the process; without this call a run starts its thread itself.
 */
export function prepareTrainingThread(): void {
  if (prepared !== null) return;
  const worker = new Worker(workerUrl);
  const forget = (): void => {
    if (prepared === worker) prepared = null;
  };
  // One that cannot start is forgotten here; the run's own attempt then says why.
  prepared = worker.on("error", forget).on("exit", forget);
  worker.unref();
}

/** The prepared thread, or a new one; it waits for its request, and whoever takes it ends it. */
export function takeThread(): Worker {
  const worker = prepared ?? new Worker(workerUrl);
  prepared = null;
  worker.ref();
  return worker;
}

/**
 * Runs one training on a thread of its own, so that the thread that asked stays free: what every orchestrator is built
 * around. Progress goes to the bridge; a stop reaches the thread through the token's control block, or, for a token
 * without one, through a block of our own when the token's signal fires.
 *
 * @throws CancelledError when the token was cancelled before the model was published; nothing is left behind then
 * @throws OutOfMemoryError, and every `KnownError` of the pipeline
 */
export async function trainOnThread(
  context: TrainingOperationContext,
  bridge: ProgressBridge,
  token: SharedToken | SignallingToken,
  storage: ModelStorage,
): Promise<TrainingResult> {
  if (token.isCancelled) throw new CancelledError();
  const memory = "memory" in token ? token.memory : createControlBlock();
  const request: WorkerRequest = { context, modelsFolder: storage.root, memory };
  const worker = takeThread();
  let left = true; // whether files of an unfinished model may be left: the run did not come to its own end
  let onAbort = (): void => undefined;
  try {
    return await new Promise<TrainingResult>((resolve, reject) => {
      onAbort = () => {
        requestStop(memory);
        // A worker that is still loading modules or checking the request has touched nothing and can be ended at once.
        if (!claimRun(memory)) return;
        left = false;
        reject(new CancelledError());
      };
      token.signal.addEventListener("abort", onAbort, { once: true });
      let listenerError: Error | undefined;
      worker.on("message", (message: WorkerMessage) => {
        left = message.type === "progress";
        if (message.type === "done") {
          if (listenerError === undefined) resolve(message.result);
          else reject(listenerError);
        } else if (message.type === "failed") {
          reject(listenerError ?? fromErrorData(message.error));
        } else {
          try {
            for (const event of unpackProgress(message.progress)) deliver(bridge, event);
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
      worker.postMessage(request);
    });
  } finally {
    token.signal.removeEventListener("abort", onAbort);
    // Not waited for: the run is over and its files are gone by now, but giving hundreds of megabytes back to the system takes a
    // thread up to 70 ms, and whoever asked for a stop may be told in 50.
    void worker.terminate();
    if (left) storage.discardUnfinished(context.operationId);
  }
}
