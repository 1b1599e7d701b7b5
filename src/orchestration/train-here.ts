import { parentPort } from "node:worker_threads";
import { asFileError, CancelledError, claimRun, toErrorData, tokenOf } from "../core/index.js";
import { operationIds } from "./context.js";
import type { Strategy } from "../strategy/index.js";
import { asMemoryError } from "./out-of-memory.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";
import { createReporter } from "./reporter.js";
import { runTraining } from "./run-training.js";

const send = (message: WorkerMessage): void => parentPort?.postMessage(message);

/**
 * Trains on the thread that calls it and sends the other thread what happens.
 *
 * @param strategiesOf gives the strategy of each run; what it throws is the first run's failure
 */
export async function trainHere(
  { context, seeds, modelsFolder, memory, isHeard }: WorkerRequest,
  strategiesOf: () => readonly Strategy[],
): Promise<void> {
  const reporter = createReporter(memory, isHeard ? send : null, () => performance.now());
  try {
    const ids = operationIds(context, seeds);
    let left = ids.length;
    const hooks = {
      progress: reporter.listener,
      token: tokenOf(memory),
      // Up to here nothing was touched, and whoever asked could end this thread at once; from here on the token is read.
      begin: () => {
        if (!claimRun(memory)) throw new CancelledError();
      },
    };
    await runTraining(context, strategiesOf(), ids, modelsFolder, hooks, (result, run) => {
      reporter.flush();
      send({ type: "done", result, run, left: --left });
    });
  } catch (error) {
    reporter.flush();
    send({ type: "failed", error: toErrorData(asFileError(asMemoryError(error))) });
  }
}
