import { CancelledError, codeOf, createCancellation, type SharedToken } from "../core/index.js";
import { runOperation, type OperationStore } from "../operations/index.js";
import { note } from "./io.js";

/** What the record of a run says. */
export interface RecordedRun<Result> {
  /** Such as `backtest`. */
  readonly type: string;
  readonly metadata: object;
  readonly summarize: (result: Result) => object;
}

/**
 * Does some work as a recorded operation whose id is the first line on stderr. The first Ctrl-C, and `operations cancel`, cancel the
 * token; the second Ctrl-C ends the process.
 *
 * @throws CancelledError, and what the work throws
 */
export async function runRecorded<Result>(
  store: OperationStore,
  record: RecordedRun<Result>,
  work: (token: SharedToken) => Promise<Result>,
): Promise<Result> {
  const cancellation = createCancellation();
  let asked = 0;
  let stop = (): void => cancellation.cancel();
  const onSignal = (): void => {
    if (++asked > 1) process.exit(130);
    note("Stopping. Press Ctrl-C again to stop at once.");
    stop();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await runOperation({ ...record, store, cancel: () => cancellation.cancel() }, (run) => {
      note(`Operation ${run.id}`);
      stop = () => run.cancel();
      return work(cancellation.token);
    });
  } catch (error) {
    if (codeOf(error) !== "CANCELLED") throw error;
    throw new CancelledError("Cancelled: nothing was written.");
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
