import type { SharedToken, SignallingToken } from "../../core/index.js";
import type { ModelStorage } from "../../models/index.js";
import type { ProgressBridge } from "../bridge.js";
import { LocalTrainingOrchestrator, type LocalTrainingResult } from "./local-orchestrator.js";
import type { TrainingOperationContext } from "../context.js";

/** The older call shape of a local training; all work is done by `LocalTrainingOrchestrator`. */
export class LocalTrainingRunner {
  readonly #orchestrator: LocalTrainingOrchestrator;

  constructor(
    context: TrainingOperationContext,
    progressBridge: ProgressBridge,
    cancellationToken: SharedToken | SignallingToken,
    modelStorage: ModelStorage,
  ) {
    this.#orchestrator = new LocalTrainingOrchestrator(
      context,
      progressBridge,
      cancellationToken,
      modelStorage,
    );
  }

  /** @see LocalTrainingOrchestrator.run */
  run(): Promise<LocalTrainingResult> {
    return this.#orchestrator.run();
  }
}
