import { asFileError, codeOf, KnownError, messageOf, type TrainingProgress } from "../core/index.js";
import type { OperationEnd, OperationStatus } from "./record.js";
import { startOperationServer } from "./server.js";
import type { OperationStore } from "./store.js";

/** What the work of an operation can do with its record. */
export interface OperationRun {
  readonly id: string;
  /** Passes a report on to watchers in other processes; never waits. */
  publish(event: TrainingProgress): void;
  /** Notes the request and asks the work to stop, as a cancel from elsewhere does. */
  cancel(): void;
}

/** An operation that is about to run. */
export interface OperationRequest<Result> {
  readonly store: OperationStore;
  /** Such as `training`. */
  readonly type: string;
  /** What was asked for, as plain data. */
  readonly metadata: object;
  /** Asks the work to stop; may be called more than once, and from another process's request. */
  readonly cancel: () => void;
  /** Awaited while the operation is `pending`, such as for a free place; may throw to end it there. */
  readonly turn?: (run: OperationRun) => Promise<void>;
  /** What is kept of the result in the record. */
  readonly summarize?: (result: Result) => object;
}

/**
 * Runs some work as a recorded operation: it can be listed, watched and cancelled from other processes while it
 * lasts, and its end is stored before this returns. Gives back what the work gave back, or throws what it threw:
 * `CancelledError` is recorded as `cancelled`, every other error as `failed` with its code.
 */
export async function runOperation<Result>(
  request: OperationRequest<Result>,
  work: (run: OperationRun) => Promise<Result>,
): Promise<Result> {
  const { store, type, metadata } = request;
  // Who asks from another process has noted the request in the record before connecting.
  const server = await startOperationServer({ onCancel: request.cancel });
  let status: OperationStatus = "failed";
  try {
    const id = store.create(type, metadata, server.address);
    const run: OperationRun = {
      id,
      publish: (event) => server.publish(event),
      cancel: () => {
        request.cancel();
        quietly(() => store.requestCancel(id));
      },
    };
    let result: Result;
    try {
      await request.turn?.(run);
      store.start(id);
      result = await work(run);
    } catch (error) {
      const end = endOf(error);
      status = end.status;
      quietly(() => store.finish(id, end));
      throw error;
    }
    const summary = request.summarize?.(result);
    status = "completed";
    store.finish(id, { status, ...(summary === undefined ? {} : { summary }) });
    return result;
  } finally {
    await server.close(status);
  }
}

/** How work ends that threw: `cancelled` for a `CancelledError`, else `failed` with the error's code. */
export function endOf(thrown: unknown): Exclude<OperationEnd, { status: "completed" }> {
  const error = asFileError(thrown);
  if (codeOf(error) === "CANCELLED") return { status: "cancelled" };
  const code = error instanceof KnownError ? error.code : "INTERNAL";
  return { status: "failed", error: { code, message: messageOf(error) } };
}

/**
 * Writes to the record where a failure to do so must not hide the work's own error or stop. Once this process has
 * ended, the next look at the file records an unfinished operation as interrupted.
 */
function quietly(write: () => void): void {
  try {
    write();
  } catch {
    // As said above.
  }
}
