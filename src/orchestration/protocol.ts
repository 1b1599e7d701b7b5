import type { ControlBlock, ErrorData } from "../core/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import type { StrategyData } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";
import type { ProgressMessage } from "./reporter.js";
import type { SharedSeeds } from "./shared-seeds.js";

/** What a thread is asked to train. */
export interface WorkerRequest {
  readonly context: TrainingOperationContext;
  /** Null for one run. */
  readonly shared: SharedSeeds | null;
  /** That of each run, read and checked by whoever asks, while the thread starts; null: the thread is to do it. */
  readonly strategies: readonly StrategyData[] | null;
  readonly modelsFolder: string;
  /** Whether anybody listens to progress; where nobody does, none is sent: each message takes time on both threads. */
  readonly isHeard: boolean;
  /** Whether the thread that asked, which has others to answer, goes first where all processors are busy. */
  readonly givesWay: boolean;
  readonly memory: ControlBlock;
}

/** What the worker thread sends: progress, `done` for each run, by its place among them, and last `ended` or `failed`. */
export type WorkerMessage =
  | ProgressMessage
  | { type: "done"; result: TrainingResult; run: number }
  | { type: "ended" }
  | { type: "failed"; error: ErrorData };
