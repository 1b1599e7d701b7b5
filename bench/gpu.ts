import { importBuilt } from "./built.js";
import { training } from "./engine.js";
import { measured, type Bench, type Measure } from "./measure.js";
import type { Together } from "../src/engines/index.js";
import { startPyTorchOnGpu } from "./pytorch.js";
import { interleave, median, spread, type Variant } from "./timing.js";
import { learningRate, samplesOf, w1, w2, w3, type Workload } from "./workloads.js";

/** Some epochs of many networks from fresh weights, in step: for each epoch an order of visit of each, and one call. */
function trainingTogether(
  built: Awaited<ReturnType<typeof importBuilt>>,
  together: Together,
  workload: Workload,
  epochs: number,
  count: number,
): Variant {
  const { createRandom, neverCancelled } = built;
  const samples = samplesOf(workload);
  const seeds = Array.from({ length: count }, (_, k) => k + 1);
  return () => {
    const networks = together.createNetworks(workload.spec, seeds);
    const loaded = together.load(networks, samples);
    const requests = networks.map((network) => ({ network, count: Infinity, learningRate }));
    const orders = seeds.map((seed) => ({
      order: Uint32Array.from({ length: workload.rows }, (_, i) => i),
      random: createRandom(seed, "order of visit"),
    }));
    const started = performance.now();
    let loss = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const [k, { order, random }] of orders.entries()) {
        random.shuffle(order);
        networks[k].startEpoch(loaded, order, workload.batchSize);
      }
      loss = together.trainBatches(requests, neverCancelled).reduce((sum, { lossSum }) => sum + lossSum, 0);
    }
    const ms = performance.now() - started;
    for (const network of networks) network.dispose();
    if (!Number.isFinite(loss)) throw new Error(`${count} networks: the loss became ${loss}`);
    return ms;
  };
}

/** A variant several times over. */
function repeated(variant: Variant, count: number): Variant {
  return async () => {
    let ms = 0;
    for (let k = 0; k < count; k++) ms += await variant();
    return ms;
  };
}

/**
 * Trainings on this machine's GPU, of one network and of 256 at once, beside PyTorch on the same one: eager, and with a step captured as a CUDA graph.
 * Without a hardware GPU nothing is timed, unless `--engine webgpu` asks for whatever device there is.
 */
export const benchGpu: Bench = async ({ quick, engine: asked, note }) => {
  const built = await importBuilt();
  const { deviceManager, isTrainable, findEngine } = built;
  const { devices, hint } = await deviceManager.list();
  const device = devices.find(isTrainable);
  if (device === undefined || (device.type === "software" && asked !== "webgpu")) {
    const found = device === undefined ? (hint ?? "") : `Only ${device.name} is there, a software device.`;
    note(`No hardware GPU that the webgpu engine reaches: nothing is timed. ${found}`);
    return [];
  }
  note(`${device.name}${device.type === "software" ? ", a software device and no GPU" : ""}`);
  const pytorch = device.type === "software" ? null : await startPyTorchOnGpu();
  note(
    pytorch === null ? "PyTorch on this device: not found, so not compared" : `PyTorch ${pytorch.version}`,
  );
  const engine = findEngine("webgpu");
  const results: Measure[] = [];
  try {
    for (const whole of [w1, w2, w3]) {
      const workload = quick && whole.epochs === 1 ? { ...whole, rows: whole.rows / 20 } : whole;
      const epochs = quick && whole.epochs > 1 ? Math.ceil(whole.epochs / 50) : whole.epochs;
      const variants: Record<string, Variant> = { webgpu: training(built, engine, workload, epochs) };
      if (pytorch !== null) {
        variants["PyTorch eager"] = () => pytorch.time("eager", workload, epochs);
        variants["PyTorch graphs"] = () => pytorch.time("graphs", workload, epochs);
      }
      const times = await interleave(variants, quick ? 2 : 9);
      for (const [name, ms] of Object.entries(times)) note(`${workload.name} ${name}: ${spread(ms)} ms`);
      for (const name of ["PyTorch eager", "PyTorch graphs"]) {
        const ratio = times[name] === undefined ? null : median(times[name]) / median(times["webgpu"]);
        results.push(measured(`${workload.name} on ${device.name}, against ${name} there`, ratio, "x"));
      }
    }
    const [count, epochs] = quick ? [16, 1] : [256, 10];
    const variants: Record<string, Variant> = {
      "at once": trainingTogether(built, engine.together!, w1, epochs, count),
      "one after another": repeated(training(built, engine, w1, epochs), count),
      "wasm, one after another on one core": repeated(
        training(built, findEngine("wasm", 1), w1, epochs),
        count,
      ),
    };
    if (pytorch !== null) {
      variants["PyTorch eager, at once"] = () => pytorch.time("eager", w1, epochs, count);
      variants["PyTorch graphs, at once"] = () => pytorch.time("graphs", w1, epochs, count);
    }
    const times = await interleave(variants, quick ? 1 : 5);
    const what = `${count} networks of W1, ${epochs} ${epochs === 1 ? "epoch" : "epochs"}`;
    for (const [name, ms] of Object.entries(times)) {
      note(`${what}, ${name}: ${spread(ms)} ms`);
      if (name === "at once") continue;
      const ratio = median(ms) / median(times["at once"]);
      results.push(measured(`${what} at once on ${device.name}, against ${name}`, ratio, "x"));
    }
  } finally {
    pytorch?.close();
  }
  return results;
};
