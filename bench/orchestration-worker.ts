import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { createReporter as CreateReporter } from "../src/orchestration/reporter.js";
import type { ControlBlock } from "../src/core/index.js";
import type { Network, Weights } from "../src/engines/index.js";
import type { TrainingOptions } from "../src/training/index.js";
import { importBuilt, importBuiltFile } from "./built.js";
import { learningRate, samplesOf, workloads } from "./workloads.js";

/**
 * What the worker is to do: `pairs` of bare loop and full run, each of `stretches` times `epochs`. The stretches of a pair alternate, since a
 * machine's pace changes within seconds.
 */
export interface PairsRequest {
  readonly workload: string;
  readonly epochs: number;
  readonly stretches: number;
  readonly pairs: number;
  /** As `--engine` takes it. */
  readonly engine: string;
  /** That of a host session; a local run has one of its own. */
  readonly memory?: ControlBlock;
}

/** Milliseconds that loops took from before their first to after their last batch. */
export interface LoopTimes {
  wall: number;
  /** For which this thread had a processor, making the networks included; NaN where the system does not tell. */
  cpu: number;
}

/** Times of both loops, one of each per pair. */
export interface PairTimes {
  readonly bare: LoopTimes[];
  readonly full: LoopTimes[];
  /** Percent of each full run's time that its own records say was spent outside engine calls. */
  readonly outside: number[];
}

const request = workerData as PairsRequest;
const built = await importBuilt();
const { createReporter } = await importBuiltFile<{ createReporter: typeof CreateReporter }>(
  "orchestration/reporter.js",
);
const workload = workloads.find(({ name }) => name === request.workload) as (typeof workloads)[number];
const { spec, batchSize } = workload;
const { epochs } = request;
const samples = samplesOf(workload);
const seed = 42;
const model = new built.MLPTradingModel(spec.inputs, spec);
const options: TrainingOptions = {
  ...built.toTrainingOptions(built.trainingSchema.parse({ epochs, seed, batch_size: batchSize })),
  optimizer: spec.optimizer,
  learningRate,
};
const engine = built.findEngine(request.engine);

/** Milliseconds for which this thread has had a processor so far, where Linux tells; else NaN. */
function threadCpu(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** Runs a loop that gives its own wall time, and adds what it took. */
function addTo<T extends { ms: number }>(times: LoopTimes, loop: () => T): T {
  const before = threadCpu();
  const done = loop();
  times.wall += done.ms;
  times.cpu += threadCpu() - before;
  return done;
}

/** The same epochs without callback, token, history or control block: one call an epoch. */
function bareLoop(): { ms: number; weights: Weights } {
  const network: Network = model.createNetwork(engine, options, null);
  const loaded = network.load(samples);
  const order = new Uint32Array(samples.rows);
  const started = performance.now();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let i = 0; i < order.length; i++) order[i] = i;
    built.createRandom(seed, `shuffle of epoch ${epoch}`).shuffle(order);
    network.startEpoch(loaded, order, batchSize);
    network.trainBatches(Infinity, learningRate, built.neverCancelled);
  }
  const ms = performance.now() - started;
  const weights = network.exportWeights();
  network.dispose();
  return { ms, weights };
}

/** A training as the worker of a run does it: reports to a control block and to the parent, stop flag in it. */
function fullRun(): { ms: number; weights: Weights; outside: number } {
  const memory = request.memory ?? built.createControlBlock();
  const now = (): number => performance.now();
  const reporter = createReporter(memory, (progress) => parentPort?.postMessage({ progress }), now);
  const hooks = { progress: reporter.listener, token: built.tokenOf(memory) };
  const trained = new built.ModelTrainer(engine, options, now).fit(
    model,
    { train: samples, validation: null },
    hooks,
  );
  reporter.flush();
  const { loop, arithmetic } = trained.timing;
  return { ms: loop * 1000, weights: trained.weights, outside: 100 * (1 - arithmetic / loop) };
}

/** One stretch of each, the full run first where asked. */
function stretch(bare: LoopTimes, full: LoopTimes, fullFirst: boolean): number {
  let run = fullFirst ? addTo(full, fullRun) : null;
  const { weights } = addTo(bare, bareLoop);
  run ??= addTo(full, fullRun);
  const ends = run.weights;
  if (!weights.every(({ weight }, l) => weight.every((w, i) => w === ends[l].weight[i]))) {
    throw new Error("The bare loop and the full run ended with different weights");
  }
  return run.outside;
}

const times: PairTimes = { bare: [], full: [], outside: [] };
// Compilers warm up.
for (let k = 0; k < 4; k++) stretch({ wall: 0, cpu: 0 }, { wall: 0, cpu: 0 }, k % 2 === 0);
for (let pair = 0; pair < request.pairs; pair++) {
  const bare = { wall: 0, cpu: 0 };
  const full = { wall: 0, cpu: 0 };
  let outside = 0;
  for (let k = 0; k < request.stretches; k++) outside += stretch(bare, full, (pair + k) % 2 === 0);
  times.bare.push(bare);
  times.full.push(full);
  times.outside.push(outside / request.stretches);
}
parentPort?.postMessage(times);
