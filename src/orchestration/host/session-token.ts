import type { ControlBlock, SharedToken } from "../../core/index.js";
import type { TrainingSession } from "./training-session.js";

/** The token of a host run: reads `session.stopRequested`, which lies in memory that the run's thread shares. */
export class SessionCancellationToken implements SharedToken {
  readonly #session: TrainingSession;

  constructor(session: TrainingSession) {
    this.#session = session;
  }

  get isCancelled(): boolean {
    return this.#session.stopRequested;
  }

  get memory(): ControlBlock {
    return this.#session.memory;
  }

  get signal(): AbortSignal {
    return this.#session.signal;
  }
}
