// Train on one synthetic symbol, test on another: npx tsx examples/train-and-test.ts
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BarStore,
  DataManager,
  loadStrategy,
  ModelStorage,
  sampleBars,
  testModel,
  TrainingPipeline,
} from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-example-"));
try {
  const store = new BarStore(join(folder, "data"));
  for (const symbol of ["SYN1", "SYN2"]) {
    await store.save(await sampleBars({ symbol, timeframe: "1d", bars: 1500, seed: 7 }));
  }
  const dataManager = new DataManager(store);
  const modelStorage = new ModelStorage(join(folder, "models"));

  const trained = await TrainingPipeline.trainStrategy({
    symbols: ["SYN1"],
    timeframes: ["1d"],
    strategyConfig: loadStrategy("config/strategies/example.yaml"),
    startDate: null,
    endDate: null,
    modelStorage,
    dataManager,
    progressCallback: (progress) => {
      if (progress.type === "phase") console.log(progress.phase);
    },
  });
  console.log(`\n${trained.model_name}: ${trained.verdict.statement}`);

  const model = modelStorage.load(trained.model_name);
  const range = { startDate: null, endDate: null };
  const tested = await testModel({ model, symbol: "SYN2", timeframe: "1d", dataManager, ...range });
  console.log(`\nOn SYN2: ${tested.verdict.statement}`);
} finally {
  rmSync(folder, { recursive: true });
}
