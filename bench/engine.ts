import { availableParallelism } from "node:os";
import type { Engine } from "../src/engines/index.js";
import { importBuilt } from "./built.js";
import { figure, measured, type Bench, type Measure, type Target } from "./measure.js";
import { measurePeak } from "./peak.js";
import { startPyTorch, type PyTorch } from "./pytorch.js";
import { interleave, median, spread, type Variant } from "./timing.js";
import {
  flopsPerEpoch,
  forwardWork,
  learningRate,
  samplesOf,
  stepsPerEpoch,
  w1,
  w2,
  w3,
  w4Rows,
  type Workload,
} from "./workloads.js";

type Built = Awaited<ReturnType<typeof importBuilt>>;

/** Trains some epochs from fresh weights: a new order of visit and one call for each. */
export function training(built: Built, engine: Engine, workload: Workload, epochs: number): Variant {
  const { createRandom, neverCancelled } = built;
  const samples = samplesOf(workload);
  return () => {
    const network = engine.createNetwork(workload.spec, 1);
    const loaded = network.load(samples);
    const order = Uint32Array.from({ length: workload.rows }, (_, i) => i);
    const random = createRandom(1, "order of visit");
    const started = performance.now();
    let loss = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      random.shuffle(order);
      network.startEpoch(loaded, order, workload.batchSize);
      loss = network.trainBatches(Infinity, learningRate, neverCancelled).lossSum;
    }
    const ms = performance.now() - started;
    network.dispose();
    if (!Number.isFinite(loss)) throw new Error(`${workload.name}: the loss became ${loss}`);
    return ms;
  };
}

/** Class probabilities of all rows. */
function prediction(built: Built, engine: Engine, workload: Workload): Variant {
  const samples = samplesOf(workload);
  const network = engine.createNetwork(workload.spec, 1);
  return () => {
    const started = performance.now();
    const probabilities = network.predict(samples.features, samples.rows, built.neverCancelled);
    const ms = performance.now() - started;
    if (!Number.isFinite(probabilities[0])) throw new Error("a probability is no number");
    return ms;
  };
}

const atLeast = (least: number, aim: number): Target => ({ atLeast: least, aim, better: "higher" });
const theirs = "PyTorch 1.13 eager, 1 thread";

/** How a comparison is made. */
interface Conditions {
  readonly quick: boolean;
  readonly rounds: number;
  /** GFLOP/s of one core. */
  readonly peak: number;
  readonly note: (text: string) => void;
}

/** What is compared with PyTorch, and in which words. */
interface Comparison {
  readonly workload: Workload;
  /** Timed in turn with PyTorch; each that stands in `targets` is compared. */
  readonly engines: Readonly<Record<string, Engine>>;
  /** Timed on their own. */
  readonly beside: Readonly<Record<string, Engine>>;
  readonly targets: Readonly<Record<string, readonly [measure: string, target: Target]>>;
}

function comparisons(built: Built): Comparison[] {
  const all = availableParallelism();
  const { referenceEngine, findEngine } = built;
  const beside = { reference: referenceEngine };
  const engines = {
    wasm: findEngine("wasm", 1),
    relaxed: findEngine("wasm-relaxed", 1),
  };
  return [
    {
      workload: w1,
      engines,
      beside,
      targets: {
        wasm: [`W1 against ${theirs} (plain SIMD)`, atLeast(30, 50)],
        relaxed: [`relaxed build, W1 against ${theirs}`, atLeast(40, 55)],
      },
    },
    {
      workload: w2,
      engines,
      beside,
      targets: {
        wasm: [`W2 against ${theirs} (plain SIMD)`, atLeast(6, 10)],
        relaxed: [`relaxed build, W2 against ${theirs}`, atLeast(9, 13)],
      },
    },
    {
      workload: w3,
      beside: { "wasm, 1 thread": findEngine("wasm", 1) },
      engines: {
        wasm: findEngine("wasm", all),
        relaxed: findEngine("wasm-relaxed", all),
      },
      targets: {
        wasm: [`W3, all cores, against ${theirs} (plain SIMD)`, atLeast(0.6, 0.9)],
        relaxed: [`relaxed build, W3, all cores, against ${theirs}`, atLeast(0.75, 1)],
      },
    },
  ];
}

/** Training and prediction on each engine, against PyTorch in the same rounds where this machine has it. */
export const benchEngine: Bench = async ({ quick, note }) => {
  const built = await importBuilt();
  const pytorch = await startPyTorch();
  note(pytorch === null ? "PyTorch: not found, so not compared" : `PyTorch ${pytorch.version}, 1 thread`);
  const peak = measurePeak();
  note(`peak of one core, 128-bit multiply and add apart: ${figure(peak)} GFLOP/s`);
  const rounds = quick ? 2 : 9;
  const results: Measure[] = [];
  try {
    for (const comparison of comparisons(built)) {
      results.push(...(await compare(built, comparison, pytorch, { quick, rounds, peak, note })));
    }
    results.push(...(await compareForward(built, pytorch, quick ? w4Rows / 5 : w4Rows, rounds, note)));
  } finally {
    pytorch?.close();
  }
  return results;
};

async function compare(
  built: Built,
  { workload: whole, engines, beside, targets }: Comparison,
  pytorch: PyTorch | null,
  { quick, rounds, peak, note }: Conditions,
): Promise<Measure[]> {
  // A tenth of the epochs, or a twentieth of the rows where there is one epoch.
  const workload = quick && whole.epochs === 1 ? { ...whole, rows: whole.rows / 20 } : whole;
  const epochs = quick && whole.epochs > 1 ? whole.epochs / 10 : whole.epochs;
  const variants: Record<string, Variant> = {};
  for (const [name, engine] of Object.entries(engines)) {
    variants[name] = training(built, engine, workload, epochs);
  }
  if (pytorch !== null) variants["PyTorch"] = () => pytorch.time("eager", workload, epochs);
  const times = await interleave(variants, rounds);
  // What is slow and has no target: fewer rounds.
  const others: Record<string, Variant> = {};
  for (const [name, engine] of Object.entries(beside)) {
    others[name] = training(built, engine, workload, epochs);
  }
  if (pytorch !== null && !quick && workload !== w3) {
    others["PyTorch, DataLoader"] = () => pytorch.time("loader", workload, epochs);
  }
  Object.assign(times, await interleave(others, quick ? 1 : 3));

  const eager = times["PyTorch"];
  const results: Measure[] = [];
  for (const [name, ms] of Object.entries(times)) {
    const rate = (flopsPerEpoch(workload) * epochs) / median(ms) / 1e6;
    const steps = (1000 * stepsPerEpoch(workload) * epochs) / median(ms);
    const share = name.startsWith("PyTorch") ? "" : ` (${figure((100 * rate) / peak)} % of one core's peak)`;
    note(
      `${workload.name} ${name}: ${spread(ms)} ms${quick ? " of a part of it" : ""}; ` +
        `${figure(steps)} steps/s, ${figure(rate)} GFLOP/s${share}`,
    );
    const target = targets[name];
    if (target === undefined) continue;
    if (eager !== undefined) {
      note(
        `${workload.name} ${name} against PyTorch, by round: ${spread(eager.map((t, round) => t / ms[round]))}`,
      );
    }
    const ratio = eager === undefined ? null : median(eager) / median(ms);
    results.push(measured(target[0], ratio, "x", target[1]));
    results.push(measured(`${workload.name}, ${name}: arithmetic`, rate, "GFLOP/s"));
  }
  return results;
}

/** W4: probabilities of 200,000 rows by W2's network, on one thread. */
async function compareForward(
  built: Built,
  pytorch: PyTorch | null,
  rows: number,
  rounds: number,
  note: (text: string) => void,
): Promise<Measure[]> {
  const workload = { ...w2, rows };
  const variants: Record<string, Variant> = {
    wasm: prediction(built, built.findEngine("wasm", 1), workload),
  };
  if (pytorch !== null) variants["PyTorch"] = () => pytorch.time("forward", workload);
  const times = await interleave(variants, rounds);
  for (const [name, ms] of Object.entries(times)) {
    const rate = (2 * rows * forwardWork(workload.spec)) / median(ms) / 1e6;
    note(`W4 ${name}: ${spread(ms)} ms, ${figure(rate)} GFLOP/s`);
  }
  const { wasm, PyTorch: eager } = times;
  if (eager !== undefined) {
    note(`W4 wasm against PyTorch, by round: ${spread(eager.map((t, round) => t / wasm[round]))}`);
  }
  const ratio = eager === undefined ? null : median(eager) / median(wasm);
  return [measured(`W4 against ${theirs} (plain SIMD, 1 thread)`, ratio, "x", atLeast(1.2, 2))];
}
