import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  OperationStatus,
  Phase,
  TrainingOperationContext,
  TrainingProgress,
  WalkForwardJob,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { importBuilt } from "./built.js";
import { strategyText } from "./journey-strategies.js";
import { rounds } from "./rounds.js";

const ktrdr = await importBuilt();
const folder = mkdtempSync(join(tmpdir(), "ktrdr-cancel-"));
const dataFolder = join(folder, "data");
const store = new ktrdr.OperationStore(join(folder, "operations.db"));
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The end of each thread that a run has started; it gives memory back after the run has said how it ended. */
let ends: Promise<unknown>[] = [];
process.on("worker", (worker) => ends.push(once(worker, "exit")));

/** One run with a stop: how it ended, and how long it took from `cancel()` until its state was stored. */
interface Outcome {
  readonly status: OperationStatus;
  readonly latencyMs: number;
  readonly phase: Phase | null;
}

type StopWhen = (cancel: () => void) => { onEvent?: (event: TrainingProgress) => void; dispose?: () => void };

async function runAndStop(
  context: TrainingOperationContext,
  models: string,
  when: StopWhen,
): Promise<Outcome> {
  const cancellation = ktrdr.createCancellation();
  let phase: Phase | null = null;
  let cancelledAt = Infinity;
  let cancelledIn: Phase | null = null;
  const cancel = (): void => {
    if (cancellation.token.isCancelled) return;
    cancelledAt = performance.now();
    cancelledIn = phase;
    cancellation.cancel();
  };
  let id = "";
  const { onEvent, dispose } = when(cancel);
  const listen = (event: TrainingProgress): void => {
    if (event.type === "phase") phase = event.phase;
    onEvent?.(event);
  };
  try {
    await ktrdr
      .runOperation({ store, type: "training", metadata: {}, cancel }, (run) => {
        id = run.id;
        const bridge = { onPhase: listen, onBatch: listen, onEpoch: listen };
        const storage = new ktrdr.ModelStorage(models);
        return new ktrdr.LocalTrainingOrchestrator(
          { ...context, operationId: id },
          bridge,
          cancellation.token,
          storage,
        ).run();
      })
      .catch((error: unknown) => {
        if ((error as { code?: string }).code !== "CANCELLED") throw error;
      });
  } finally {
    dispose?.();
  }
  const latencyMs = performance.now() - cancelledAt;
  return { status: store.get(id).status, latencyMs, phase: cancelledIn };
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
}

/** Prints how long the stops took. The 50 ms are shown in the soak run; here only a run that does not answer at all is a failure. */
function tell(title: string, outcomes: readonly Omit<Outcome, "status">[], completed: number): void {
  const sorted = outcomes.toSorted((a, b) => a.latencyMs - b.latencyMs);
  const latencies = sorted.map(({ latencyMs }) => latencyMs);
  const { latencyMs: max, phase } = sorted[sorted.length - 1];
  process.stdout.write(
    `cancel, ${title}: ${sorted.length} cancelled, ${completed} already published; ` +
      `p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms, ` +
      `max ${max.toFixed(1)} ms${phase === null ? "" : ` (in ${phase})`}\n`,
  );
  expect(max).toBeLessThan(2000);
}

function leftOvers(models: string): string[] {
  if (!existsSync(models)) return [];
  return readdirSync(models, { recursive: true, encoding: "utf8" }).filter((name) => name.includes(".tmp-"));
}

const cases = [
  { title: "one symbol", symbols: ["SYN1"], timeframe: "1d", bars: 1260, epochs: 60, batch: 32 },
  {
    title: "three symbols",
    symbols: ["SYN1", "SYN2", "SYN3"],
    timeframe: "1d",
    bars: 1260,
    epochs: 40,
    batch: 32,
  },
  { title: "10^6 bars", symbols: ["SYN9"], timeframe: "1m", bars: 1_000_000, epochs: 1, batch: 1024 },
] as const;

describe.each(cases)("a run of $title", ({ title, symbols, timeframe, bars, epochs, batch }) => {
  const models = join(folder, `models-${symbols.length}-${bars}`);
  const strategyPath = join(folder, `${bars}-${symbols.length}.yaml`);
  const context: TrainingOperationContext = {
    operationId: "",
    strategyPath,
    dataFolder,
    symbols,
    timeframes: [timeframe],
  };
  let fullMs = 0;

  beforeAll(async () => {
    const model = `
  architecture: { hidden_layers: [16, 8], activation: relu, dropout: 0.1 }
  training: { epochs: ${epochs}, batch_size: ${batch}, learning_rate: 0.003 }`;
    writeFileSync(strategyPath, strategyText({ model }));
    const bar = new ktrdr.BarStore(dataFolder);
    for (const [index, symbol] of symbols.entries()) {
      const volatility = timeframe === "1m" ? 0.0005 : 0.015;
      await bar.save(
        makeBars({ symbol, timeframe, count: bars, seed: index + 1, start: "2015-01-01", volatility }),
      );
    }
    const startedAt = performance.now();
    const { status } = await runAndStop(context, models, () => ({}));
    expect(status).toBe("completed");
    fullMs = performance.now() - startedAt;
  }, 300_000);

  test("ends as cancelled wherever it is stopped, and leaves nothing", async () => {
    const outcomes: Outcome[] = [];
    const known = readdirSync(join(models, "journey")).filter((name) => !name.startsWith(".")).length;
    let completed = 0;
    const check = (outcome: Outcome): void => {
      expect(["cancelled", "completed"]).toContain(outcome.status);
      if (outcome.status === "completed") completed++;
      else outcomes.push(outcome);
      expect(leftOvers(models), "temporary folders").toEqual([]);
    };
    const moments = rounds(200, 6);
    for (let k = 0; k < moments; k++) {
      const afterMs = ((k + 0.5) / moments) * fullMs * 0.95;
      check(
        await runAndStop(context, models, (cancel) => {
          const timer = setTimeout(cancel, afterMs);
          return { dispose: () => clearTimeout(timer) };
        }),
      );
    }
    for (const phase of ktrdr.phases) {
      for (let k = 0; k < rounds(10, 1); k++) {
        check(
          await runAndStop(context, models, (cancel) => ({
            onEvent: (event) => event.type === "phase" && event.phase === phase && cancel(),
          })),
        );
      }
    }
    expect(ends.length, "threads, one for each run").toBeGreaterThanOrEqual(outcomes.length + completed);
    await Promise.all(ends); // a thread that did not end would let this test hang
    ends = [];
    const published = readdirSync(join(models, "journey")).filter((name) => !name.startsWith(".")).length;
    expect(published, "models: only of runs that were published before the stop").toBe(known + completed);
    expect(outcomes.length, "runs that were cancelled").toBeGreaterThan((moments + ktrdr.phases.length) / 2);
    tell(title, outcomes, completed);
  }, 3_600_000);
});

test.each([
  { title: "a walk-forward of one symbol", symbol: "WALK1", timeframe: "1d", count: 1260, epochs: 60 },
  { title: "a walk-forward of 10^6 bars", symbol: "WALK2", timeframe: "1m", count: 1_000_000, epochs: 1 },
] as const)(
  "$title ends as cancelled wherever it is stopped, and no thread stays",
  async ({ title, ...run }) => {
    const { symbol, timeframe, count, epochs } = run;
    const volatility = timeframe === "1m" ? 0.0005 : 0.015;
    await new ktrdr.BarStore(dataFolder).save(makeBars({ symbol, timeframe, count, volatility }));
    const strategyPath = join(folder, `walk-${symbol}.yaml`);
    writeFileSync(strategyPath, strategyText({}));
    const job: WalkForwardJob = {
      context: { strategyPath, dataFolder, symbols: [symbol], timeframes: [timeframe], epochs },
      plan: { scheme: "anchored", folds: 4, first: 0.5 },
      embargo: null,
      seeds: [1, 2],
      stitch: { settings: ktrdr.defaultSettings, decisions: {}, trials: 1, seed: 1 },
    };
    /** How long the stop took; null where the run was over before. */
    const stopAfter = async (afterMs: number): Promise<number | null> => {
      const cancellation = ktrdr.createCancellation();
      let cancelledAt = Infinity;
      const timer = setTimeout(() => {
        cancelledAt = performance.now();
        cancellation.cancel();
      }, afterMs);
      let id = "";
      const { cancel, token } = cancellation;
      const over = await ktrdr
        .runOperation({ store, type: "walk_forward", metadata: {}, cancel }, ({ id: given }) => {
          id = given;
          return ktrdr.walkForwardOnThreads(job, 2, token, () => undefined);
        })
        .catch((error: unknown) => {
          if ((error as { code?: string }).code !== "CANCELLED") throw error;
          return null;
        });
      clearTimeout(timer);
      const latencyMs = performance.now() - cancelledAt;
      expect(store.get(id).status).toBe(over === null ? "cancelled" : "completed");
      return over === null ? latencyMs : null;
    };
    const startedAt = performance.now();
    expect(await stopAfter(1e6)).toBeNull();
    const fullMs = performance.now() - startedAt;
    const moments = rounds(200, 6);
    const latencies: number[] = [];
    for (let k = 0; k < moments; k++) {
      const latencyMs = await stopAfter(((k + 0.5) / moments) * fullMs * 0.95);
      if (latencyMs !== null) latencies.push(latencyMs);
    }
    await Promise.all(ends); // a thread that did not end would let this test hang
    ends = [];
    expect(latencies.length).toBeGreaterThan(moments / 2);
    const outcomes = latencies.map((latencyMs) => ({ latencyMs, phase: null }));
    tell(title, outcomes, moments - latencies.length);
  },
  3_600_000,
);
