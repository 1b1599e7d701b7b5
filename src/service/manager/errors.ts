import { KnownError } from "../../core/index.js";

/** A service was asked to train, and then did not answer any more. */
export class HostLostError extends KnownError {
  readonly code = "HOST_LOST";
  readonly host: string;
  readonly session_id: string;

  constructor(host: string, sessionId: string, cause?: unknown) {
    super(
      `The service at ${host} was lost while it ran session ${sessionId}, so this run has failed. When it runs again, it tells what ` +
        `became of the session. To train without it, use --mode local.`,
    );
    this.host = host;
    this.session_id = sessionId;
    this.cause = cause;
  }
}

/** A GPU is required, and there is none that could be used. */
export class GpuRequiredError extends KnownError {
  readonly code = "GPU_REQUIRED";

  constructor(why: string) {
    super(`A GPU is required, and ${why}. Leave --require-gpu out to train on processors.`);
  }
}

/** The host answers, but refuses: a wrong token, another service. */
export class HostRefusedError extends KnownError {
  readonly code: string;
  readonly host: string;
  readonly status: number;
  readonly #details: Record<string, unknown>;

  constructor(host: string, status: number, error: { code: string; message: string; details?: object }) {
    const token =
      status === 401
        ? " Set its token: TRAINING_HOST_SERVICE_TOKEN for a training host, KTRDR_API_TOKEN for a backend."
        : "";
    super(`The service at ${host} refused: ${error.message}${token}`);
    this.code = status === 401 ? "HOST_UNAUTHORIZED" : error.code;
    this.host = host;
    this.status = status;
    this.#details = { ...error.details };
  }

  override get details(): Record<string, unknown> {
    return { host: this.host, status: this.status, ...this.#details };
  }
}
