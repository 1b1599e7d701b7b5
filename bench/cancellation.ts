import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { importBuilt } from "./built.js";
import type { StopRequest } from "./cancellation-worker.js";
import { storeBars } from "./commands.js";
import { measured, type Bench, type Measure } from "./measure.js";
import { strategyPath, tenYears } from "./processes.js";
import { quantile } from "./timing.js";

type Built = Awaited<ReturnType<typeof importBuilt>>;
type Store = InstanceType<Built["OperationStore"]>;

/**
 * Stops of a whole run of three symbols, spread evenly over it: milliseconds from `cancel()` until the state `cancelled` is
 * stored.
 */
async function stopsOfRuns(
  built: Built,
  folder: string,
  store: Store,
  stops: number,
  engine: string,
): Promise<number[]> {
  const symbols = ["SYN1", "SYN2", "SYN3"];
  await storeBars(folder, symbols, tenYears);
  const context = { strategyPath, symbols, timeframes: ["1d"], dataFolder: join(folder, "data"), engine };
  const storage = new built.ModelStorage(join(folder, "models"));
  /** Latency of a stop after so many milliseconds; the whole run's time where it was over before. */
  const runOnce = async (afterMs: number): Promise<{ stopped: boolean; ms: number }> => {
    const { token, cancel } = built.createCancellation();
    let since = performance.now();
    const timer = setTimeout(
      () => {
        since = performance.now();
        cancel();
      },
      Math.min(afterMs, 1e9),
    );
    try {
      await built.runOperation({ store, type: "training", metadata: {}, cancel }, (run) => {
        const request = { ...context, operationId: run.id };
        return new built.LocalTrainingOrchestrator(request, built.silentBridge, token, storage).run();
      });
      return { stopped: false, ms: performance.now() - since };
    } catch (error) {
      if (!(error instanceof built.CancelledError)) throw error;
      return { stopped: true, ms: performance.now() - since };
    } finally {
      clearTimeout(timer);
    }
  };
  const whole = await runOnce(Infinity);
  const latencies: number[] = [];
  for (let k = 0; k < stops; k++) {
    const { stopped, ms } = await runOnce(((k + 0.5) / stops) * whole.ms * 0.95);
    if (stopped) latencies.push(ms);
  }
  return latencies;
}

/** Stops of W3 under way, at seeded moments: milliseconds until the state `cancelled` is stored. */
async function stopsOfW3(built: Built, store: Store, stops: number, engine: string): Promise<number[]> {
  const request: StopRequest = { engine };
  const worker = new Worker(new URL("cancellation-boot.mjs", import.meta.url), { workerData: request });
  const next = async (): Promise<unknown> => ((await once(worker, "message")) as [unknown])[0];
  const random = built.createRandom(1, "moments of stops");
  const latencies: number[] = [];
  try {
    await next();
    for (let k = 0; k < stops; k++) {
      const memory = built.createControlBlock();
      const id = store.create("training", {});
      store.start(id);
      const begun = next();
      worker.postMessage(memory);
      await begun;
      await new Promise((resolve) => setTimeout(resolve, 200 * random.uniform()));
      const ended = next();
      const since = performance.now();
      built.requestStop(memory);
      if ((await ended) !== "stopped") continue;
      store.finish(id, { status: "cancelled" });
      latencies.push(performance.now() - since);
    }
  } finally {
    await worker.terminate();
  }
  return latencies;
}

/** How long a stop takes, from asking until its state is stored. */
export const benchCancellation: Bench = async ({ quick, engine, note }) => {
  const built = await importBuilt();
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-bench-"));
  const store = new built.OperationStore(join(folder, "operations.db"));
  const results: Measure[] = [];
  const add = (name: string, latencies: readonly number[]): void => {
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantile(latencies, share));
    note(
      `${name}, ${latencies.length} stops: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${most.toFixed(1)} ms`,
    );
    results.push(measured(`${name}, p99`, p99, "ms", { atLeast: 50, aim: 10, better: "lower" }));
  };
  try {
    add("cancel during W3", await stopsOfW3(built, store, quick ? 6 : 200, engine));
    const runs = await stopsOfRuns(built, folder, store, quick ? 5 : 100, engine);
    add("cancel of a run of 3 symbols × 10 years daily, spread over the run", runs);
    return results;
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
