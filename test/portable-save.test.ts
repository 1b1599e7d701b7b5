import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import {
  BarStore,
  createCancellation,
  DataManager,
  ModelStorage,
  parseStrategy,
  TrainingPipeline,
  type TrainingResult,
} from "../src/index.js";
import type { OnnxRuntime } from "../src/portable/onnxruntime.js";
import { makeBars } from "./bars.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

/** What the run finds in place of onnxruntime; faults that the real one does not show on demand. */
let found: () => OnnxRuntime | null;
vi.mock("../src/portable/onnxruntime.js", async (original) => ({
  ...(await original<object>()),
  findOnnxRuntime: () => found(),
}));

/** A runtime that opens anything, and whose answer is `answer`. */
const runtime = (
  answer: (rows: number) => Float32Array,
  onOpen: () => void = () => undefined,
): OnnxRuntime => ({
  version: "0.0.0",
  open: async () => {
    onOpen();
    return {
      run: async (inputs) => answer(Object.values(inputs)[0].length),
      close: async () => undefined,
    };
  },
});

async function run(
  token = createCancellation().token,
): Promise<{ result: Promise<TrainingResult>; models: string }> {
  const home = temporaryFolder();
  const store = new BarStore(join(home, "data"));
  await store.save(makeBars());
  const models = join(home, "models");
  const result = TrainingPipeline.trainStrategy({
    symbols: ["SYN1"],
    timeframes: ["1d"],
    strategyConfig: parseStrategy(strategyText(), null),
    startDate: null,
    endDate: null,
    modelStorage: new ModelStorage(models),
    dataManager: new DataManager(store),
    cancellationToken: token,
  });
  return { result, models };
}

test("a model is not saved where onnxruntime gives other probabilities", async () => {
  found = () => runtime((rows) => new Float32Array(3 * rows).fill(1 / 3));
  const { result, models } = await run();
  await expect(result).rejects.toMatchObject({ code: "PORTABLE_MODEL_DIFFERS" });
  expect(existsSync(models)).toBe(false);
});

test("NaN for a number is a difference", async () => {
  found = () => runtime((rows) => new Float32Array(3 * rows).fill(NaN));
  await expect((await run()).result).rejects.toMatchObject({ code: "PORTABLE_MODEL_DIFFERS" });
});

test("nor where it refuses the file", async () => {
  const failing = new Error("Unsupported operator");
  found = () => ({ version: "0.0.0", open: () => Promise.reject(failing) });
  const { result, models } = await run();
  await expect(result).rejects.toMatchObject({
    code: "PORTABLE_MODEL_DIFFERS",
    message: expect.stringContaining("Unsupported operator") as string,
  });
  expect(existsSync(models)).toBe(false);
});

test("a stop during the check leaves no model", async () => {
  const cancellation = createCancellation();
  found = () =>
    runtime(
      (rows) => new Float32Array(3 * rows),
      () => cancellation.cancel(),
    );
  const { result, models } = await run(cancellation.token);
  await expect(result).rejects.toMatchObject({ code: "CANCELLED" });
  expect(existsSync(models)).toBe(false);
});

test("a runtime that does not load is a notice, and a missing one is none; both are recorded", async () => {
  found = () => {
    throw new Error("wrong platform");
  };
  const broken = await (await run()).result;
  expect(broken.notices.join()).toContain(
    "model.onnx was not checked: onnxruntime is installed and does not load (wrong platform)",
  );
  found = () => null;
  const { result, models } = await run();
  expect((await result).notices.join()).not.toContain("onnx");
  const { metadata } = new ModelStorage(models).load("journey");
  expect(metadata["onnx_check"]).toEqual({ checked_with: null, rows: 0, largest_difference: null });
});
