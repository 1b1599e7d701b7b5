import { Worker } from "node:worker_threads";
import { createRandom } from "../src/core/index.js";
import { importBuilt } from "./built.js";
import { measured, type Bench, type Measure } from "./measure.js";
import type { PairsRequest, PairTimes } from "./orchestration-worker.js";
import { median, quantile, spread } from "./timing.js";
import { workloads } from "./workloads.js";

/** A share above this, in percent, means that something is broken: wide enough for the noise of a busy machine. */
const brokenShare = 5;

/** Epochs that take 5 s or more, as J1 asks; a quick run has few of them. */
const epochs = {
  W1: { full: 8_000, quick: 240 },
  W2: { full: 400, quick: 12 },
} as const;

/** As many as the reference engine does in that time. */
const referenceEpochs = {
  W1: { full: 500, quick: 15 },
  W2: { full: 30, quick: 1 },
} as const;

function runPairs(request: PairsRequest): Promise<PairTimes> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("orchestration-boot.mjs", import.meta.url), { workerData: request });
    worker.on("message", (message: PairTimes | { progress: unknown }) => {
      if (!("progress" in message)) resolve(message);
    });
    worker.on("error", reject);
  });
}

/** The middle 95 % of the medians of 2,000 resamples (Efron's percentile bootstrap), seeded. */
function bootstrapInterval(values: readonly number[]): [low: number, high: number] {
  const random = createRandom(1, "bootstrap");
  const medians = Array.from({ length: 2000 }, () =>
    median(values.map(() => values[random.integer(0, values.length - 1)])),
  );
  return [quantile(medians, 0.025), quantile(medians, 0.975)];
}

interface Estimate {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

function estimate(shares: readonly number[]): Estimate {
  const [low, high] = bootstrapInterval(shares);
  return { share: median(shares), low, high };
}

const inWords = ({ share, low, high }: Estimate): string =>
  `${share.toFixed(3)} %, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)} %`;

/**
 * The share of a training's time that progress, cancellation and bookkeeping take: 1 - bare loop / full run, from first
 * to last batch, both inside a worker thread, in alternating pairs.
 */
export const benchOrchestration: Bench = async ({ quick, engine, note }) => {
  const results: Measure[] = [];
  const { name: engineName } = (await importBuilt()).findEngine(engine);
  const counts = engineName === "reference" ? referenceEpochs : epochs;
  const upperEnds: number[] = [];
  for (const { name } of workloads) {
    const pairs = quick ? 5 : 15;
    const request = { workload: name, epochs: counts[name][quick ? "quick" : "full"], pairs, engine };
    const { bare, full, outside } = await runPairs(request);
    const shares = full.map(({ wall }, pair) => 100 * (1 - bare[pair].wall / wall));
    const { share, low, high } = estimate(shares);
    note(
      `${name}, engine ${engineName}: ${request.pairs} pairs of ${request.epochs} epochs; full run ${spread(full.map(({ wall }) => wall))} ms`,
    );
    note(`${name}: share ${inWords({ share, low, high })}`);
    // Beside it without the time that other programs had the processor.
    const cpuShares = full.map(({ cpu }, pair) => 100 * (1 - Number(bare[pair].cpu) / Number(cpu)));
    if (full[0].cpu !== null) note(`${name}: of processor time ${inWords(estimate(cpuShares))}`);
    // Noise makes single runs longer or shorter; beyond doubt is what the whole interval says.
    if (low > brokenShare) {
      throw new Error(`${name}: orchestration takes ${share.toFixed(1)} %, more than ${brokenShare} %`);
    }
    results.push(
      measured(`time outside engine calls, as each run records it, ${name}`, median(outside), "%"),
    );
    results.push(measured(`orchestration share, ${name}`, share, "%"));
    results.push(measured(`orchestration share, ${name} (upper end of the 95 % interval)`, high, "%"));
    upperEnds.push(high);
  }
  const target = { atLeast: 1, aim: 0.1, better: "lower" } as const;
  const both = "orchestration share, W1 and W2 (upper end of the 95 % interval)";
  return [measured(both, Math.max(...upperEnds), "%", target), ...results];
};
