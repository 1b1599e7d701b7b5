import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProgressBridge, TrainingOperationContext, TrainingProgress } from "../src/index.js";
import { makeBars } from "./bars.js";
import { importBuilt } from "./built.js";
import { strategyText } from "./journey-strategies.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-local-"));
const ktrdr = await importBuilt();
const modelsFolder = join(folder, "models");
const context: TrainingOperationContext = {
  operationId: "op_test",
  strategyPath: join(folder, "journey.yaml"),
  dataFolder: join(folder, "data"),
};

beforeAll(async () => {
  writeFileSync(context.strategyPath, strategyText());
  const store = new ktrdr.BarStore(context.dataFolder);
  await store.save(makeBars());
  await store.save(makeBars({ symbol: "SYN2", seed: 2 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function recorder(): { bridge: ProgressBridge; events: TrainingProgress[] } {
  const events: TrainingProgress[] = [];
  const push = (event: TrainingProgress): void => void events.push(event);
  return { events, bridge: { onPhase: push, onBatch: push, onEpoch: push } };
}

function run(
  bridge: ProgressBridge,
  more: Partial<TrainingOperationContext> = {},
  cancellation = ktrdr.createCancellation(),
) {
  const storage = new ktrdr.ModelStorage(modelsFolder);
  return new ktrdr.LocalTrainingOrchestrator(
    { ...context, ...more },
    bridge,
    cancellation.token,
    storage,
  ).run();
}

test("a run returns every field of the result, and what only the orchestrator knows", async () => {
  const result = await run(recorder().bridge, { symbols: ["SYN1", "SYN2"] });
  expect(result.session_info).toEqual({
    operation_id: "op_test",
    strategy_name: "journey",
    symbols: ["SYN1", "SYN2"],
    timeframes: ["1d"],
    start_date: "2020-01-01",
    end_date: "2021-08-22",
    training_mode: "local",
    use_host_service: false,
  });
  expect(result.resource_usage).toMatchObject({ training_mode: "local", device_type: "cpu" });
  expect(existsSync(join(result.model_path, "manifest.json"))).toBe(true);
  const { training_metrics, test_metrics, data_summary, model_info, artifacts } = result;
  expect(training_metrics.epochs_trained).toBe(5);
  expect(training_metrics.history.val_loss).toHaveLength(5);
  expect(training_metrics.best_val_loss).toBe(Math.min(...(training_metrics.history.val_loss as number[])));
  expect(test_metrics.samples).toBeGreaterThan(50);
  expect(Object.keys(artifacts.feature_importance)).toHaveLength(data_summary.feature_count);
  expect(Object.keys(artifacts.per_symbol_metrics)).toEqual(["SYN1", "SYN2"]);
  // 5 inputs, 16 and 8 hidden units, 3 outputs: 5*16+16 + 16*8+8 + 8*3+3.
  expect(model_info.parameters_count).toBe(96 + 136 + 27);
  for (const { bars, train, validation, test: tested, dropped } of Object.values(data_summary.per_symbol)) {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    expect(train + validation + tested + lost, "every bar is counted once").toBe(bars);
    expect(bars).toBe(600);
    expect(dropped["warm_up"], "EMA 20 has its first value at bar 19").toBe(19);
  }
});

test("every phase and epoch is heard in order, and batches only at thinned points", async () => {
  const { bridge, events } = recorder();
  const result = await run(bridge);
  const phases = events.filter((event) => event.type === "phase").map((event) => event.phase);
  expect(phases).toEqual([...ktrdr.phases]);
  const epochs = events.filter((event) => event.type === "epoch").map((event) => event.epoch);
  expect(epochs).toEqual([1, 2, 3, 4, 5]);
  const { train } = result.data_summary.per_symbol["SYN1"];
  const batches = Math.ceil(train / 32);
  for (const event of events) {
    if (event.type !== "batch") continue;
    expect(event.batches).toBe(batches);
    expect(
      event.batch === 1 || event.batch === batches || event.batch % 10 === 0,
      `batch ${event.batch}`,
    ).toBe(true);
  }
});

test("the caller's thread stays free while a run goes on", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await run(recorder().bridge, { epochs: 40 });
  clearInterval(timer);
  expect(ticks, "timer ticks during the run").toBeGreaterThan(5);
});

test("a run cancelled in each phase ends as cancelled and leaves nothing", async () => {
  const before = existsSync(modelsFolder) ? readdirSync(join(modelsFolder, "journey")).sort() : [];
  for (const phase of ktrdr.phases) {
    const cancellation = ktrdr.createCancellation();
    const { bridge } = recorder();
    const stopping: ProgressBridge = {
      ...bridge,
      onPhase: (event) => event.phase === phase && cancellation.cancel(),
    };
    // Saving may be over before the message arrives; a run that was published by then has not been cancelled.
    const outcome = await run(stopping, { epochs: 400 }, cancellation).then(
      () => "completed",
      (error: Error & { code?: string }) => error.code,
    );
    if (phase !== "saving" && phase !== "evaluating") expect(outcome, phase).toBe("CANCELLED");
    const after = readdirSync(join(modelsFolder, "journey")).sort();
    if (outcome === "CANCELLED") expect(after, `after a cancel in ${phase}`).toEqual(before);
    else before.push(...after.filter((name) => !before.includes(name)));
    before.sort();
  }
});

test("a token that was cancelled before the start starts nothing", async () => {
  const cancellation = ktrdr.createCancellation();
  cancellation.cancel();
  await expect(run(recorder().bridge, {}, cancellation)).rejects.toMatchObject({ code: "CANCELLED" });
});

test("a foreign token is relayed by its abort event", async () => {
  const abort = new AbortController();
  const token = {
    signal: abort.signal,
    get isCancelled() {
      return abort.signal.aborted;
    },
  };
  const { bridge } = recorder();
  const stopping: ProgressBridge = { ...bridge, onEpoch: () => abort.abort() };
  const storage = new ktrdr.ModelStorage(modelsFolder);
  const orchestrator = new ktrdr.LocalTrainingOrchestrator(
    { ...context, epochs: 5000 },
    stopping,
    token,
    storage,
  );
  await expect(orchestrator.run()).rejects.toMatchObject({ code: "CANCELLED" });
});

test("a listener that throws ends the run with its own error", async () => {
  const { bridge } = recorder();
  const broken: ProgressBridge = {
    ...bridge,
    onEpoch: () => {
      throw new Error("listener broke");
    },
  };
  await expect(run(broken, { epochs: 5000 })).rejects.toThrow("listener broke");
});

test("what goes wrong in the worker arrives with its code", async () => {
  await expect(run(recorder().bridge, { symbols: ["NOPE"] })).rejects.toMatchObject({ code: "NO_BARS" });
  await expect(run(recorder().bridge, { strategyPath: join(folder, "missing.yaml") })).rejects.toMatchObject({
    code: "STRATEGY_INVALID",
  });
  await expect(run(recorder().bridge, { maxMemoryBytes: 1000 })).rejects.toMatchObject({
    code: "MEMORY_LIMIT",
  });
});

test("the older runner gives the same result", async () => {
  const { bridge } = recorder();
  const storage = new ktrdr.ModelStorage(modelsFolder);
  const runner = new ktrdr.LocalTrainingRunner(context, bridge, ktrdr.createCancellation().token, storage);
  const result = await runner.run();
  const again = await run(bridge);
  expect(result.training_metrics.history).toEqual(again.training_metrics.history);
  expect(result.test_metrics).toEqual(again.test_metrics);
});
