import type { ControlBlock, ErrorData } from "../core/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import type { StrategyData } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";
import type { ProgressMessage } from "./reporter.js";

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

/** How a run came to its end. */
export type RunEnd =
  { type: "done"; result: TrainingResult; run: number; left: number } | { type: "failed"; error: ErrorData };

/** What the worker thread sends besides progress: `done` for each run, by its place among them, and how many are `left`. The last message is one with none left, or `failed`. */
export type WorkerMessage = ProgressMessage | RunEnd;
