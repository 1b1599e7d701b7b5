import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  BarStore,
  CancelledError,
  createRandom,
  DataManager,
  modelRules,
  ModelStorage,
  parseStrategy,
  TrainingPipeline,
  type Bars,
  type Explanation,
  type JudgedRules,
  type Prediction,
  type StoredModel,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";
import { rounds } from "./rounds.js";
import { temporaryFolder } from "./temporary-folder.js";

/**
 * Bars whose next return (1 % a bar) has the correlation `strength` with the state of a bar's volume, busy or quiet, each half of
 * the time. Prices alone tell nothing.
 */
function plantedBars(count = 4000, strength = 0.5, seed = 5): Bars {
  const random = createRandom(seed, "planted bars");
  const bars = makeBars({ symbol: "PLANT", count, seed: 3 });
  const column = (): Float64Array => new Float64Array(count);
  const [open, high, low, close, volume] = [column(), column(), column(), column(), column()];
  let price = 100;
  let state = 0;
  for (let t = 0; t < count; t++) {
    open[t] = price;
    price *= Math.exp(0.01 * (strength * state + Math.sqrt(1 - strength ** 2) * random.normal()));
    close[t] = price;
    high[t] = Math.max(open[t], price) * 1.001;
    low[t] = Math.min(open[t], price) * 0.999;
    state = random.uniform() < 0.5 ? 1 : -1;
    volume[t] = state > 0 ? 9000 : 1000;
  }
  return { ...bars, open, high, low, close, volume };
}

const planted = strategyText({
  name: "planted",
  training_data: `
  symbols: { mode: single, symbol: PLANT }
  timeframes: { mode: single, timeframe: 1d }`,
  indicators: `
  - { name: rsi, feature_id: rsi_14, period: 14 }
  - { name: volumeratio, feature_id: volume_20, period: 20 }
  - { name: williams_r, feature_id: willr_14, period: 14 }
  - { name: cci, feature_id: cci_20, period: 20 }`,
  fuzzy_sets: `
  rsi_14:
    low: { type: trapezoidal, parameters: [0, 0, 30, 50] }
    high: { type: trapezoidal, parameters: [50, 70, 100, 100] }
  volume_20:
    quiet: { type: trapezoidal, parameters: [0, 0, 0.6, 1.2] }
    busy: { type: trapezoidal, parameters: [0.8, 1.4, 20, 20] }
  willr_14:
    bottom: { type: trapezoidal, parameters: [-100, -100, -70, -40] }
    top: { type: trapezoidal, parameters: [-60, -30, 0, 0] }
  cci_20:
    low: { type: sigmoid, parameters: [-100, -0.05] }
    high: { type: sigmoid, parameters: [100, 0.05] }`,
  model: `
  architecture: { hidden_layers: [16], activation: tanh, dropout: 0 }
  training: { epochs: 15, batch_size: 64, learning_rate: 0.01 }`,
  training: `
  labels: { source: forward_return, horizon: 1, threshold: 0.0001 }
  data_split: { train: 0.6, validation: 0.2, test: 0.2 }`,
});

async function train(
  text: string,
  bars: Bars,
): Promise<{ home: string; stored: StoredModel; dataManager: DataManager }> {
  const home = temporaryFolder();
  const store = new BarStore(join(home, "data"));
  await store.save(bars);
  const modelStorage = new ModelStorage(join(home, "models"));
  const dataManager = new DataManager(store);
  const strategyConfig = parseStrategy(text, null);
  const { symbols, timeframes, startDate, endDate } = strategyConfig;
  const request = { symbols, timeframes, startDate, endDate, strategyConfig, modelStorage, dataManager };
  const { model_name } = await TrainingPipeline.trainStrategy(request);
  return { home, stored: modelStorage.load(model_name), dataManager };
}

describe("a planted indicator", () => {
  test("is what the rules name, with precision and lift that hold on held-out bars", async () => {
    const { stored, dataManager } = await train(planted, plantedBars());
    const { report } = await modelRules(stored, dataManager);
    expect(report.notices).toEqual([]);
    expect(report.rules.length).toBeGreaterThan(0);
    for (const rule of report.rules) {
      expect(rule.if.join(), "every rule names it").toMatch(/volume_20 is (busy|quiet)/);
      expect(rule.then).toBe(rule.if.join().includes("busy") ? "BUY" : "SELL");
      // Right 72 % of the time: Phi(0.5 / sqrt(1 - 0.5^2)).
      expect(rule.precision).toBeGreaterThan(0.65);
      expect(rule.lift).toBeGreaterThan(1.2);
    }
    expect(report.fidelity).toBeGreaterThan(0.9);
    expect(report.explained).toBe(true);
  });

  test("at a correlation of 0.2 over 5,000 bars is in the first rule", async () => {
    for (let seed = 1; seed <= rounds(50, 3); seed++) {
      const { stored, dataManager } = await train(planted, plantedBars(5000, 0.2, seed));
      const [first] = (await modelRules(stored, dataManager)).report.rules;
      expect(first.if.join(), `seed ${seed}`).toMatch(/volume_20 is (busy|quiet)/);
      expect(first.then).toBe(first.if.join().includes("busy") ? "BUY" : "SELL");
    }
  });

  test("is behind each signal that --explain explains", async () => {
    const { home } = await train(planted, plantedBars());
    const flags = [
      "--symbol",
      "PLANT",
      "--timeframe",
      "1d",
      "--start-date",
      "2030-06-01",
      "--end-date",
      "2030-06-30",
    ];
    const { out, err } = await runHere(home, [
      "models",
      "predict",
      "planted",
      ...flags,
      "--explain",
      "--json",
    ]);
    const predictions = JSON.parse(out) as (Prediction & { explanation: Explanation })[];
    expect(predictions, err).toHaveLength(30);
    for (const { signal, memberships, explanation } of predictions) {
      const [first] = explanation.memberships;
      expect(first.membership).toBe(signal === "BUY" ? "1d_volume_20_busy" : "1d_volume_20_quiet");
      expect(first.degree).toBe(memberships[first.membership]);
      expect(first.effect).toBeGreaterThan(0.05);
      expect(explanation.memberships.map(({ membership }) => membership).sort()).toEqual(
        Object.keys(memberships)
          .filter((name) => memberships[name] > 0)
          .sort(),
      );
      expect(explanation.rule?.then ?? explanation.rules_say).toBe(explanation.rules_say);
    }
    const agreeing = predictions.filter(({ signal, explanation }) => explanation.rules_say === signal);
    expect(agreeing.length).toBeGreaterThan(25);

    const text = await runHere(home, [
      "models",
      "predict",
      "planted",
      "--symbol",
      "PLANT",
      "--timeframe",
      "1d",
      "--explain",
    ]);
    expect(text.out).toMatch(/volume_20 is (busy|quiet) +\d\.\d{3} +\+\d/);
    expect(text.out).toMatch(/^Rule: if .*volume_20 is (busy|quiet).* then (BUY|SELL)$/m);
    const csv = await runHere(home, [
      "models",
      "predict",
      "planted",
      "--symbol",
      "PLANT",
      "--timeframe",
      "1d",
      "--explain",
      "--format",
      "csv",
    ]);
    expect([csv.status, csv.out]).toEqual([2, ""]);
  });
});

describe("models rules", () => {
  test("prints rules, their worth and the fidelity of the list", async () => {
    const { home } = await train(planted, plantedBars(1500));
    const { status, out } = await runHere(home, ["models", "rules", "planted", "--json"]);
    expect(status).toBe(0);
    const { rules, fidelity } = JSON.parse(out) as JudgedRules;
    expect(fidelity).toBeGreaterThan(0.8);
    for (const rule of rules) {
      expect(Object.keys(rule).slice(0, 3)).toEqual(["if", "then", "support"]);
      expect(rule.support).toBeGreaterThan(0);
    }
    const text = await runHere(home, ["models", "rules", "planted"]);
    expect(text.out.replaceAll("\n", " ")).toMatch(
      /1\. if volume_20 is (busy|quiet) then (BUY|SELL) +\d+ training bars; on \d+ held-out bars right/,
    );
    expect(text.out).toMatch(/The rules give the network's answer on \d/);
  });

  test("says so when the bars have changed since, and works on", async () => {
    const { stored, dataManager, home } = await train(strategyText(), makeBars());
    const same = await modelRules(stored, dataManager);
    expect(same.report.notices).toEqual([]);
    const bars = makeBars();
    bars.close[300] = bars.high[300];
    await new BarStore(join(home, "data")).save(bars);
    const changed = await modelRules(stored, dataManager);
    expect(changed.report.notices.join()).toContain("The bars have changed since journey/1d_v1 was trained");
  });

  test("later bars change nothing", async () => {
    const { stored, dataManager, home } = await train(strategyText(), makeBars());
    const { report } = await modelRules(stored, dataManager);
    await new BarStore(join(home, "data")).save(makeBars({ count: 700 }));
    expect((await modelRules(stored, dataManager)).report).toEqual(report);
  });

  test("without the bars there are no rules, and an explanation says so and gives the memberships", async () => {
    const { home } = await train(strategyText(), makeBars());
    await new BarStore(join(home, "data")).save(makeBars({ symbol: "SYN2" }));
    rmSync(join(home, "data", "SYN1_1d.parquet"));
    const rules = await runHere(home, ["models", "rules", "journey", "--json"]);
    expect(rules.status).toBe(1);
    expect(JSON.parse(rules.out)).toMatchObject({ error: { code: "NO_BARS" } });
    const use = [
      "models",
      "predict",
      "journey",
      "--symbol",
      "SYN2",
      "--timeframe",
      "1d",
      "--explain",
      "--json",
    ];
    const { out, err } = await runHere(home, use);
    const [{ explanation }] = JSON.parse(out) as { explanation: Explanation }[];
    expect(explanation).toMatchObject({ rule: null, rules_say: null, fidelity: null });
    expect(explanation.memberships.length).toBeGreaterThan(0);
    expect(err.replaceAll("\n", " ")).toContain(
      "No rules: they are found on the bars that the model was trained on.",
    );
  });

  test("with too few of the bars left an explanation gives the memberships likewise", async () => {
    const { home } = await train(strategyText(), makeBars());
    await new BarStore(join(home, "data")).save(makeBars({ count: 40 }));
    const rules = await runHere(home, ["models", "rules", "journey", "--json"]);
    expect(JSON.parse(rules.out)).toMatchObject({ error: { code: "EMPTY_SPLIT" } });
    const use = "models predict journey --symbol SYN1 --timeframe 1d --explain --json";
    const { out, err, status } = await runHere(home, use.split(" "));
    expect(status, err).toBe(0);
    const [{ explanation }] = JSON.parse(out) as { explanation: Explanation }[];
    expect([explanation.rule, explanation.memberships.length > 0]).toEqual([null, true]);
    expect(err.replaceAll("\n", " ")).toContain("No rules: ");
  });

  test("stops when cancelled", async () => {
    const { stored, dataManager } = await train(strategyText(), makeBars());
    await expect(modelRules(stored, dataManager, { isCancelled: true })).rejects.toThrow(CancelledError);
  });
});
