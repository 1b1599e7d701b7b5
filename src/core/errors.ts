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
