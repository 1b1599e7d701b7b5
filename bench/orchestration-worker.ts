import { parentPort, workerData } from "node:worker_threads";
import type { createReporter as CreateReporter } from "../src/orchestration/reporter.js";
import type { ControlBlock, ProgressListener } from "../src/core/index.js";
import type { LoadedSamples, Network, Weights } from "../src/engines/index.js";
import type { TrainingOptions } from "../src/training/index.js";
import { importBuilt, importBuiltFile } from "./built.js";
import { learningRate, samplesOf, workloads } from "./workloads.js";

/**
 * What the worker is to do: `pairs` of a bare loop and a full run of as many epochs. The two take turns of `turn` epochs, since a machine's pace
 * changes within seconds.
 */
export interface PairsRequest {
  readonly workload: string;
  readonly epochs: number;
  readonly turn: number;
  readonly pairs: number;
  /** As `--engine` takes it. */
  readonly engine: string;
  /** That of whoever listens to the full runs. */
  readonly memory: ControlBlock;
}

/** One bare loop and one full run. */
export interface Pair {
  /** Milliseconds from before the first to after the last batch. */
  readonly bare: number;
  readonly full: number;
  /** Percent of the full run's time that its own record says was spent outside engine calls. */
  readonly outside: number;
}

const request = workerData as PairsRequest;
const built = await importBuilt();
const { createReporter } = await importBuiltFile<{ createReporter: typeof CreateReporter }>(
  "orchestration/reporter.js",
);
const workload = workloads.find(({ name }) => name === request.workload) as (typeof workloads)[number];
const { spec, batchSize } = workload;
const samples = samplesOf(workload);
const seed = 42;
// Labels that cannot be learnt: once all rows are known by heart, gradients are so small that processors take several times as long.
const labels = built.createRandom(seed, "labels");
for (let i = 0; i < samples.rows; i++) samples.labels[i] = labels.integer(0, spec.outputs - 1);
const model = new built.MLPTradingModel(spec.inputs, spec);
const engine = built.findEngine(request.engine);

/** The options of a training of so many epochs. */
function optionsOf(epochs: number): TrainingOptions {
  const written = built.trainingSchema.parse({ epochs, seed, batch_size: batchSize });
  return { ...built.toTrainingOptions(written), optimizer: spec.optimizer, learningRate };
}

/** The epochs of a training without callback, token, history or control block: one call of the engine each. */
class BareLoop {
  ms = 0;
  readonly #network: Network;
  readonly #loaded: LoadedSamples;
  readonly #order = new Uint32Array(samples.rows);
  readonly #epochs: number;
  #epoch = 0;

  constructor(epochs: number) {
    this.#network = model.createNetwork(engine, optionsOf(epochs), null);
    this.#loaded = this.#network.load(samples);
    this.#epochs = epochs;
  }

  /** The next epochs, as many as there are. */
  run(count: number): void {
    const [network, loaded, order] = [this.#network, this.#loaded, this.#order];
    const started = performance.now();
    for (const end = Math.min(this.#epochs, this.#epoch + count); this.#epoch < end;) {
      this.#epoch++;
      for (let i = 0; i < order.length; i++) order[i] = i;
      built.createRandom(seed, `shuffle of epoch ${this.#epoch}`).shuffle(order);
      network.startEpoch(loaded, order, batchSize);
      network.trainBatches(Infinity, learningRate, built.neverCancelled);
    }
    this.ms += performance.now() - started;
  }

  /** The weights at the end. */
  end(): Weights {
    const weights = this.#network.exportWeights();
    this.#network.dispose();
    return weights;
  }
}

/**
 * A training as the worker of a run does it: reports to a control block and to the parent, stop flag in it. At the end of each of its turns the
 * bare loop has one, for which the clock of the run stands still.
 */
function runPair(epochs: number, turn: number, bareFirst: boolean): Pair {
  const bare = new BareLoop(epochs);
  if (bareFirst) bare.run(turn);
  let paused = 0;
  const now = (): number => performance.now() - paused;
  const { memory } = request;
  const reporter = createReporter(memory, (message) => parentPort?.postMessage(message), now);
  const report: ProgressListener = (progress) => {
    reporter.listener(progress);
    if (progress.type !== "epoch" || progress.epoch % turn !== 0) return;
    const from = performance.now();
    bare.run(turn);
    paused += performance.now() - from;
  };
  const progress = Object.assign(report, { batch: reporter.listener.batch });
  const hooks = { progress, token: built.tokenOf(memory) };
  const parts = { train: samples, validation: null };
  const { timing, weights } = new built.ModelTrainer(engine, optionsOf(epochs), now).fit(model, parts, hooks);
  reporter.flush();
  bare.run(epochs); // what is left
  const ends = bare.end();
  if (!weights.every(({ weight }, l) => weight.every((w, i) => w === ends[l].weight[i]))) {
    throw new Error("The bare loop and the full run ended with different weights");
  }
  const { loop, arithmetic } = timing;
  return { bare: bare.ms, full: loop * 1000, outside: 100 * (1 - arithmetic / loop) };
}

// Compilers warm up.
for (let k = 0; k < 4; k++) runPair(2 * request.turn, request.turn, k % 2 === 0);
const pairs: Pair[] = [];
for (let k = 0; k < request.pairs; k++) pairs.push(runPair(request.epochs, request.turn, k % 2 === 0));
parentPort?.postMessage(pairs);
