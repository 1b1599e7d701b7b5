import { KnownError } from "../core/index.js";
import type { OperationStatus } from "./record.js";

/** The file of operations cannot be opened, read or written. */
export class OperationsFileError extends KnownError {
  readonly code = "OPERATIONS_FILE";
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`The file of operations "${path}" ${problem}`);
    this.path = path;
    this.cause = cause;
  }
}

/** What the ids named in an `OperationNotFoundError` are to the one that was asked for. */
export type OperationCandidates = "ambiguous" | "nearest" | "last";

/** No operation has this id, or several begin with it. */
export class OperationNotFoundError extends KnownError {
  readonly code = "OPERATION_NOT_FOUND";
  readonly operation: string;
  /** Ids that could be meant, the newest first. */
  readonly candidates: readonly string[];

  constructor(operation: string, candidates: readonly string[], kind: OperationCandidates) {
    const list = candidates.join(", ");
    const all = "`ktrdr operations list` shows all.";
    const unknown = `No operation "${operation}"`;
    const none = `${unknown}: none is recorded here. KTRDR_HOME says which work folder is looked in.`;
    const messages: Record<OperationCandidates, string> = {
      ambiguous: `Several operations begin with "${operation}": ${list}. Type more of the id.`,
      nearest: `${unknown}. The nearest is ${list}. ${all}`,
      last: candidates.length === 0 ? none : `${unknown}. The last were ${list}. ${all}`,
    };
    super(messages[kind]);
    this.operation = operation;
    this.candidates = candidates;
  }
}

/** The operation is over, so it cannot be cancelled; nothing was changed. */
export class OperationFinishedError extends KnownError {
  readonly code = "OPERATION_FINISHED";
  readonly operation: string;
  readonly status: OperationStatus;

  constructor(operation: string, status: OperationStatus, completedAt: string | null) {
    super(`Operation ${operation} is over: ${status} at ${completedAt}. Nothing was changed.`);
    this.operation = operation;
    this.status = status;
  }
}

/** The operation's process runs but does not answer on its socket. */
export class OperationUnreachableError extends KnownError {
  readonly code = "OPERATION_UNREACHABLE";
  readonly operation: string;

  constructor(operation: string, pid: number | null) {
    super(
      `Operation ${operation} does not answer. Its process${pid === null ? "" : ` (pid ${pid})`} may be on another ` +
        `machine or in another container: run the command there, or end that process.`,
    );
    this.operation = operation;
  }
}

/** No local socket can be made, so that nobody could watch or cancel the run. */
export class OperationSocketError extends KnownError {
  readonly code = "OPERATION_SOCKET";
  readonly folder: string;

  constructor(folder: string, systemCode: string, cause: unknown) {
    super(
      `No local socket can be made in "${folder}" (${systemCode}). Set TMPDIR to a folder that can be written.`,
    );
    this.folder = folder;
    this.cause = cause;
  }
}
