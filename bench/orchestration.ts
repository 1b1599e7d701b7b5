import { Worker } from "node:worker_threads";
import { createRandom } from "../src/core/index.js";
import { measured, type Bench, type Measure } from "./measure.js";
import type { PairsRequest, PairTimes } from "./orchestration-worker.js";
import { median, quantile, spread } from "./timing.js";
import { workloads } from "./workloads.js";

/** A share above this, in percent, means that something is broken: wide enough for the noise of a busy machine. */
const brokenShare = 5;

/** Epochs of the reference engine that take 5 s or more, as J1 asks; a quick run has few of them. */
const epochs = { W1: { full: 500, quick: 15 }, W2: { full: 30, quick: 1 } } as const;

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

/**
 * The share of a training's time that progress, cancellation and bookkeeping take: 1 - bare loop / full run, from first
 * to last batch, both inside a worker thread, in alternating pairs.
 */
export const benchOrchestration: Bench = async ({ quick, note }) => {
  const results: Measure[] = [];
  for (const { name } of workloads) {
    const request = { workload: name, epochs: epochs[name][quick ? "quick" : "full"], pairs: quick ? 9 : 15 };
    const { bare, full, outside } = await runPairs(request);
    const shares = full.map((ms, pair) => 100 * (1 - bare[pair] / ms));
    const share = median(shares);
    const [low, high] = bootstrapInterval(shares);
    note(`${name}: ${request.pairs} pairs of ${request.epochs} epochs; full run ${spread(full)} ms`);
    note(`${name}: share ${share.toFixed(3)} %, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)} %`);
    // Noise makes single runs longer or shorter; beyond doubt is what the whole interval says.
    if (low > brokenShare) {
      throw new Error(`${name}: orchestration takes ${share.toFixed(1)} %, more than ${brokenShare} %`);
    }
    const target = { atLeast: 1, aim: 0.1, better: "lower" } as const;
    results.push(
      measured(`time outside engine calls, as each run records it, ${name}`, median(outside), "%"),
    );
    results.push(measured(`orchestration share, ${name}`, share, "%"));
    results.push(
      measured(`orchestration share, ${name} (upper end of the 95 % interval)`, high, "%", target),
    );
  }
  return results;
};
