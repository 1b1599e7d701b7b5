import type { Engine } from "../src/engines/index.js";
import { importBuilt } from "./built.js";
import { figure, measured, type Bench, type Measure } from "./measure.js";
import { startPyTorch } from "./pytorch.js";
import { interleave, median, spread, type Variant } from "./timing.js";
import {
  flopsPerEpoch,
  learningRate,
  samplesOf,
  stepsPerEpoch,
  workloads,
  type Workload,
} from "./workloads.js";

type Built = Awaited<ReturnType<typeof importBuilt>>;

/** Trains some epochs from fresh weights: a new order of visit and one call for each. */
function training(built: Built, engine: Engine, workload: Workload, epochs: number): Variant {
  const { createRandom, neverCancelled, shuffle } = built;
  const samples = samplesOf(workload);
  return () => {
    const network = engine.createNetwork(workload.spec, 1);
    const loaded = network.load(samples);
    const order = Uint32Array.from({ length: workload.rows }, (_, i) => i);
    const random = createRandom(1, "order of visit");
    const started = performance.now();
    let loss = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(order, random);
      network.startEpoch(loaded, order, workload.batchSize);
      loss = network.trainBatches(Infinity, learningRate, neverCancelled).lossSum;
    }
    const ms = performance.now() - started;
    network.dispose();
    if (!Number.isFinite(loss)) throw new Error(`${workload.name}: the loss became ${loss}`);
    return ms;
  };
}

/** Training on each engine, against PyTorch in the same rounds where this machine has it. */
export const benchEngine: Bench = async ({ quick, note }) => {
  const built = await importBuilt();
  const pytorch = await startPyTorch();
  note(pytorch === null ? "PyTorch: not found, so not compared" : `PyTorch ${pytorch.version}, 1 thread`);
  const results: Measure[] = [];
  try {
    for (const workload of workloads) {
      const epochs = quick ? workload.epochs / 10 : workload.epochs;
      const variants: Record<string, Variant> = {};
      for (const engine of Object.values(built.engines)) {
        variants[engine.name] = training(built, engine, workload, epochs);
      }
      if (pytorch !== null) variants["PyTorch"] = () => pytorch.train(workload, epochs);
      const times = await interleave(variants, quick ? 3 : 9);
      const theirs = times["PyTorch"];
      for (const [name, ms] of Object.entries(times)) {
        note(`${workload.name} ${name}, ${epochs} epochs: ${spread(ms)} ms`);
        if (ms === theirs) continue;
        const epochMs = median(ms) / epochs;
        const steps = (1000 * stepsPerEpoch(workload)) / epochMs;
        results.push(measured(`${workload.name}, engine ${name}: steps`, steps, "steps/s"));
        const rate = flopsPerEpoch(workload) / epochMs / 1e6;
        results.push(measured(`${workload.name}, engine ${name}: arithmetic`, rate, "GFLOP/s"));
        const seconds = (epochMs * workload.epochs) / 1000;
        const target =
          workload.name === "W1" ? ({ atLeast: 30, aim: 1, better: "lower" } as const) : undefined;
        const whole = `${workload.name}, engine ${name}: ${workload.epochs} epochs`;
        results.push(measured(whole, seconds, "s", target));
        const ratio = theirs && median(theirs) / median(ms);
        if (theirs)
          note(
            `${workload.name} ${name}: ${figure(ratio)} x PyTorch; by round ${spread(theirs.map((t, r) => t / ms[r]))}`,
          );
        results.push(measured(`${workload.name}, engine ${name}: against PyTorch`, ratio ?? null, "x"));
      }
    }
  } finally {
    pytorch?.close();
  }
  return results;
};
