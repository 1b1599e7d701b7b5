// What runs on a thread of back-tests and walk-forwards, and of trainings whose strategy is checked there. Its messages in are requests, one after the other;
// nothing else of the caller's is seen.
import { parentPort } from "node:worker_threads";
import * as z from "zod";
import { asFileError, toErrorData } from "../core/index.js";
import { runBacktestJob, type BacktestThreadMessage, type BacktestThreadRequest } from "./backtest-thread.js";
import { asMemoryError } from "./out-of-memory.js";
import type { WorkerRequest } from "./protocol.js";
import { strategyOf } from "./request-strategy.js";
import { seedVariants, strategyFromData } from "../strategy/index.js";
import { trainHere } from "./train-here.js";
import {
  createWalkForwardServant,
  type WalkForwardMessage,
  type WalkForwardRequest,
} from "./walk-forward-threads.js";

// A thread checks one strategy: compiling zod's checks to code first would take longer than all of them.
z.config({ jitless: true });

const send = (message: BacktestThreadMessage | WalkForwardMessage): void => parentPort?.postMessage(message);

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
  else if ("context" in request) {
    const { strategies, shared, context } = request;
    void trainHere(request, () => {
      if (strategies !== null) return strategies.map(strategyFromData);
      const strategy = strategyOf(context);
      return shared === null ? [strategy] : shared.seeds.map(seedVariants(strategy));
    });
  }
});
