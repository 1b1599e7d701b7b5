import { importBuilt } from "./built.js";
import { figure, measured, type Bench } from "./measure.js";
import { median } from "./timing.js";
import { learningRate, samplesOf, stepsPerEpoch, w1 } from "./workloads.js";

/** The older system's waits after each batch and each epoch, in milliseconds. */
const [batchWait, epochWait] = [100, 500];

/**
 * One epoch of the mission's size as the older system ran it, waiting after each batch and at its end, beside the same
 * epoch now. A quick run waits a twentieth as long.
 */
export const benchSleeps: Bench = async ({ quick, engine, note }) => {
  const { findEngine, neverCancelled } = await importBuilt();
  const samples = samplesOf(w1);
  const order = Uint32Array.from({ length: w1.rows }, (_, i) => i);
  const batches = stepsPerEpoch(w1);
  const share = quick ? 1 / 20 : 1;
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms * share));

  const network = findEngine(engine).createNetwork(w1.spec, 1);
  const loaded = network.load(samples);
  const now: number[] = [];
  for (let epoch = 0; epoch < w1.epochs; epoch++) {
    const started = performance.now();
    network.startEpoch(loaded, order, w1.batchSize);
    network.trainBatches(Infinity, learningRate, neverCancelled);
    now.push(performance.now() - started);
  }
  const started = performance.now();
  network.startEpoch(loaded, order, w1.batchSize);
  for (let batch = 0; batch < batches; batch++) {
    network.trainBatches(1, learningRate, neverCancelled);
    await wait(batchWait);
  }
  await wait(epochWait);
  const then = performance.now() - started;
  network.dispose();
  note(
    `one epoch of W1 with ${batches} waits of ${batchWait * share} ms and one of ${epochWait * share} ms: ${figure(then)} ms` +
      (quick ? " (the waits are a twentieth of the older system's)" : ""),
  );
  note(`the same epoch without waits: ${figure(median(now))} ms`);
  const words = quick ? "waits a twentieth as long" : "waits as they were";
  return [
    measured(`one epoch of W1 as the older system ran it, ${words}`, then, "ms"),
    measured("one epoch of W1 now", median(now), "ms"),
  ];
};
