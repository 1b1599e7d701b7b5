import type { ErrorData, TrainingProgress } from "../core/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import type { TrainingOperationContext } from "./context.js";

/** What the thread is told to do: the first message it gets, and the only one. */
export interface WorkerRequest {
  readonly context: TrainingOperationContext;
  readonly modelsFolder: string;
  readonly memory: SharedArrayBuffer;
}

/** What the worker thread sends. The last message is `done` or `failed`. */
export type WorkerMessage =
  | { type: "progress"; events: TrainingProgress[] }
  | { type: "done"; result: TrainingResult }
  | { type: "failed"; error: ErrorData };
