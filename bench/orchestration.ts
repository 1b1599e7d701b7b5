import { Worker } from "node:worker_threads";
import { createRandom } from "../src/core/index.js";
import type {
  createReportReader as CreateReportReader,
  ProgressMessage,
} from "../src/orchestration/reporter.js";
import { importBuilt, importBuiltFile } from "./built.js";
import { startFollowedSession, type FollowedSession } from "./followed-session.js";
import { measured, type Bench, type Measure } from "./measure.js";
import type { Pair, PairsRequest } from "./orchestration-worker.js";
import { median, quantile, spread } from "./timing.js";
import { workloads } from "./workloads.js";

/** A share above this, in percent, means that something is broken: wide enough for the noise of a busy machine. */
const brokenShare = 5;
/** Measurements of a share by a quick run at most, until one is within the bound; a figure of a full run is never taken again. */
const mostAttempts = 4;

/** Epochs of a run, 5 s or more as J1 asks, and of the turns of some 0.1 s in which bare loop and full run alternate. */
const epochs = { W1: { full: 10_000, quick: 480 }, W2: { full: 560, quick: 12 } } as const;
const turns = { W1: { full: 200, quick: 60 }, W2: { full: 10, quick: 3 } } as const;

/** How many times as long the reference engine takes, roughly. */
const referenceSlowness = 14;

/** Alternating pairs in a worker thread. This one reads what the full runs tell, for the session where there is one. */
async function runPairs(
  request: Omit<PairsRequest, "memory">,
  session: FollowedSession | null,
): Promise<Pair[]> {
  const { createReportReader } = await importBuiltFile<{ createReportReader: typeof CreateReportReader }>(
    "orchestration/reporter.js",
  );
  const memory = session?.memory ?? (await importBuilt()).createControlBlock();
  const read = createReportReader(memory);
  return new Promise((resolve, reject) => {
    const workerData: PairsRequest = { ...request, memory };
    const worker = new Worker(new URL("orchestration-boot.mjs", import.meta.url), { workerData });
    worker.on("message", (message: Pair[] | ProgressMessage) => {
      if (Array.isArray(message)) return resolve(message);
      for (const event of read(message)) session?.report(event);
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

/** Who listens to the full run, and where it is measured. */
const ways = [
  { way: "local", on: "" },
  { way: "host", on: " on the host path" },
] as const;

/** Pairs of one request, and what they say. */
async function measurePairs(
  request: Omit<PairsRequest, "memory">,
  way: (typeof ways)[number]["way"],
): Promise<Estimate & { readonly times: readonly Pair[]; readonly events: number | undefined }> {
  const session = way === "host" ? await startFollowedSession() : null;
  const times = await runPairs(request, session);
  const events = await session?.end();
  if (events !== undefined && events < request.pairs) {
    throw new Error(`the client received ${events} events`);
  }
  return { times, events, ...estimate(times.map(({ bare, full }) => 100 * (1 - bare / full))) };
}

/**
 * The share of a training's time that progress, cancellation and bookkeeping take: 1 - bare loop / full run, from first
 * to last batch, both inside a worker thread, in pairs whose turns alternate. On the host path the thread that started the run keeps its session and event log
 * meanwhile, and sends the events to a client that follows over HTTP.
 */
export const benchOrchestration: Bench = async ({ quick, engine, note }) => {
  const results: Measure[] = [];
  const { name: engineName } = (await importBuilt()).findEngine(engine);
  const slowness = engineName === "reference" ? referenceSlowness : 1;
  const heads: Measure[] = [];
  for (const { way, on } of ways) {
    const upperEnds: number[] = [];
    for (const { name } of workloads) {
      // A quick run has to be short; the second way shows that it works.
      const pairs = quick ? (way === "host" ? 3 : 5) : 15;
      const size = quick ? "quick" : "full";
      const turn = Math.ceil(turns[name][size] / slowness);
      const request = {
        workload: name,
        epochs: turn * Math.ceil(epochs[name][size] / turns[name][size]),
        turn,
        pairs,
        engine,
      };
      let { times, events, share, low, high } = await measurePairs(request, way);
      // What else the machine's host does only ever adds: a broken run is beyond the bound however often it is measured.
      for (let again = 1; low > brokenShare && quick && again < mostAttempts; again++) {
        note(`${name}${on}: share ${share.toFixed(3)} %, taken again`);
        ({ times, events, share, low, high } = await measurePairs(request, way));
      }
      const heard = events === undefined ? "" : `, ${events} events received by the client`;
      note(
        `${name}${on}, engine ${engineName}: ${pairs} pairs of ${request.epochs} epochs in turns of ${turn}; full run ${spread(times.map(({ full }) => full))} ms${heard}`,
      );
      note(
        `${name}${on}: share ${share.toFixed(3)} %, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)} %`,
      );
      // Noise makes single runs longer or shorter; beyond doubt is what the whole interval says.
      if (low > brokenShare) {
        throw new Error(
          `${name}${on}: orchestration takes ${share.toFixed(1)} %, more than ${brokenShare} %`,
        );
      }
      if (way === "local") {
        results.push(
          measured(
            `time outside engine calls, as each run records it, ${name}`,
            median(times.map(({ outside }) => outside)),
            "%",
          ),
        );
      }
      results.push(measured(`orchestration share${on}, ${name}`, share, "%"));
      results.push(measured(`orchestration share${on}, ${name} (upper end of the 95 % interval)`, high, "%"));
      upperEnds.push(high);
    }
    const target = { atLeast: 1, aim: 0.1, better: "lower" } as const;
    const both = `orchestration share${on}, W1 and W2 (upper end of the 95 % interval)`;
    heads.push(measured(both, Math.max(...upperEnds), "%", target));
  }
  return [...heads, ...results];
};
