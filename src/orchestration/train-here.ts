import { readlinkSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { basename } from "node:path";
import { parentPort } from "node:worker_threads";
import { asFileError, CancelledError, claimRun, toErrorData, tokenOf } from "../core/index.js";
import { operationIds } from "./context.js";
import type { TrainingResult } from "../pipeline/index.js";
import type { Strategy } from "../strategy/index.js";
import { asMemoryError } from "./out-of-memory.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";
import { createReporter } from "./reporter.js";
import { runTraining } from "./run-training.js";
import { closePart, workOf } from "./shared-seeds.js";

/** Lets other threads go first where all processors are busy. On Linux a thread has a priority of its own; elsewhere only processes have one. */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    const thread = Number(basename(readlinkSync("/proc/thread-self")));
    const { PRIORITY_BELOW_NORMAL: lower, PRIORITY_LOW: lowest } = constants.priority;
    setPriority(thread, Math.min(lowest, getPriority(thread) + lower));
  } catch {
    // Nothing depends on it.
  }
}

const send = (message: WorkerMessage): void => parentPort?.postMessage(message);

/**
 * Trains on the thread that calls it and sends the other thread what happens.
 *
 * @param strategiesOf gives the strategy of each run; what it throws is the first run's failure
 */
export async function trainHere(
  { context, shared, modelsFolder, memory, isHeard, givesWay }: WorkerRequest,
  strategiesOf: () => readonly Strategy[],
): Promise<void> {
  if (givesWay) giveWay();
  const reporter = createReporter(memory, isHeard ? send : null, () => performance.now());
  try {
    const ids = operationIds(context, shared?.seeds ?? null);
    const token = tokenOf(memory);
    // Up to here nothing was touched, and whoever asked could end this thread at once; from here on the token is read.
    const begin = (): void => {
      if (!claimRun(memory)) throw new CancelledError();
    };
    const waits = shared !== null && shared.from !== null;
    const hooks = { progress: reporter.listener, token, ...(waits ? {} : { begin }) };
    const onResult = (result: TrainingResult, run: number): void => {
      reporter.flush();
      send({ type: "done", result, run });
    };
    const work = shared === null ? undefined : workOf(shared, token, begin);
    await runTraining(context, strategiesOf(), ids, modelsFolder, hooks, onResult, work);
    send({ type: "ended" });
  } catch (error) {
    reporter.flush();
    send({ type: "failed", error: toErrorData(asFileError(asMemoryError(error))) });
  } finally {
    if (shared !== null) closePart(shared);
  }
}
