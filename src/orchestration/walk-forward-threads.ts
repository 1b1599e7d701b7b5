import { Worker } from "node:worker_threads";
import {
  CancelledError,
  fromErrorData,
  requestStop,
  throwIfCancelled,
  tokenOf,
  type ErrorData,
  type ControlBlock,
  type SharedToken,
} from "../core/index.js";
import { BarStore, DataManager } from "../data/index.js";
import type { FoldPlan } from "../dataset/index.js";
import { chooseEngine } from "../engines/index.js";
import {
  prepareFolds,
  runFold,
  stitchFolds,
  type FoldResult,
  type LeakReceipt,
  type StitchedBacktest,
  type StitchRequest,
} from "../pipeline/index.js";
import type { TrainingOperationContext } from "./context.js";
import { OutOfMemoryError, usableMemory } from "./out-of-memory.js";
import { strategyOf } from "./request-strategy.js";
import { batchWorkOf } from "./run-training.js";
import { takeThread } from "./training-thread.js";

/** A walk-forward as plain data, fit to cross to threads. */
export interface WalkForwardJob {
  readonly context: Omit<TrainingOperationContext, "operationId">;
  readonly plan: FoldPlan;
  /** Bar times; null for that of the strategy file. */
  readonly embargo: number | null;
  readonly seeds: readonly number[];
  readonly stitch: StitchRequest;
}

/** What a thread is asked to do; it gets several of these, one after the other. */
export type WalkForwardRequest =
  | {
      readonly walk: "prepare";
      readonly job: WalkForwardJob;
      readonly memory: ControlBlock;
      /** Whether it is the first one, which looks for leaks; the others make the same data. */
      readonly first: boolean;
    }
  | { readonly walk: "fold"; readonly fold: number; readonly seed: number }
  | { readonly walk: "stitch"; readonly results: readonly FoldResult[] };

/** What it answers. */
export type WalkForwardMessage =
  | {
      type: "prepared";
      folds: number;
      notices: readonly string[];
      leaks: LeakReceipt | null;
      estimatedBytes: number;
    }
  | { type: "fold"; result: FoldResult }
  | { type: "stitched"; stitched: StitchedBacktest }
  | { type: "failed"; error: ErrorData };

/** What came of a walk-forward. */
export interface WalkForwardOutcome {
  /** By fold, then by seed. */
  readonly folds: readonly FoldResult[];
  readonly stitched: StitchedBacktest;
  readonly notices: readonly string[];
  readonly leakReceipt: LeakReceipt;
}

function memoryLimit({ context }: WalkForwardJob): number {
  return context.maxMemoryBytes ?? usableMemory();
}

/** Answers the requests of one walk-forward on the thread that calls it; features are computed once, by the first. */
export function createWalkForwardServant(): (request: WalkForwardRequest) => Promise<WalkForwardMessage> {
  type State = {
    prepared: Awaited<ReturnType<typeof prepareFolds>>;
    job: WalkForwardJob;
    memory: ControlBlock;
  };
  let state: State | undefined;
  return async (request) => {
    if (request.walk === "prepare") {
      const { job, memory, first } = request;
      const strategy = strategyOf(job.context);
      const prepared = await prepareFolds(
        {
          strategy,
          dataManager: new DataManager(new BarStore(job.context.dataFolder)),
          startDate: strategy.startDate,
          endDate: strategy.endDate,
          plan: job.plan,
          embargo: job.embargo ?? strategy.split.embargo,
          maxMemoryBytes: memoryLimit(job),
        },
        tokenOf(memory),
        first,
      );
      state = { prepared, job, memory };
      const { folds, notices, leaks, estimatedBytes } = prepared;
      return { type: "prepared", folds: folds.length, notices, leaks, estimatedBytes };
    }
    const { prepared, job, memory } = state as State;
    const token = tokenOf(memory);
    if (request.walk === "fold") {
      const { engine } = chooseEngine(job.context.engine ?? "auto", 1, batchWorkOf(prepared.strategy));
      return { type: "fold", result: runFold(prepared, request.fold, request.seed, engine, token) };
    }
    return { type: "stitched", stitched: stitchFolds(prepared, request.results, job.stitch, token) };
  };
}

/** One thread and its next answer. */
class Servant {
  readonly worker: Worker;
  #settle: { resolve: (message: WalkForwardMessage) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(worker: Worker) {
    this.worker = worker;
    worker.on("message", (message: WalkForwardMessage) => {
      if (message.type === "failed") this.#fail(fromErrorData(message.error));
      else this.#settle?.resolve(message);
    });
    worker.on("error", (error: NodeJS.ErrnoException) => {
      this.#fail(
        error.code === "ERR_WORKER_OUT_OF_MEMORY" ? new OutOfMemoryError(error, "The walk-forward") : error,
      );
    });
    worker.on("exit", (code) =>
      this.#fail(new Error(`A thread of the walk-forward ended unexpectedly (exit code ${code}).`)),
    );
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle?.reject(this.#failure);
  }

  ask(request: WalkForwardRequest): Promise<WalkForwardMessage> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      this.#settle = { resolve, reject };
      this.worker.postMessage(request);
    });
  }
}

/**
 * Trains and tests all folds with all seeds, spread over threads, and trades the stitched predictions. Each thread computes
 * the features itself, which costs less than copying them; what comes out does not depend on the number of threads.
 *
 * @param threads 1 or more; fewer are used where the memory does not hold a copy for each
 * @param onFold  told of each fold as it ends, in whatever order that is
 * @throws CancelledError when the token was cancelled; nothing is written anywhere, so threads are ended at once
 * @throws MemoryLimitError, OutOfMemoryError, and every `KnownError` of the pipeline
 */
export async function walkForwardOnThreads(
  job: WalkForwardJob,
  threads: number,
  token: SharedToken,
  onFold: (result: FoldResult, done: number, all: number) => void,
): Promise<WalkForwardOutcome> {
  if (token.isCancelled) throw new CancelledError();
  const servants: Servant[] = [];
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      requestStop(token.memory);
      reject(new CancelledError());
    };
    token.signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work()]);
  } finally {
    token.signal.removeEventListener("abort", onAbort);
    // Not waited for: they have nothing to clean up, and giving back the memory of a million bars takes up to 90 ms.
    for (const { worker } of servants) void worker.terminate();
  }

  async function begin(first: boolean) {
    throwIfCancelled(token); // a thread that began after the others were ended would go on
    const servant = new Servant(takeThread("worker"));
    servants.push(servant);
    const answer = await servant.ask({ walk: "prepare", job, memory: token.memory, first });
    return { servant, ...(answer as Extract<WalkForwardMessage, { type: "prepared" }>) };
  }

  async function work(): Promise<WalkForwardOutcome> {
    const first = await begin(true);
    const waiting = Array.from({ length: first.folds }, (_, fold) =>
      job.seeds.map((seed) => ({ fold, seed })),
    ).flat();
    const all = waiting.length;
    const results: FoldResult[] = [];
    const serve = async (servant: Servant): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const answer = await servant.ask({ walk: "fold", ...next });
        const { result } = answer as Extract<WalkForwardMessage, { type: "fold" }>;
        results.push(result);
        onFold(result, results.length, all);
      }
    };
    // Each thread has a copy of everything: as many as the memory holds.
    const fitting = Math.max(1, Math.floor(memoryLimit(job) / first.estimatedBytes));
    const others = Array.from({ length: Math.min(threads, all, fitting) - 1 }, async () =>
      serve((await begin(false)).servant),
    );
    await Promise.all([serve(first.servant), ...others]);
    results.sort((a, b) => a.fold - b.fold || a.seed - b.seed);
    const answer = await first.servant.ask({ walk: "stitch", results });
    const { stitched } = answer as Extract<WalkForwardMessage, { type: "stitched" }>;
    const leaks = first.leaks as LeakReceipt;
    const samples = results
      .filter(({ seed }) => seed === job.seeds[0])
      .reduce(
        (sum, { train, validation, test }) => sum + train.samples + validation.samples + test.samples,
        0,
      );
    return {
      folds: results,
      stitched,
      notices: first.notices,
      leakReceipt: { ...leaks, labels: { ...leaks.labels, samples } },
    };
  }
}
