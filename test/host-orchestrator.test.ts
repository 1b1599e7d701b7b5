import { createHook } from "node:async_hooks";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ControlBlock, SessionConfig, TrainingProgress } from "../src/index.js";
import { makeBars } from "./bars.js";
import { importBuilt } from "./built.js";
import { strategyText } from "./journey-strategies.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-host-"));
const ktrdr = await importBuilt();
const models = new ktrdr.ModelStorage(join(folder, "models"));
const config: SessionConfig = {
  strategyPath: "strategy_yaml",
  strategyText: strategyText(),
  dataFolder: join(folder, "data"),
};

beforeAll(async () => {
  const store = new ktrdr.BarStore(config.dataFolder);
  await store.save(makeBars());
  await store.save(makeBars({ symbol: "SYN2", seed: 2 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function createSession(more: Partial<SessionConfig> = {}, id = "session_1") {
  return new ktrdr.TrainingSession(id, { ...config, ...more });
}

function eventsOf(session: ReturnType<typeof createSession>): TrainingProgress[] {
  const events = session.log.after(0, Infinity).events.map(({ event }) => event);
  return events.filter((event): event is TrainingProgress => event.type !== "status");
}

const weightsOf = (path: string): string =>
  createHash("sha256")
    .update(readFileSync(join(path, "weights.safetensors")))
    .digest("hex");

test("a session's run returns every field of the result, and what only the orchestrator knows", async () => {
  const session = createSession({
    symbols: ["SYN1", "SYN2"],
    startDate: "2020-02-01",
    endDate: "2021-06-30",
  });
  const result = await new ktrdr.HostTrainingOrchestrator(session, models).run();
  expect(result.session_id).toBe("session_1");
  expect(result.session_info).toEqual({
    operation_id: "session_1",
    strategy_name: "journey",
    symbols: ["SYN1", "SYN2"],
    timeframes: ["1d"],
    start_date: "2020-02-01",
    end_date: "2021-06-30",
    training_mode: "host",
    use_host_service: true,
  });
  expect(result.resource_usage).toEqual({
    engine: expect.any(String) as string,
    device_type: "cpu",
    gpu_used: false,
    training_mode: "host",
  });
  expect(models.load(result.model_name).path).toBe(result.model_path);
  const phases = eventsOf(session).flatMap((event) => (event.type === "phase" ? [event.phase] : []));
  expect([...new Set(phases)]).toEqual([...ktrdr.phases]);
  const epochs = eventsOf(session).flatMap((event) => (event.type === "epoch" ? [event.epoch] : []));
  expect(epochs).toEqual([1, 2, 3, 4, 5]);
});

test("the result is that of a local run, and so are the weights", async () => {
  const host = await new ktrdr.HostTrainingOrchestrator(createSession(), models).run();
  const silent = { onPhase: () => undefined, onBatch: () => undefined, onEpoch: () => undefined };
  const { token } = ktrdr.createCancellation();
  const local = await new ktrdr.LocalTrainingOrchestrator(
    { ...config, operationId: "op_local" },
    silent,
    token,
    models,
  ).run();
  expect(weightsOf(host.model_path)).toBe(weightsOf(local.model_path));
  const { training_time: _a, ...hostMetrics } = host.training_metrics;
  const { training_time: _b, ...localMetrics } = local.training_metrics;
  expect(hostMetrics).toEqual(localMetrics);
  expect(host.test_metrics).toEqual(local.test_metrics);
  expect(host.artifacts).toEqual(local.artifacts);
  expect(host.data_summary).toEqual(local.data_summary);
  expect(host.verdict).toEqual(local.verdict);
  const { session_id: _id, ...shared } = host;
  expect(Object.keys(shared)).toEqual(Object.keys(local));
});

/** The control block counts every snapshot written: its second int32 grows by two at each. */
const reportsOf = (memory: ControlBlock): number => new Int32Array(memory.buffer)[1] / 2;

test.each([1, 4, 13])(
  "reports come at the first, every 10th and the last batch: batch size %d",
  async (size) => {
    const model = `
  architecture: { hidden_layers: [4], activation: relu, dropout: 0 }
  training: { epochs: 3, batch_size: ${size}, learning_rate: 0.003 }`;
    const session = createSession({ strategyText: strategyText({ model }) });
    const batches: number[] = [];
    const report = session.report.bind(session);
    session.report = (progress) => {
      if (progress.type === "batch") batches.push(progress.batch);
      report(progress);
    };
    const result = await new ktrdr.HostTrainingOrchestrator(session, models).run();
    const perEpoch = Math.ceil(result.data_summary.per_symbol["SYN1"].train / size);
    const points = new Set([1, perEpoch]);
    for (let batch = 10; batch < perEpoch; batch += 10) points.add(batch);
    // An epoch writes no snapshot: that of its last batch says the same.
    const phases = eventsOf(session).filter(({ type }) => type === "phase").length;
    expect(reportsOf(session.memory), "phases, and the thinned batches of 3 epochs").toBe(
      phases + 3 * points.size,
    );
    for (const batch of batches)
      expect(points.has(batch), `a report of batch ${batch} of ${perEpoch}`).toBe(true);
  },
);

test("thinning takes the batches between out and nothing else, exactly", async () => {
  const heard: TrainingProgress[] = [];
  const strategy = ktrdr.parseStrategy(strategyText(), null);
  await ktrdr.TrainingPipeline.trainStrategy({
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    strategyConfig: strategy,
    startDate: null,
    endDate: null,
    modelStorage: models,
    dataManager: new ktrdr.DataManager(new ktrdr.BarStore(config.dataFolder)),
    progressCallback: (progress) => heard.push(progress),
  });
  const first = heard.filter((event) => event.type === "batch" && event.epoch === 1);
  expect(first.map((event) => event.type === "batch" && event.batch)).toEqual([
    1,
    10,
    first[0].type === "batch" && first[0].batches,
  ]);
});

test("no timer is made, neither by the orchestrator nor by the pipeline", async () => {
  const made: string[] = [];
  const hook = createHook({
    init(_id, type) {
      if (type !== "Timeout" && type !== "Immediate") return;
      const stack = new Error().stack ?? "";
      // onnxruntime, where it checks the file to be saved, goes once round the event loop of its own; that is no timer.
      if (type === "Immediate" && stack.includes("onnxruntime-node")) return;
      if (/\/dist\/|host-orchestrator\.test/.test(stack)) made.push(stack);
    },
  });
  hook.enable();
  clearTimeout(setTimeout(() => undefined, 1));
  expect(made, "the hook sees a timer").toHaveLength(1);
  try {
    const session = createSession();
    await new ktrdr.HostTrainingOrchestrator(session, models).run();
    const strategy = ktrdr.parseStrategy(strategyText(), null);
    await ktrdr.TrainingPipeline.trainStrategy({
      symbols: strategy.symbols,
      timeframes: strategy.timeframes,
      strategyConfig: strategy,
      startDate: null,
      endDate: null,
      modelStorage: models,
      dataManager: new ktrdr.DataManager(new ktrdr.BarStore(config.dataFolder)),
      progressCallback: (progress) => session.report(progress),
      cancellationToken: new ktrdr.SessionCancellationToken(session),
    });
  } finally {
    hook.disable();
  }
  expect(made, "and no other").toHaveLength(1);
});

test("a session that is stopped in any phase ends with CANCELLED and leaves nothing", async () => {
  const strategyFolder = join(models.root, "journey");
  for (const phase of ktrdr.phases) {
    const session = createSession({ epochs: 200 }, `stop_${phase}`);
    const before = readdirSync(strategyFolder).sort();
    const report = session.report.bind(session);
    session.report = (progress) => {
      if (progress.type === "phase" && progress.phase === phase) session.stopRequested = true;
      report(progress);
    };
    const code = await new ktrdr.HostTrainingOrchestrator(session, models).run().then(
      () => "completed",
      (error: { code?: string }) => error.code,
    );
    expect(session.stopRequested).toBe(true);
    if (phase !== "saving" && phase !== "evaluating") expect(code, phase).toBe("CANCELLED");
    if (code === "CANCELLED") expect(readdirSync(strategyFolder).sort(), phase).toEqual(before);
  }
  expect(readdirSync(strategyFolder).filter((name) => name.startsWith(".tmp-"))).toEqual([]);
});

test("a stop that was asked for before the run starts no thread", async () => {
  const session = createSession();
  session.stopRequested = true;
  expect(new ktrdr.SessionCancellationToken(session).isCancelled).toBe(true);
  await expect(new ktrdr.HostTrainingOrchestrator(session, models).run()).rejects.toMatchObject({
    code: "CANCELLED",
  });
  expect(reportsOf(session.memory)).toBe(0);
});

test("what is wrong with the strategy is told as locally", async () => {
  const session = createSession({ strategyText: "name: x\nversion: 3\n" });
  await expect(new ktrdr.HostTrainingOrchestrator(session, models).run()).rejects.toMatchObject({
    code: "STRATEGY_INVALID",
  });
  expect(existsSync(join(models.root, "x"))).toBe(false);
});

test("states move forward only, and progress never goes back", () => {
  const session = createSession();
  expect(session.begin()).toBe(true);
  expect(session.begin()).toBe(false);
  const batch = { type: "batch", epochs: 4, batches: 2, loss: 1, accuracy: 0.5 } as const;
  const percents = [];
  for (const progress of [
    { type: "phase", phase: "loading_data", symbol: "A", symbolIndex: 2, symbols: 2 },
    { type: "phase", phase: "computing_indicators", symbol: "A", symbolIndex: 1, symbols: 2 },
    { type: "phase", phase: "training" },
    { ...batch, epoch: 2, batch: 1 },
    { ...batch, epoch: 1, batch: 1 },
    { type: "phase", phase: "evaluating" },
    { type: "phase", phase: "saving" },
  ] as const) {
    session.report(progress);
    percents.push(session.percent);
  }
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(percents.at(-1)).toBe(98);
  expect(session.end({ status: "cancelled" })).toBe(true);
  expect(session.end({ status: "failed", error: { code: "X", message: "x" } })).toBe(false);
  session.report({ type: "phase", phase: "saving" });
  expect([session.status, session.error, session.message]).toEqual(["cancelled", null, "Cancelled"]);
});

test("the log keeps the newest events and says how many are gone", () => {
  const log = new ktrdr.EventLog(10);
  for (let epoch = 1; epoch <= 95; epoch++) log.append({ type: "phase", phase: "training", samples: epoch });
  const { events, missed } = log.after(3, Infinity);
  expect(log.last).toBe(95);
  expect(events.at(-1)?.id).toBe(95);
  expect(events[0].id).toBe(4 + missed);
  expect(events.length).toBeGreaterThanOrEqual(10);
  expect(events.length).toBeLessThan(20);
  expect(log.after(90, 2).events.map(({ id }) => id)).toEqual([91, 92]);
});
