import { CancelledError, UsageError, type SignallingToken } from "../../core/index.js";
import { chooseEngine, findEngine } from "../../engines/index.js";
import type { ModelStorage } from "../../models/index.js";
import { mostTogether, type TrainingResult } from "../../pipeline/index.js";
import { silentBridge, type ProgressBridge } from "../bridge.js";
import { operationIds, type TrainingOperationContext } from "../context.js";
import { seedVariants, strategyToData } from "../../strategy/index.js";
import { strategyOf } from "../request-strategy.js";
import { batchWorkOf } from "../run-training.js";
import { closePart, shareSeeds } from "../shared-seeds.js";
import { scriptFor, takeThread, trainSeedsOnThread } from "../training-thread.js";
import { asLocal, type LocalTrainingResult } from "./local-orchestrator.js";

/** Mean and standard deviation (n - 1) over runs; null where a run has no such figure, the deviation also of one run. */
export interface Scatter {
  readonly mean: number | null;
  readonly deviation: number | null;
}

/** What several trainings that differ in their seed only have in common, and what not. */
export interface SeedsResult {
  readonly strategy_name: string;
  readonly seeds: readonly number[];
  /** One whole result for each seed, in order; each model is saved as a version of its own. */
  readonly runs: readonly LocalTrainingResult[];
  readonly summary: {
    readonly best_val_loss: Scatter;
    readonly best_val_accuracy: Scatter;
    readonly test_loss: Scatter;
    readonly test_accuracy: Scatter;
    readonly majority_class_accuracy: Scatter;
  };
}

/** Who listens to several runs: the first run's progress as it comes, and each run when it is over. */
export interface SeedsListener {
  readonly bridge: ProgressBridge;
  /** @param done runs that are over, this one included */
  onRun(result: LocalTrainingResult, done: number, runs: number): void;
}

/**
 * Trains the same strategy on the same bars from several seeds. An engine that advances many networks together gets all of them, on one
 * thread; else as many threads as asked for share them, since independent runs use all cores where one small network cannot. Each is
 * a whole run that `--seed` gives again on the same engine, to the bit.
 *
 * @param context  what to train; its `seed`, `threads` and `networks` are set here
 * @param seeds    distinct
 * @param threads  runs at a time
 * @throws CancelledError, and what a run throws: the others are stopped then, and models saved by then stay. One that trains together with
 *   others is no reason to stop those: they are trained and saved before its error is thrown
 */
export async function trainSeeds(
  context: TrainingOperationContext,
  seeds: readonly number[],
  threads: number,
  listener: SeedsListener,
  token: SignallingToken,
  storage: ModelStorage,
): Promise<SeedsResult> {
  if (seeds.length === 0 || new Set(seeds).size < seeds.length) {
    throw new UsageError(`The seeds must be distinct, and one at least: ${seeds.join(", ")}.`);
  }
  const { engine = "auto" } = context;
  const named = engine === "auto" ? null : findEngine(engine);
  const runs: LocalTrainingResult[] = [];
  const stopAll = new AbortController();
  const onAbort = (): void => stopAll.abort();
  token.signal.addEventListener("abort", onAbort, { once: true });
  // Each thread reads a control block of its own, which this token's signal sets.
  const ownToken: SignallingToken = {
    signal: stopAll.signal,
    get isCancelled() {
      return stopAll.signal.aborted || token.isCancelled;
    },
  };
  const ids = operationIds(context, seeds);
  const script = scriptFor(context);
  const most = named?.together === undefined ? Math.min(threads, seeds.length) : 1;
  const pool = Array.from({ length: most }, () => takeThread(script));
  let done = 0;
  try {
    // Checked here once, beside the threads' start.
    const strategy = script === "worker" ? null : strategyOf(context);
    const variants = strategy && seedVariants(strategy);
    const networks = Math.min(seeds.length, mostTogether);
    // Where the strategy is checked on the threads, they share the seeds whatever `auto` takes there.
    const taken =
      named ?? (strategy && chooseEngine(engine, 1, { ...batchWorkOf(strategy), networks }).engine);
    const together = taken?.together !== undefined;
    const workers = together ? pool.slice(0, 1) : pool;
    const shared = { ...context, networks: together ? networks : 1, threads: 1 };
    const strategies = variants && seeds.map((seed) => strategyToData(variants(seed)));
    const seedParts = shareSeeds(seeds, workers.length);
    const onResult = (result: TrainingResult, run: number): void => {
      runs[run] = asLocal(result, ids[run]);
      listener.onRun(runs[run], ++done, seeds.length);
    };
    const ends = await Promise.allSettled(
      workers.map((thread, k) => {
        const job = { thread, shared: seedParts[k], strategies };
        const bridge = k === 0 ? listener.bridge : silentBridge;
        return trainSeedsOnThread(shared, job, bridge, ownToken, storage, onResult).catch(
          (error: unknown) => {
            stopAll.abort();
            closePart(seedParts[k]); // where the thread has not got it
            // Its run is over. Threads that wait for its data learn so now, and not when it gets to its request.
            void thread.terminate();
            throw error;
          },
        );
      }),
    );
    // The first error that is not a consequence of another's stop.
    const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as Error] : []));
    const cause = errors.find((error) => !(error instanceof CancelledError)) ?? errors[0];
    if (cause !== undefined) {
      ids.forEach((id, run) => run in runs || storage.discardUnfinished(id));
      // Where nobody asked for a stop, the others waited for a thread that died.
      if (cause instanceof CancelledError && !token.isCancelled)
        throw new Error("A training thread ended unexpectedly.", { cause });
      throw cause;
    }
  } finally {
    token.signal.removeEventListener("abort", onAbort);
    for (const thread of pool) void thread.terminate();
  }
  return { strategy_name: runs[0].strategy_name, seeds, runs, summary: summarize(runs) };
}

function summarize(runs: readonly TrainingResult[]): SeedsResult["summary"] {
  const training = runs.map((run) => run.training_metrics);
  const test = runs.map(({ test_metrics: metrics }) => ("test_accuracy" in metrics ? metrics : null));
  return {
    best_val_loss: scatterOf(training.map((metrics) => metrics.best_val_loss)),
    best_val_accuracy: scatterOf(training.map((metrics) => metrics.best_val_accuracy)),
    test_loss: scatterOf(test.map((metrics) => metrics?.test_loss ?? null)),
    test_accuracy: scatterOf(test.map((metrics) => metrics?.test_accuracy ?? null)),
    majority_class_accuracy: scatterOf(test.map((metrics) => metrics?.majority_class_accuracy ?? null)),
  };
}

function scatterOf(values: readonly (number | null)[]): Scatter {
  const n = values.length;
  const numbers = values.filter((value) => value !== null);
  if (numbers.length < n) return { mean: null, deviation: null };
  const mean = numbers.reduce((sum, value) => sum + value, 0) / n;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: n < 2 ? null : Math.sqrt(squares / (n - 1)) };
}
