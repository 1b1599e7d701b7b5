import type { ControlBlock, ErrorData } from "../core/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import type { ProgressOf } from "./bridge.js";
import type { StrategyData } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";

/** What a thread is asked to train. */
export interface WorkerRequest {
  readonly context: TrainingOperationContext;
  /** In place of the context's seed: each is a run of its own on the same data. Null for one run. */
  readonly seeds: readonly number[] | null;
  /** That of each run, read and checked by whoever asks, while the thread starts; null: the thread is to do it. */
  readonly strategies: readonly StrategyData[] | null;
  readonly modelsFolder: string;
  /** Whether anybody listens to progress; where nobody does, none is sent: each message takes time on both threads. */
  readonly isHeard: boolean;
  readonly memory: ControlBlock;
}

/** What happened since the last message, in this order: epochs, then the newest batch, then a phase that has begun. */
export interface PackedProgress {
  /** Some numbers for each epoch; see `packEpoch`. */
  readonly epochs: Float64Array;
  readonly batch: ProgressOf<"batch"> | null;
  readonly phase: ProgressOf<"phase"> | null;
}

/** What the worker thread sends: `done` for each run, by its place among them, and how many are `left`. The last message is one with none left, or `failed`. */
export type WorkerMessage =
  | { type: "progress"; progress: PackedProgress }
  | { type: "done"; result: TrainingResult; run: number; left: number }
  | { type: "failed"; error: ErrorData };
