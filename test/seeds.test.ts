import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import {
  BarStore,
  DataManager,
  LossNotFiniteError,
  MemoryLimitError,
  ModelStorage,
  parseStrategy,
  referenceEngine,
  TrainingPipeline,
  withOverrides,
  type Engine,
  type Network,
  type TrainingProgress,
  type TrainingResult,
  type TrainRequest,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { importBuilt } from "./built.js";
import { describeWithComponent } from "./components.js";
import { missingGpu } from "./gpu.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

const text = strategyText();
const strategy = parseStrategy(text, null);
const bars = makeBars({ count: 900 });
const seeds = [7, 8, 9, 10, 11];
const runs = seeds.map((seed) => ({
  strategyConfig: withOverrides(strategy, { seed }),
  operationId: `many-${seed}`,
}));

async function requestOver(more: Partial<TrainRequest> = {}) {
  const folder = temporaryFolder();
  const store = new BarStore(join(folder, "data"));
  await store.save(bars);
  return {
    symbols: ["SYN1"],
    timeframes: ["1d"] as const,
    startDate: null,
    endDate: null,
    modelStorage: new ModelStorage(join(folder, "models")),
    dataManager: new DataManager(store),
    engine: referenceEngine,
    ...more,
  };
}

/** An engine that advances networks together by advancing each; it notes of how many, and can spoil the loss of one seed. */
function together(engine: Engine, spoiled?: number): { engine: Engine; asked: number[] } {
  const asked: number[] = [];
  const bad = new Set<Network>();
  return {
    asked,
    engine: {
      ...engine,
      together: {
        createNetworks: (spec, from, token) =>
          from.map((seed) => {
            const network = engine.createNetwork(spec, seed, token);
            if (seed === spoiled) bad.add(network);
            return network;
          }),
        load: (_, samples) => samples,
        trainBatches(requests, token) {
          asked.push(requests.length);
          return requests.map(({ network, count, learningRate, perBatch }) => {
            const sums = network.trainBatches(count, learningRate, token, perBatch);
            return bad.has(network) ? { ...sums, lossSum: NaN } : sums;
          });
        },
        evaluate: (networks, samples, token) => networks.map((network) => network.evaluate(samples, token)),
      },
    },
  };
}

/** A model's files without what tells runs apart: identity, trials, and all that a clock said. */
function contentOf(path: string): Record<string, string> {
  const own = ["operation_id", "created_at", "time_receipt", "training_time", "trials"];
  const files = readdirSync(path).filter((name) => name !== "manifest.json");
  return Object.fromEntries(
    files.map((name) => {
      const bytes = readFileSync(join(path, name));
      if (!["metadata.json", "metrics.json"].includes(name)) return [name, bytes.toString("hex")];
      const without = (key: string, value: unknown): unknown => (own.includes(key) ? undefined : value);
      return [name, JSON.stringify(JSON.parse(bytes.toString("utf8"), without))];
    }),
  );
}

/** Names of model folders and unfinished ones; empty where there are none. */
function left(storage: ModelStorage): string[] {
  try {
    return readdirSync(join(storage.root, "journey")).filter((name) => !name.startsWith(".deleted"));
  } catch {
    return [];
  }
}

async function aloneWith(request: Awaited<ReturnType<typeof requestOver>>): Promise<TrainingResult[]> {
  const results: TrainingResult[] = [];
  for (const run of runs) results.push(await TrainingPipeline.trainStrategy({ ...request, ...run }));
  return results;
}

describe("several seeds on data prepared once", () => {
  test("give the files of runs alone, trained together or one after the other", async () => {
    const request = await requestOver();
    const alone = await aloneWith(request);
    for (const engine of [together(referenceEngine).engine, referenceEngine]) {
      const results: TrainingResult[] = [];
      await TrainingPipeline.trainSeeds({ ...request, engine }, runs, (result, run) => {
        expect(run).toBe(results.length);
        results.push(result);
      });
      expect(results).toHaveLength(seeds.length);
      for (const [k, { model_path }] of results.entries()) {
        expect(contentOf(model_path), `seed ${seeds[k]}`).toEqual(contentOf(alone[k].model_path));
        const phases = Object.keys(alone[k].time_receipt);
        expect(Object.keys(results[k].time_receipt)).toEqual(expect.arrayContaining(phases));
      }
      const [many] = results.map(({ time_receipt }) => time_receipt.trained_together);
      expect(many).toBe(engine === referenceEngine ? undefined : seeds.length);
    }
  });

  test("report what the first run alone reports", async () => {
    const request = await requestOver();
    const heard: TrainingProgress[] = [];
    const progressCallback = (event: TrainingProgress): void => void heard.push(event);
    await TrainingPipeline.trainStrategy({ ...request, ...runs[0], progressCallback });
    const alone = heard.splice(0);
    for (const engine of [together(referenceEngine).engine, referenceEngine]) {
      await TrainingPipeline.trainSeeds({ ...request, engine, progressCallback }, runs, () => undefined);
      expect(heard.splice(0)).toEqual(alone);
    }
  });

  test("one whose loss is not finite ends them with its error, and those beside it are saved", async () => {
    const { engine } = together(referenceEngine, seeds[1]);
    const request = await requestOver({ engine });
    const saved: number[] = [];
    const ended = TrainingPipeline.trainSeeds(request, runs, (_, run) => saved.push(seeds[run]));
    await expect(ended).rejects.toThrow(LossNotFiniteError);
    expect(saved).toEqual([7, 9, 10, 11]);
    expect(left(request.modelStorage).sort()).toEqual(["1d_v1", "1d_v2", "1d_v3", "1d_v4"]);
  });

  test("where memory does not hold them all, fewer train at once, with the same weights", async () => {
    const whole = await requestOver();
    const refused = TrainingPipeline.trainStrategy({ ...whole, ...runs[0], maxMemoryBytes: 1 });
    const { estimatedBytes } = (await refused.catch((error: unknown) => error)) as MemoryLimitError;
    const weights = (await aloneWith(whole)).map(
      ({ model_path }) => contentOf(model_path)["weights.safetensors"],
    );
    const { engine, asked } = together(referenceEngine);
    // A network of this strategy takes some 30 KB.
    const request = await requestOver({ engine, maxMemoryBytes: estimatedBytes + 70_000 });
    const results: TrainingResult[] = [];
    await TrainingPipeline.trainSeeds(request, runs, (result) => results.push(result));
    expect(Math.max(...asked)).toBeLessThan(seeds.length);
    expect(results.map(({ model_path }) => contentOf(model_path)["weights.safetensors"])).toEqual(weights);
  });
});

const ktrdr = await importBuilt();

/** `trainSeeds` of the built package, which starts threads. */
async function onThreads(
  engine: string,
  {
    stop,
    written = text,
    more = {},
  }: { stop?: "in training" | "after the first"; written?: string; more?: object } = {},
) {
  const folder = temporaryFolder();
  const dataFolder = join(folder, "data");
  await new BarStore(dataFolder).save(bars);
  const storage = new ktrdr.ModelStorage(join(folder, "models"));
  const { token, cancel } = ktrdr.createCancellation();
  const heard: number[] = [];
  let threads = 0;
  const count = (): void => void threads++;
  process.on("worker", count);
  const onPhase = ({ phase }: { phase: string }): void => {
    if (stop === "in training" && phase === "training") cancel();
  };
  const bridge = { ...ktrdr.silentBridge, onPhase };
  const onRun = (_: unknown, done: number): void => {
    heard.push(done);
    if (stop === "after the first") cancel();
  };
  const context = {
    operationId: "many",
    strategyPath: "journey.yaml",
    strategyText: written,
    dataFolder,
    engine,
    ...more,
    // So many that the stop finds it still training.
    ...(stop === "in training" ? { epochs: 10_000 } : {}),
  };
  const outcome = await ktrdr
    .trainSeeds(context, seeds, 2, { bridge, onRun }, token, storage)
    .catch((error: unknown) => error as Error);
  process.off("worker", count);
  return { outcome, heard, threads, storage };
}

function onEngine(name: string, threadsUsed: number): void {
  test("seeds give the weights that each gives alone, on threads as they are of use", async () => {
    const { outcome, heard, threads } = await onThreads(name);
    if (outcome instanceof Error) throw outcome;
    expect(outcome.seeds).toEqual(seeds);
    expect(heard).toEqual([1, 2, 3, 4, 5]);
    expect(threads).toBe(threadsUsed);
    const alone = await aloneWith(await requestOver({ engine: ktrdr.findEngine(name) }));
    for (const [k, run] of outcome.runs.entries()) {
      expect(run.session_info.operation_id).toBe(`many-${seeds[k]}`);
      expect(run.resource_usage.engine).toBe(name);
      const weights = (path: string): string => contentOf(path)["weights.safetensors"];
      expect(weights(run.model_path), `seed ${seeds[k]}`).toBe(weights(alone[k].model_path));
    }
  });

  test("a stop in training leaves nothing; one after a run leaves that run's model", async () => {
    const early = await onThreads(name, { stop: "in training" });
    expect(early.outcome).toMatchObject({ code: "CANCELLED" });
    expect(early.heard).toEqual([]);
    expect(left(early.storage)).toEqual([]);
    const late = await onThreads(name, { stop: "after the first" });
    expect(late.outcome).toMatchObject({ code: "CANCELLED" });
    expect(late.heard.length).toBeGreaterThan(0);
    const models = late.storage.list();
    expect(left(late.storage).length, "no folder of an unfinished model").toBe(models.length);
    expect(models.length).toBeGreaterThanOrEqual(late.heard.length);
    expect(models.length).toBeLessThan(seeds.length);
  });
}

describe("on the engine for processors", () => {
  onEngine("wasm", 2);

  test("a file so large that threads check it gives the same", async () => {
    const large = `${text}\n# ${"long ".repeat(60_000)}`;
    const [one, other] = [await onThreads("wasm"), await onThreads("wasm", { written: large })];
    if (one.outcome instanceof Error) throw one.outcome;
    expect(other.outcome).toMatchObject({ seeds, summary: one.outcome.summary });
  });

  test("one thread prepares the data for all", async () => {
    const { outcome, threads } = await onThreads("wasm");
    if (outcome instanceof Error) throw outcome;
    const loading = outcome.runs.map(
      ({ time_receipt: times }) => (times as Record<string, number>)["loading_data"],
    );
    expect([threads, new Set(loading).size]).toEqual([2, 1]);
  });

  test("the death of a thread that others wait for is no stop", async () => {
    for (const delay of [0, 10, 20, 30, 40]) {
      let first = true;
      const die = (worker: Worker): void => {
        if (first) setTimeout(() => void worker.terminate(), delay);
        first = false;
      };
      process.on("worker", die);
      const { outcome, storage } = await onThreads("wasm", { more: { epochs: 10_000 } });
      process.off("worker", die);
      if (!(outcome instanceof Error)) throw new Error(`completed, killed after ${delay} ms`);
      expect(outcome.message, `${delay} ms`).toMatch(/ended unexpectedly/);
      expect(left(storage)).toEqual([]);
    }
  });

  test.each([
    ["bars", { symbols: ["NONE"] }, "NO_BARS", text],
    ["memory", { maxMemoryBytes: 1000 }, "MEMORY_LIMIT", text],
    ["valid strategy", {}, "STRATEGY_INVALID", `${text}\nsurplus: 1\n# ${"long ".repeat(60_000)}`],
  ])(
    "threads that wait for data that never comes end with the reason: no %s",
    async (_, more, code, written) => {
      const { outcome, heard, storage } = await onThreads("wasm", { more, written });
      expect(outcome).toMatchObject({ code });
      expect([heard, left(storage)]).toEqual([[], []]);
    },
  );
});
describeWithComponent("on the engine for GPUs", missingGpu, () => onEngine("webgpu", 1));
