import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import {
  CancelledError,
  claimRun,
  createControlBlock,
  fromErrorData,
  requestStop,
  type SharedToken,
  type SignallingToken,
} from "../core/index.js";
import type { ModelStorage } from "../models/index.js";
import type { TrainingResult } from "../pipeline/index.js";
import { strategyToData, type StrategyData } from "../strategy/index.js";
import { deliver, silentBridge, type ProgressBridge } from "./bridge.js";
import type { TrainingOperationContext } from "./context.js";
import { OutOfMemoryError } from "./out-of-memory.js";
import { createReportReader } from "./reporter.js";
import type { WorkerMessage, WorkerRequest } from "./protocol.js";
import { strategyOf } from "./request-strategy.js";
import { portsOf, type SharedSeeds } from "./shared-seeds.js";

/*
 * Found from where this file lies, and that is two folders below the package's root in the sources, compiled, and in a
 * bundle's chunk (dist/cli/...) alike; so are the other files that look for something of the package.
 */
const entry = import.meta.url.endsWith(".ts") ? "boot.mjs" : "start-worker.cjs";
const workerUrl = new URL(`../orchestration/${entry}`, import.meta.url);

/** What a thread can be asked: trainings from checked strategies only, or everything (worker.ts), which takes three times as long to load. */
export type ThreadScript = "training-worker" | "worker";

/** A thread that waits for the next run. */
let prepared: { readonly worker: Worker; readonly script: ThreadScript } | null = null;

/** Without the hooks of the process (`--import`, `--require`): its scripts need none, and one of those takes 130 ms to load. */
const startThread = (script: ThreadScript): Worker =>
  new Worker(workerUrl, { workerData: script, execArgv: [] });

/**
 * Starts the thread of this process's next job already now, so that it loads its script while the caller still reads flags or
 * answers a request. It waits without holding the process; without this call a job starts its thread itself.
 */
export function prepareThread(script: ThreadScript): void {
  if (prepared !== null) return;
  const worker = startThread(script);
  const forget = (): void => {
    if (prepared?.worker === worker) prepared = null;
  };
  // One that cannot start is forgotten here; the job's own attempt then says why.
  worker.on("error", forget).on("exit", forget);
  prepared = { worker, script };
  worker.unref();
}

let trainingsGiveWay = false;

/**
 * Has all trainings of this process give way to the thread that asks for them, as a service must answer while it trains: ten trainings on two
 * processors leave it a sixth of one otherwise.
 */
export function letTrainingsGiveWay(): void {
  trainingsGiveWay = true;
}

/** `prepareThread` for a training. */
export function prepareTrainingThread(): void {
  prepareThread("training-worker");
}

/** The prepared thread where it can do this, or a new one; it waits for its request, and whoever takes it ends it. */
export function takeThread(script: ThreadScript): Worker {
  const worker = prepared?.script === script ? prepared.worker : startThread(script);
  if (prepared?.worker === worker) prepared = null;
  worker.ref();
  // A thread between two runs has no listener of theirs; the next run notices its end.
  return worker.on("error", () => undefined);
}

/**
 * What a training's thread must be able to do. A strategy file is checked by the thread that asks, beside the other one's start, unless
 * it might need more memory than this thread has: then it is the other thread's heap that may burst.
 */
export function scriptFor({ strategyPath, strategyText, checked }: TrainingOperationContext): ThreadScript {
  if (checked !== undefined) return "training-worker";
  const bytes = strategyText?.length ?? statSync(strategyPath, { throwIfNoEntry: false })?.size ?? 0;
  return bytes > 256 * 1024 ? "worker" : "training-worker";
}

/** Runs of which a thread of the caller's takes its share, and their strategies; null: the thread is to check them. */
export interface SeedsJob {
  readonly thread: Worker;
  readonly shared: SharedSeeds;
  readonly strategies: readonly StrategyData[] | null;
}

/**
 * Runs one training on a thread of its own, so that the thread that asked stays free: what every orchestrator is built
 * around. Progress goes to the bridge; a stop reaches the thread through the token's control block, or, for a token
 * without one, through a block of our own when the token's signal fires.
 *
 * @throws CancelledError when the token was cancelled before the model was published; nothing is left behind then
 * @throws OutOfMemoryError, and every `KnownError` of the pipeline
 */
export async function trainOnThread(
  context: TrainingOperationContext,
  bridge: ProgressBridge,
  token: SharedToken | SignallingToken,
  storage: ModelStorage,
): Promise<TrainingResult> {
  const results: TrainingResult[] = [];
  await runOnThread(context, null, bridge, token, storage, (result) => results.push(result));
  return results[0];
}

/**
 * `trainOnThread` for several runs that differ in their seed, those that this thread takes. Files of a run that did not come to its own end
 * are the caller's to discard, and so is the thread.
 *
 * @param onResult told of each run when its model is saved, and its place among them; what it throws ends the job
 */
export function trainSeedsOnThread(
  context: TrainingOperationContext,
  job: SeedsJob,
  bridge: ProgressBridge,
  token: SharedToken | SignallingToken,
  storage: ModelStorage,
  onResult: (result: TrainingResult, run: number) => void,
): Promise<void> {
  return runOnThread(context, job, bridge, token, storage, onResult);
}

async function runOnThread(
  context: TrainingOperationContext,
  job: SeedsJob | null,
  bridge: ProgressBridge,
  token: SharedToken | SignallingToken,
  storage: ModelStorage,
  onResult: (result: TrainingResult, run: number) => void,
): Promise<void> {
  if (token.isCancelled) throw new CancelledError();
  const memory = "memory" in token ? token.memory : createControlBlock();
  const script = scriptFor(context);
  const worker = job?.thread ?? takeThread(script);
  let left = false; // whether files of an unfinished model may be left: the run did not come to its own end
  let forget = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        requestStop(memory);
        // A worker that is still loading modules or checking the request has touched nothing and can be ended at once.
        if (!claimRun(memory)) return;
        left = false;
        reject(new CancelledError());
      };
      let listenerError: Error | undefined;
      const read = createReportReader(memory);
      const tell = (work: () => void): void => {
        try {
          work();
        } catch (error) {
          // The run is stopped in order, through its own clean-up; then the listener's error is what is reported.
          listenerError ??= error as Error;
          requestStop(memory);
        }
      };
      const onMessage = (message: WorkerMessage): void => {
        if (typeof message === "number" || !("type" in message)) {
          return tell(() => read(message).forEach((event) => deliver(bridge, event)));
        }
        if (message.type === "done") return tell(() => onResult(message.result, message.run));
        left = false;
        if (message.type === "failed") reject(listenerError ?? fromErrorData(message.error));
        else if (listenerError === undefined) resolve();
        else reject(listenerError);
      };
      const onError = (error: NodeJS.ErrnoException): void => {
        reject(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? new OutOfMemoryError(error) : error);
      };
      const onExit = (code: number): void =>
        reject(new Error(`The training thread ended unexpectedly (exit code ${code}).`));
      token.signal.addEventListener("abort", onAbort, { once: true });
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      forget = () => {
        token.signal.removeEventListener("abort", onAbort);
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      };
      const { checked, ...rest } = context;
      const check = (): readonly StrategyData[] | null =>
        script === "worker" ? null : [checked ?? strategyToData(strategyOf(context))];
      const request: WorkerRequest = {
        context: rest,
        shared: job === null ? null : job.shared,
        strategies: job === null ? check() : job.strategies,
        modelsFolder: storage.root,
        memory,
        isHeard: bridge !== silentBridge,
        givesWay: trainingsGiveWay,
      };
      left = true;
      worker.postMessage(request, request.shared === null ? [] : portsOf(request.shared));
    });
  } finally {
    forget();
    // Not waited for: the run is over and its files are gone by now, but giving hundreds of megabytes back to the system takes a
    // thread up to 70 ms, and whoever asked for a stop may be told in 50.
    if (job === null) {
      void worker.terminate();
      if (left) storage.discardUnfinished(context.operationId);
    }
  }
}
