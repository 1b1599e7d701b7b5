import { linkSync, mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sampleModel } from "../test/sample-model.js";
import { importBuilt } from "./built.js";
import { runKtrdr, runNode, storeBars } from "./commands.js";
import { measured, type Bench, type Measure, type Target } from "./measure.js";
import { interleave, median, spread } from "./timing.js";

/** The strategy that whole commands train. */
export const strategyPath = fileURLToPath(new URL("../config/strategies/example.yaml", import.meta.url));

const symbols = ["SYN1", "SYN2", "SYN3"];
/** Trading days of ten years. */
export const tenYears = 2520;
const epochs = 100;
const models = 10_000;

type Built = Awaited<ReturnType<typeof importBuilt>>;

/**
 * Fills a folder's `models` with one small model many times over. The copies are links to its manifest alone, which is all that a
 * list reads: making and removing the other files of 10,000 models takes longer than everything that is measured here.
 */
function storeModels({ ModelStorage, neverCancelled }: Built, folder: string, count: number): void {
  const storage = new ModelStorage(join(folder, "models"));
  const { path } = storage.publish(sampleModel(), { operationId: "bench", token: neverCancelled });
  for (let version = 2; version <= count; version++) {
    const copy = join(storage.root, "example", `1d_v${version}`);
    mkdirSync(copy);
    linkSync(join(path, "manifest.json"), join(copy, "manifest.json"));
  }
  const { length } = storage.list();
  if (length !== count) throw new Error(`${count} models were stored and ${length} are listed`);
}

/**
 * Milliseconds from `run()` until training begins, loading data not counted: start of the thread, strategy, indicators,
 * degrees, features, labels, split. With `prepared` the thread has been started before, as the command line does.
 */
async function fixedCost(built: Built, folder: string, prepared: boolean): Promise<number> {
  const { createCancellation, LocalTrainingOrchestrator, ModelStorage, prepareTrainingThread, silentBridge } =
    built;
  if (prepared) {
    prepareTrainingThread();
    // Time enough to start; nothing else tells.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
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
  try {
    await storeBars(folder, symbols, tenYears);
    storeModels(built, folder, models);
    const train = ["models", "train", "--strategy", strategyPath, "--symbols", ...symbols];
    const trainFlags = ["--timeframes", "1d", "--epochs", String(epochs)];
    const into = ["--models-dir", join(folder, "trained")];
    const start = "node -e 0";
    const help = "ktrdr --help";
    const list = `models list with ${models.toLocaleString("en-US")} models`;
    const training = `models train of example.yaml, 3 symbols × 10 years daily, ${epochs} epochs, cold process`;
    const first = "from run() to the first batch beyond loading data";
    const firstPrepared = `${first}, thread prepared as the command line does`;
    const rounds = quick ? 1 : 9;
    const times = await interleave(
      {
        [start]: () => runNode(folder, ["-e", "0"]).ms,
        [help]: () => runKtrdr(folder, ["--help"]).ms,
        [list]: () => runKtrdr(folder, ["models", "list"]).ms,
        [training]: () => runKtrdr(folder, [...train, ...trainFlags, ...into]).ms,
        [first]: () => fixedCost(built, folder, false),
        [firstPrepared]: () => fixedCost(built, folder, true),
      },
      rounds,
    );
    note(`rounds: ${rounds}, after one that is not counted`);
    for (const [name, ms] of Object.entries(times)) note(`${name}: ${spread(ms)} ms`);
    const inStarts = (name: string, atLeast: number, aim: number): Measure => {
      const target: Target = { atLeast, aim, better: "lower" };
      const value = median(times[name]) / median(times[start]);
      return measured(`${name}, in starts of node -e 0`, value, "starts of node -e 0", target);
    };
    return [
      inStarts(training, 40, 20),
      inStarts(help, 5, 3),
      inStarts(list, 15, 6),
      measured(first, median(times[first]), "ms", { atLeast: 60, aim: 40, better: "lower" }),
      measured(firstPrepared, median(times[firstPrepared]), "ms"),
    ];
  } finally {
    // Not rmSync, which takes 19 s for 10,000 folders where this takes 1.5 (Node 20).
    await rm(folder, { recursive: true, force: true });
  }
};
