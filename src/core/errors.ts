/**
 * An error that a user can cause and can mend: bad input, missing data, a full disk.
 *
 * `message` shows place, value and way out. `code` is stable, `details` are the typed fields as data (for `--json`
 * and HTTP). The command line maps `usage` to exit status 2 and everything else to 1. Any error that is not a
 * `KnownError` is a bug and keeps its stack.
 */
export abstract class KnownError extends Error {
  abstract readonly code: string;

  override get name(): string {
    return this.constructor.name;
  }

  /** True where the command was typed wrongly, as opposed to files, data or state being wrong. */
  get isUsage(): boolean {
    return false;
  }

  /** The error's own fields as plain data; never the message or the stack. */
  get details(): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(this)) {
      if (name !== "code" && name !== "cause") fields[name] = value;
    }
    return fields;
  }
}

/** The run was asked to stop. It ends as "cancelled", never as "failed". */
export class CancelledError extends KnownError {
  readonly code = "CANCELLED";

  constructor(message = "Cancelled on request.") {
    super(message);
  }
}

/** A flag, argument or option value that the command does not take; exit status 2. */
export class UsageError extends KnownError {
  readonly code = "WRONG_USAGE";

  override get isUsage(): boolean {
    return true;
  }
}

/** An error's message; also for values thrown that are no errors. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`, `EEXIST`, ...) or of a `KnownError`, else undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** An error as plain data, fit to cross to another thread or process. */
export interface ErrorData {
  /** The `code` of a `KnownError`; null for a bug. */
  readonly code: string | null;
  readonly isUsage: boolean;
  readonly name: string;
  readonly message: string;
  readonly details: Record<string, unknown>;
  readonly stack: string;
}

/** A `KnownError` that was raised on another thread, with its code, message and details. */
export class RelayedError extends KnownError {
  readonly code: string;
  readonly #data: ErrorData;

  constructor(data: ErrorData) {
    super(data.message);
    this.code = data.code ?? "INTERNAL";
    this.#data = data;
    this.stack = data.stack;
  }

  override get isUsage(): boolean {
    return this.#data.isUsage;
  }

  override get details(): Record<string, unknown> {
    return this.#data.details;
  }
}

/** Packs any thrown value for another thread. */
export function toErrorData(error: unknown): ErrorData {
  const known = error instanceof KnownError;
  return {
    code: known ? error.code : null,
    isUsage: known && error.isUsage,
    name: error instanceof Error ? error.name : "Error",
    message: messageOf(error),
    // Details are copied as JSON: what cannot be cloned between threads must not turn one error into another.
    details: known ? (JSON.parse(JSON.stringify(error.details)) as Record<string, unknown>) : {},
    stack: error instanceof Error ? (error.stack ?? "") : "",
  };
}

/** The error that `toErrorData` packed: `CancelledError`, another `KnownError`, or a bug with its stack. */
export function fromErrorData(data: ErrorData): Error {
  if (data.code === "CANCELLED") return new CancelledError(data.message);
  if (data.code !== null) return new RelayedError(data);
  const error = new Error(data.message);
  error.name = data.name;
  error.stack = data.stack;
  return error;
}
