// What runs on the thread of trainings, back-tests or walk-forwards. Its messages in are requests, one after the other;
// nothing else of the caller's is seen.
import { parentPort } from "node:worker_threads";
import * as z from "zod";
import { asFileError, CancelledError, claimRun, toErrorData, tokenOf } from "../core/index.js";
import { runBacktestJob, type BacktestThreadMessage, type BacktestThreadRequest } from "./backtest-thread.js";
import { asMemoryError } from "./out-of-memory.js";
import { runTraining } from "./run-training.js";
import { createReporter } from "./reporter.js";
import { strategyFromData } from "../strategy/index.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";
import {
  createWalkForwardServant,
  type WalkForwardMessage,
  type WalkForwardRequest,
} from "./walk-forward-threads.js";

// A thread checks one strategy: compiling zod's checks to code first would take longer than all of them.
z.config({ jitless: true });

const send = (message: WorkerMessage | BacktestThreadMessage | WalkForwardMessage): void =>
  parentPort?.postMessage(message);

async function train({ context, strategy, modelsFolder, memory }: WorkerRequest): Promise<void> {
  const reporter = createReporter(
    memory,
    (progress) => send({ type: "progress", progress }),
    () => performance.now(),
  );
  try {
    const hooks = {
      progress: reporter.listener,
      token: tokenOf(memory),
      // Up to here nothing was touched, and whoever asked could end this thread at once; from here on the token is read.
      begin: () => {
        if (!claimRun(memory)) throw new CancelledError();
      },
    };
    const result = await runTraining(
      context,
      modelsFolder,
      hooks,
      strategy === null ? undefined : strategyFromData(strategy),
    );
    reporter.flush();
    send({ type: "done", result });
  } catch (error) {
    reporter.flush();
    send({ type: "failed", error: toErrorData(asFileError(asMemoryError(error))) });
  }
}

async function test(request: BacktestThreadRequest): Promise<void> {
  try {
    send({ type: "done", outcome: await runBacktestJob(request) });
  } catch (error) {
    send({ type: "failed", error: toErrorData(asFileError(asMemoryError(error))) });
  }
}

/** Keeps what one walk-forward asks for more than once. */
let serve: ReturnType<typeof createWalkForwardServant> | null = null;

async function walk(request: WalkForwardRequest): Promise<void> {
  try {
    serve ??= createWalkForwardServant();
    send(await serve(request));
  } catch (error) {
    send({ type: "failed", error: toErrorData(asFileError(asMemoryError(error))) });
  }
}

parentPort?.on("message", (request: WorkerRequest | BacktestThreadRequest | WalkForwardRequest) => {
  if ("walk" in request) void walk(request);
  else if ("job" in request) void test(request);
  else if ("context" in request) void train(request);
});
