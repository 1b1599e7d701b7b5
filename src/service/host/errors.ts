import { ServiceError } from "../http/errors.js";
import type { SessionStatus } from "../../orchestration/index.js";

/** No session has this id. */
export class SessionNotFoundError extends ServiceError {
  constructor(id: string) {
    super(404, "SESSION_NOT_FOUND", `No session "${id}". GET /training/sessions lists those there are.`, {
      session_id: id,
    });
  }
}

/** A session with this id exists. */
export class SessionExistsError extends ServiceError {
  constructor(id: string) {
    super(
      409,
      "SESSION_EXISTS",
      `There is a session "${id}" already. Leave session_id out, or give another.`,
      {
        session_id: id,
      },
    );
  }
}

/** The session is over, so that it cannot be stopped; nothing was changed. */
export class SessionFinishedError extends ServiceError {
  constructor(id: string, status: SessionStatus) {
    super(409, "SESSION_FINISHED", `Session "${id}" is over: ${status}. Nothing was changed.`, {
      session_id: id,
      status,
    });
  }
}

/** The session is not over, so that it cannot be forgotten. */
export class SessionActiveError extends ServiceError {
  constructor(id: string, status: SessionStatus) {
    super(409, "SESSION_ACTIVE", `Session "${id}" is ${status}. Stop it first: POST /training/stop.`, {
      session_id: id,
      status,
    });
  }
}

/** The session has no result: it is not over, or did not complete. */
export class NoResultError extends ServiceError {
  constructor(id: string, status: SessionStatus, error: { code: string; message: string } | null) {
    const why = error === null ? "" : ` (${error.code}: ${error.message})`;
    super(400, "SESSION_NOT_COMPLETED", `Session "${id}" has no result: it is ${status}${why}.`, {
      session_id: id,
      status,
      error,
    });
  }
}

/** So many sessions wait that another would wait for hours. */
export class QueueFullError extends ServiceError {
  constructor(waiting: number) {
    super(503, "QUEUE_FULL", `${waiting} sessions wait already. Ask again when some are done.`, { waiting });
  }
}

/** The service is ending and takes no more sessions. */
export class ShuttingDownError extends ServiceError {
  constructor() {
    super(503, "SHUTTING_DOWN", "The service is shutting down and takes no more sessions.");
  }
}
