import type { TrainingProgress } from "../../core/index.js";
import type { ModelStorage } from "../../models/index.js";
import type { TrainingResult } from "../../pipeline/index.js";
import { sessionInfoOf, type SessionInfo } from "../session-info.js";
import { trainOnThread } from "../training-thread.js";
import { SessionCancellationToken } from "./session-token.js";
import type { TrainingSession } from "./training-session.js";

/** What a host run returns: the pipeline's result, and what only the orchestrator knows. */
export interface HostTrainingResult extends TrainingResult {
  readonly session_id: string;
  readonly session_info: SessionInfo<"host">;
  readonly resource_usage: TrainingResult["resource_usage"] & {
    readonly training_mode: "host";
    /** Whether a hardware GPU trained; `gpu_name` names it. */
    readonly gpu_used: boolean;
  };
}

/**
 * Runs the training of one session of the host service, on the same thread entry and the same pipeline as a local run.
 *
 * It differs in two things: reports go to the session, and a stop is read from it.
 */
export class HostTrainingOrchestrator {
  readonly #session: TrainingSession;
  readonly #storage: ModelStorage;

  /**
   * @param session says what to train, hears of the progress, and may be asked to stop
   * @param modelStorage where the model goes: a folder that the machine which asked can read
   */
  constructor(session: TrainingSession, modelStorage: ModelStorage) {
    this.#session = session;
    this.#storage = modelStorage;
  }

  /**
   * Trains, evaluates and saves one model.
   *
   * @throws CancelledError when the session was stopped before the model was published; nothing is left behind then
   * @throws OutOfMemoryError, and every `KnownError` of the pipeline
   */
  async run(): Promise<HostTrainingResult> {
    const { sessionId, config } = this.#session;
    const report = (progress: TrainingProgress): void => this.#session.report(progress);
    const result = await trainOnThread(
      { ...config, operationId: sessionId },
      { onPhase: report, onBatch: report, onEpoch: report },
      new SessionCancellationToken(this.#session),
      this.#storage,
    );
    return {
      ...result,
      session_id: sessionId,
      session_info: sessionInfoOf(result, sessionId, "host"),
      resource_usage: {
        ...result.resource_usage,
        gpu_used: result.resource_usage.device_type === "gpu",
        training_mode: "host",
      },
    };
  }
}
