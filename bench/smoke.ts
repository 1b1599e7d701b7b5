import { importBuilt } from "./built.js";
import { measured, type Bench } from "./measure.js";
import { interleave, median, spread, type Variant } from "./timing.js";
import { learningRate, samplesOf, workloads } from "./workloads.js";

/** Few epochs: a fast engine that is slower than the readable one is broken whatever the noise. */
const epochs = 5;

/** Whether the engine that `auto` chooses is faster than the reference; beside it, its orchestration is watched by `orchestration`. */
export const benchSmoke: Bench = async ({ engine: asked, note }) => {
  const { findEngine, neverCancelled } = await importBuilt();
  const fast = findEngine(asked);
  if (fast.name === "reference") {
    note("nothing to compare: this is the reference engine");
    return [];
  }
  const [workload] = workloads;
  const samples = samplesOf(workload);
  const training = (name: string): Variant => {
    const network = findEngine(name).createNetwork(workload.spec, 1);
    const loaded = network.load(samples);
    const order = Uint32Array.from({ length: workload.rows }, (_, i) => i);
    return () => {
      const started = performance.now();
      for (let epoch = 0; epoch < epochs; epoch++) {
        network.startEpoch(loaded, order, workload.batchSize);
        network.trainBatches(Infinity, learningRate, neverCancelled);
      }
      return performance.now() - started;
    };
  };
  const times = await interleave({ [fast.name]: training(fast.name), reference: training("reference") }, 5);
  for (const [name, ms] of Object.entries(times)) note(`W1 ${name}, ${epochs} epochs: ${spread(ms)} ms`);
  const ratio = median(times["reference"]) / median(times[fast.name]);
  if (ratio < 1) throw new Error(`engine ${fast.name} is slower than the reference: ${ratio.toFixed(2)} x`);
  return [measured(`W1, engine ${fast.name} against the reference engine`, ratio, "x")];
};
