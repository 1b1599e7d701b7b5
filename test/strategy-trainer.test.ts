import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import {
  BarStore,
  createCancellation,
  DataManager,
  ModelStorage,
  parseStrategy,
  StrategyTrainer,
  TrainingPipeline,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

test("every construction warns, naming both ways that take its place", () => {
  const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  new StrategyTrainer();
  new StrategyTrainer("elsewhere");
  const calls = emit.mock.calls.map(([message, type]) => [String(message), type]);
  emit.mockRestore();
  expect(calls).toHaveLength(2);
  for (const [message, type] of calls) {
    expect(type).toBe("DeprecationWarning");
    expect(message).toMatch(/removed/);
    expect(message).toMatch(/LocalTrainingOrchestrator.*HostTrainingOrchestrator/);
  }
});

test("Node shows the warning at each construction, not once", async () => {
  const shown: Error[] = [];
  const listen = (warning: Error): void => void shown.push(warning);
  process.on("warning", listen);
  new StrategyTrainer();
  new StrategyTrainer();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listen);
  expect(shown.map(({ name }) => name)).toEqual(["DeprecationWarning", "DeprecationWarning"]);
});

test("it trains by the pipeline: same weights, callback and token as they came", async () => {
  const folder = temporaryFolder();
  const strategyPath = join(folder, "journey.yaml");
  const dataFolder = join(folder, "data");
  writeFileSync(strategyPath, strategyText());
  await new BarStore(dataFolder).save(makeBars());
  const trainer = new StrategyTrainer(join(folder, "models"));
  let reports = 0;
  const trained = await trainer.trainStrategy({
    strategyPath,
    dataFolder,
    progressCallback: () => reports++,
  });
  const strategy = parseStrategy(strategyText(), null);
  const direct = await TrainingPipeline.trainStrategy({
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    strategyConfig: strategy,
    startDate: null,
    endDate: null,
    modelStorage: new ModelStorage(join(folder, "direct")),
    dataManager: new DataManager(new BarStore(dataFolder)),
  });
  const hash = (path: string): string =>
    createHash("sha256")
      .update(readFileSync(join(path, "weights.safetensors")))
      .digest("hex");
  expect(hash(trained.model_path)).toBe(hash(direct.model_path));
  expect(reports).toBeGreaterThan(20);
  const { token, cancel } = createCancellation();
  cancel();
  await expect(
    trainer.trainStrategy({ strategyPath, dataFolder, cancellationToken: token }),
  ).rejects.toMatchObject({ code: "CANCELLED" });
});
