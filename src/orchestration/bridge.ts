import type { TrainingProgress } from "../core/index.js";

/** A report of one kind. */
export type ProgressOf<Type extends TrainingProgress["type"]> = Extract<TrainingProgress, { type: Type }>;

/**
 * Who listens to a run, on the thread that asked for it. Every phase and epoch arrives, in order; of the batches at
 * most some 5 a second. A listener that throws ends the run as failed.
 */
export interface ProgressBridge {
  onPhase(progress: ProgressOf<"phase">): void;
  onBatch(progress: ProgressOf<"batch">): void;
  onEpoch(progress: ProgressOf<"epoch">): void;
}

/** A bridge to nobody. */
export const silentBridge: ProgressBridge = {
  onPhase: () => undefined,
  onBatch: () => undefined,
  onEpoch: () => undefined,
};

/** Hands one report to the method of its kind. */
export function deliver(bridge: ProgressBridge, progress: TrainingProgress): void {
  if (progress.type === "batch") bridge.onBatch(progress);
  else if (progress.type === "epoch") bridge.onEpoch(progress);
  else bridge.onPhase(progress);
}
