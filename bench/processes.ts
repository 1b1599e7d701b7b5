import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBars } from "../test/bars.js";
import { sampleModel } from "../test/sample-model.js";
import { builtCommand, importBuilt } from "./built.js";
import { measured, type Bench, type Measure, type Target } from "./measure.js";
import { interleave, median, spread, timed, type Variant } from "./timing.js";

const strategyPath = fileURLToPath(new URL("../config/strategies/example.yaml", import.meta.url));
const symbols = ["SYN1", "SYN2", "SYN3"];
/** Trading days of ten years. */
const bars = 2520;
const epochs = 100;

type Built = Awaited<ReturnType<typeof importBuilt>>;

/** Runs Node in a folder until it has ended. @throws where it fails */
function nodeProcess(cwd: string, args: readonly string[]): Variant {
  const env = { ...process.env, KTRDR_HOME: cwd, KTRDR_DATA_DIR: "", KTRDR_MODELS_DIR: "", NO_COLOR: "1" };
  return () =>
    timed(() => {
      const { status, stderr, error } = spawnSync(process.execPath, args, { cwd, env, maxBuffer: 1 << 28 });
      if (status === 0) return;
      throw new Error(`node ${args.join(" ")} ended with ${status}: ${String(stderr)}`, { cause: error });
    });
}

/** Stores seeded daily bars of each symbol under a folder's `data`. */
async function storeBars({ BarStore }: Built, folder: string): Promise<void> {
  const store = new BarStore(join(folder, "data"));
  for (const [index, symbol] of symbols.entries()) {
    await store.save(makeBars({ symbol, count: bars, start: "2014-01-01", seed: index + 1 }));
  }
}

/** Fills a folder's `models` with as many copies of one small model. */
function storeModels({ ModelStorage, neverCancelled }: Built, folder: string, count: number): void {
  const storage = new ModelStorage(join(folder, "models"));
  const { path } = storage.publish(sampleModel(), { operationId: "bench", token: neverCancelled });
  for (let version = 2; version <= count; version++) {
    cpSync(path, join(storage.root, "example", `1d_v${version}`), { recursive: true });
  }
  const { length } = storage.list();
  if (length !== count) throw new Error(`${count} models were stored and ${length} are listed`);
}

/**
 * Milliseconds from `run()` until training begins, loading data not counted: start of the worker, strategy, indicators,
 * degrees, features, labels, split.
 */
async function fixedCost(built: Built, folder: string): Promise<number> {
  const { createCancellation, LocalTrainingOrchestrator, ModelStorage, silentBridge } = built;
  let begun = NaN;
  const bridge = {
    ...silentBridge,
    onPhase: ({ phase }: { phase: string }) => {
      if (phase === "training") begun = performance.now();
    },
  };
  const context = {
    operationId: "bench",
    strategyPath,
    symbols,
    timeframes: ["1d"],
    dataFolder: join(folder, "data"),
    epochs: 1,
  };
  const storage = new ModelStorage(join(folder, "models-fixed"));
  const asked = performance.now();
  const run = new LocalTrainingOrchestrator(context, bridge, createCancellation().token, storage).run();
  const { time_receipt } = await run;
  return begun - asked - 1000 * time_receipt["loading_data"];
}

/** Whole commands as people start them, each in a process of its own, in starts of `node -e 0`. */
export const benchProcesses: Bench = async ({ quick, note }) => {
  const built = await importBuilt();
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-bench-"));
  const listed = quick ? 1_000 : 10_000;
  try {
    await storeBars(built, folder);
    storeModels(built, folder, listed);
    const train = ["models", "train", "--strategy", strategyPath, "--symbols", ...symbols];
    const trainFlags = [
      "--timeframes",
      "1d",
      "--epochs",
      String(epochs),
      "--models-dir",
      join(folder, "trained"),
    ];
    const start = "node -e 0";
    const help = "ktrdr --help";
    const list = `models list with ${listed.toLocaleString("en-US")} models`;
    const training = `models train of example.yaml, 3 symbols × 10 years daily, ${epochs} epochs, cold process`;
    const times = await interleave(
      {
        [start]: nodeProcess(folder, ["-e", "0"]),
        [help]: nodeProcess(folder, [builtCommand, "--help"]),
        [list]: nodeProcess(folder, [builtCommand, "models", "list"]),
        [training]: nodeProcess(folder, [builtCommand, ...train, ...trainFlags]),
        "from run() to the first batch beyond loading data": () => fixedCost(built, folder),
      },
      quick ? 2 : 9,
    );
    for (const [name, ms] of Object.entries(times)) note(`${name}: ${spread(ms)} ms`);
    const inStarts = (name: string, atLeast: number, aim: number): Measure => {
      const target: Target = { atLeast, aim, better: "lower" };
      return measured(name, median(times[name]) / median(times[start]), "starts of node -e 0", target);
    };
    const first = "from run() to the first batch beyond loading data";
    return [
      inStarts(training, 40, 20),
      inStarts(help, 5, 3),
      inStarts(list, 15, 6),
      measured(first, median(times[first]), "ms", { atLeast: 60, aim: 40, better: "lower" }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
