import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { strategyText } from "../test/journey-strategies.js";
import { importBuilt } from "./built.js";
import { measured, type Bench } from "./measure.js";
import { interleave, median, spread, type Variant } from "./timing.js";

/** Twelve inputs, [32, 16], batches of 32; 70 % of 3,600 bars are some 2,500 training samples: W1 as a strategy. */
function w1Strategy(epochs: number): string {
  const set = (low: number, high: number): string => `
    low: { type: sigmoid, parameters: [${low}, ${-8 / (high - low)}] }
    middle: { type: gaussian, parameters: [${(low + high) / 2}, ${(high - low) / 6}] }
    high: { type: sigmoid, parameters: [${high}, ${8 / (high - low)}] }`;
  return strategyText({
    name: "w1",
    indicators: `
  - { name: rsi, feature_id: rsi_14, period: 14 }
  - { name: williamsr, feature_id: wr_14, period: 14 }
  - { name: roc, feature_id: roc_10, period: 10 }
  - { name: adx, feature_id: adx_14, period: 14 }`,
    fuzzy_sets: `
  rsi_14:${set(30, 70)}
  wr_14:${set(-80, -20)}
  roc_10:${set(-3, 3)}
  adx_14:${set(15, 40)}`,
    model: `
  architecture: { hidden_layers: [32, 16], activation: relu, dropout: 0 }
  training: { epochs: ${epochs}, batch_size: 32, learning_rate: 0.001 }`,
  });
}

/** Several whole runs from different seeds, as `models train --seeds` does them: on all cores and on one. */
export const benchSeeds: Bench = async ({ quick, engine, note }) => {
  const built = await importBuilt();
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-bench-"));
  const count = quick ? 4 : 20;
  const all = availableParallelism();
  try {
    const dataFolder = join(folder, "data");
    const bars = await built.sampleBars({ symbol: "SYN1", timeframe: "1d", seed: 42, bars: 3_600 });
    await new built.BarStore(dataFolder).save(bars);
    const strategyPath = join(folder, "w1.yaml");
    writeFileSync(strategyPath, w1Strategy(100));
    const storage = new built.ModelStorage(join(folder, "models"));
    const context = {
      operationId: "bench",
      strategyPath,
      symbols: ["SYN1"],
      timeframes: ["1d"],
      dataFolder,
      engine,
    };
    const seeds = Array.from({ length: count }, (_, k) => k + 1);
    const runs =
      (threads: number): Variant =>
      async () => {
        const listener = { bridge: built.silentBridge, onRun: () => undefined };
        const { token } = built.createCancellation();
        const started = performance.now();
        await built.trainSeeds(context, seeds, threads, listener, token, storage);
        return performance.now() - started;
      };
    const times = await interleave({ one: runs(1), all: runs(all) }, quick ? 1 : 9);
    note(`${count} runs on one core: ${spread(times["one"])} ms; on ${all}: ${spread(times["all"])} ms`);
    note(`by round: ${spread(times["one"].map((ms, round) => ms / times["all"][round]))} x`);
    const ratio = median(times["one"]) / median(times["all"]);
    const target = { atLeast: 1.7, aim: 1.9, better: "higher" } as const;
    return [measured("20 runs (seeds) of W1 on both cores, against one core", ratio, "x", target)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
