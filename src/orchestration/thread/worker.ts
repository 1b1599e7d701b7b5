// Entry of the worker thread that runs one training. Everything it needs came as data in `workerData`.
import { parentPort, workerData } from "node:worker_threads";
import { asFileError, CancelledError, claimRun, toErrorData, tokenOf } from "../../core/index.js";
import { asMemoryError } from "../out-of-memory.js";
import { runTraining } from "../run-training.js";
import { createReporter } from "../reporter.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";

const { context, modelsFolder, memory } = workerData as WorkerRequest;
const send = (message: WorkerMessage): void => parentPort?.postMessage(message);

const reporter = createReporter(
  memory,
  (events) => send({ type: "progress", events }),
  () => performance.now(),
);
try {
  const result = await runTraining(context, modelsFolder, {
    progress: reporter.listener,
    token: tokenOf(memory),
    // Up to here nothing was touched, and whoever asked could end this thread at once; from here on the token is read.
    begin: () => {
      if (!claimRun(memory)) throw new CancelledError();
    },
  });
  reporter.flush();
  send({ type: "done", result });
} catch (error) {
  reporter.flush();
  send({ type: "failed", error: toErrorData(asFileError(asMemoryError(error))) });
}
