import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  BarStore,
  DataManager,
  GoldenRowsError,
  loadStrategy,
  ModelDamagedError,
  ModelStorage,
  openModel,
  parseStrategy,
  portableLayout,
  predictBars,
  readOnnxMetadata,
  resample,
  sampleBars,
  TrainingPipeline,
  type Bars,
  type Strategy,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { describeWithComponent } from "./components.js";
import { runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";
import { bothWays, cornerInputs, inputRandom, largestDifference, missingOnnxRuntime } from "./onnx.js";
import { temporaryFolder } from "./temporary-folder.js";

const strategies = fileURLToPath(new URL("../config/strategies", import.meta.url));

/** Sample bars of a symbol: AAPL by days, a synthetic one by hours and the days made of them. */
async function sampleOf(symbol: string): Promise<Bars[]> {
  if (symbol === "AAPL") return [await sampleBars({ symbol, timeframe: "1d", seed: 42 })];
  const hours = await sampleBars({ symbol, timeframe: "1h", bars: 6000, seed: 42 });
  return [hours, resample(hours, "1d").bars];
}

/** Trains a strategy over bars, and gives back the model as stored, with the data manager of its bars. */
async function train(strategy: Strategy, series: readonly Bars[], home = temporaryFolder()) {
  const store = new BarStore(join(home, "data"));
  for (const bars of series) await store.save(bars);
  const modelStorage = new ModelStorage(join(home, "models"));
  const dataManager = new DataManager(store);
  const { symbols, timeframes, startDate, endDate } = strategy;
  const request = {
    symbols,
    timeframes,
    startDate,
    endDate,
    strategyConfig: strategy,
    modelStorage,
    dataManager,
  };
  const { model_name } = await TrainingPipeline.trainStrategy(request);
  return { stored: modelStorage.load(model_name), dataManager };
}

/** Hourly bars about 1.10 whose closes move some 5 pips: all sets are a few pips wide. */
function currencyBars(): Bars {
  const bars = makeBars({ symbol: "EURUSD", timeframe: "1h", count: 3000, volatility: 0.0004, seed: 7 });
  const scale = (column: Float64Array): Float64Array => column.map((price) => price * 0.011);
  return {
    ...bars,
    open: scale(bars.open),
    high: scale(bars.high),
    low: scale(bars.low),
    close: scale(bars.close),
  };
}

const currencyStrategy = parseStrategy(
  strategyText({
    name: "pips",
    training_data: `
  symbols: { mode: single, symbol: EURUSD }
  timeframes: { mode: single, timeframe: 1h }`,
    indicators: `
  - { name: macd, feature_id: macd }
  - { name: momentum, feature_id: momentum_5, period: 5 }
  - { name: sma, feature_id: sma_20, period: 20 }
  - { name: atr, feature_id: atr_14, period: 14 }`,
    fuzzy_sets: `
  macd.hist:
    falling: { type: trapezoidal, parameters: [-0.02, -0.02, -0.0005, 0] }
    flat: { type: triangular, parameters: [-0.0005, 0, 0.0005] }
    rising: { type: trapezoidal, parameters: [0, 0.0005, 0.02, 0.02] }
  momentum_5:
    down: { type: sigmoid, parameters: [-0.0005, -8000] }
    still: { type: gaussian, parameters: [0, 0.00025] }
    up: { type: sigmoid, parameters: [0.0005, 8000] }
  sma_20:
    input_transform: { type: price_ratio, reference: close }
    below: { type: trapezoidal, parameters: [0, 0, 0.99955, 1] }
    near: { type: triangular, parameters: [0.99955, 1, 1.00045] }
    above: { type: trapezoidal, parameters: [1, 1.00045, 2, 2] }
  atr_14:
    quiet: { type: bell, parameters: [0.0005, 2.5, 0.0004] }`,
    model: `
  architecture: { hidden_layers: [32, 16], activation: leaky_relu, dropout: 0.1 }
  features: { lookback_periods: 2 }
  training: { epochs: 30, batch_size: 64, learning_rate: 0.003 }`,
  }),
  null,
);

const trainings: [string, () => Promise<{ strategy: Strategy; series: Bars[]; price: number }>][] = [
  ...readdirSync(strategies).map((file): (typeof trainings)[number] => [
    file,
    async () => {
      const strategy = loadStrategy(join(strategies, file));
      const series = (await Promise.all(strategy.symbols.map(sampleOf))).flat();
      return { strategy, series, price: 100 };
    },
  ]),
  [
    "a currency pair with sets 5 pips wide",
    async () => ({ strategy: currencyStrategy, series: [currencyBars()], price: 1.1 }),
  ],
];

describe.each(trainings)("%s", (_, make) => {
  test("as trained: checked when saved, golden rows hold when loaded, onnxruntime agrees on 10,000 rows", async (context) => {
    const { strategy, series, price } = await make();
    const { stored, dataManager } = await train(strategy, series);
    const { model } = openModel(stored);
    const layout = portableLayout(strategy);
    const metadata = readOnnxMetadata(stored.onnx);
    expect(metadata.classNames).toEqual(["BUY", "HOLD", "SELL"]);
    expect(metadata.featureNames).toEqual(stored.features.feature_names);
    expect(metadata.inputNames).toEqual(layout.inputs.map(({ name }) => name));
    for (const row of metadata.goldenRows) expect(Object.keys(row.inputs)).toEqual(metadata.inputNames);

    const [symbol] = strategy.symbols;
    const range = { startDate: "2000-01-01", endDate: null };
    const use = { model: stored, symbol, timeframe: strategy.baseTimeframe, ...range, dataManager };
    const { predictions } = await predictBars(use);
    const known = new Set(
      predictions.map(({ probabilities: { BUY, HOLD, SELL } }) => [BUY, HOLD, SELL].join()),
    );
    for (const row of metadata.goldenRows.slice(0, 4)) {
      expect(known, "the first rows are bars of the first symbol").toContain(row.probabilities.join());
    }
    if (missingOnnxRuntime !== null) return context.skip(missingOnnxRuntime);
    expect(stored.metadata["onnx_check"]).toMatchObject({ rows: metadata.goldenRows.length });
    const columns = cornerInputs(layout, 10_000, inputRandom(3), price);
    const { onnx, own } = await bothWays(layout, model, columns, stored.onnx);
    expect(own).toHaveLength(30_000);
    expect(largestDifference(onnx, own)).toBeLessThan(1e-6);
  });
});

/** Debian's python3 with numpy; null where it is there. */
const missingNumpy: string | null = (() => {
  try {
    execFileSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
    return null;
  } catch {
    return "python3 with numpy is missing: apt-get install python3-numpy";
  }
})();

/** Runs the compiled command line in a home with the strategy file "journey" trained on SYN1. */
async function trainedHome() {
  const home = temporaryFolder();
  await new BarStore(join(home, "data")).save(makeBars());
  const file = join(home, "journey.yaml");
  writeFileSync(file, strategyText());
  const trained = await runHere(home, ["models", "train", "--strategy", file, "--json"]);
  expect(trained.status, trained.err).toBe(0);
  return { home, path: (JSON.parse(trained.out) as { model_path: string }).model_path };
}

test("models export writes the file, its golden rows and a README that names every input", async () => {
  const { home, path } = await trainedHome();
  const to = join(home, "portable");
  const exported = await runHere(home, ["models", "export", "journey", "--to", to, "--json"]);
  expect(JSON.parse(exported.out)).toEqual({
    model: "journey/1d_v1",
    path: to,
    files: ["model.onnx", "golden_rows.json", "README.md"],
  });
  expect(readdirSync(home).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  const onnx = readFileSync(join(to, "model.onnx"));
  expect(onnx).toEqual(readFileSync(join(path, "model.onnx")));
  const { goldenRows, inputNames } = readOnnxMetadata(onnx);
  expect(JSON.parse(readFileSync(join(to, "golden_rows.json"), "utf8"))).toEqual(goldenRows);
  const readme = readFileSync(join(to, "README.md"), "utf8");
  expect(inputNames).toEqual(["1d_rsi_14", "1d_ema_20", "1d_close"]);
  for (const name of inputNames) expect(readme).toContain(`| \`${name}\` |`);
  expect(readme).toMatch(/\(rsi, period 14, source close\) over 1d bars: Wilder 1978/);

  const shown = await runHere(home, ["models", "show", "journey"]);
  const how =
    missingOnnxRuntime === null
      ? /^ONNX file +checked with onnxruntime \d.* on \d+ rows/m
      : /^ONNX file +not checked/m;
  expect(shown.out).toMatch(how);

  const again = await runHere(home, ["models", "export", "journey", "--to", to, "--json"]);
  expect(again.status).toBe(1);
  expect(JSON.parse(again.out)).toMatchObject({ error: { code: "FILE_UNUSABLE", details: { path: to } } });
});

test("a model whose results have changed since it was saved is refused, and so is a foreign ONNX file", async () => {
  const { stored } = await train(parseStrategy(strategyText(), null), [makeBars()]);
  openModel(stored);
  const other = stored.weights.map((layer) => ({ ...layer, bias: layer.bias.map((value) => value + 0.01) }));
  other[other.length - 1].bias[0] += 0.01;
  expect(() => openModel({ ...stored, weights: other })).toThrow(GoldenRowsError);
  const foreign = new TextEncoder().encode("no ONNX file");
  expect(() => openModel({ ...stored, onnx: foreign })).toThrow(ModelDamagedError);
});

describeWithComponent("docs/portable-model.md", missingNumpy, () => {
  test("its numpy program recomputes the probabilities from the model's folder", async () => {
    const document = readFileSync(new URL("../docs/portable-model.md", import.meta.url), "utf8");
    const programs = [...document.matchAll(/```python\n([^]*?)```/g)].map(([, code]) => code);
    expect(programs).toHaveLength(2);
    const { home, path } = await trainedHome();
    const predicted = await runHere(home, [
      "models",
      "predict",
      "journey",
      "--symbol",
      "SYN1",
      "--timeframe",
      "1d",
      "--start-date",
      "2020-06-01",
      "--json",
    ]);
    writeFileSync(join(home, "predictions.json"), predicted.out);
    writeFileSync(join(home, "recompute.py"), programs[1]);
    const printed = execFileSync(
      "python3",
      [join(home, "recompute.py"), path, join(home, "predictions.json")],
      { encoding: "utf8" },
    );
    const [, rows, difference] = /^(\d+) rows, largest difference (\S+)$/m.exec(printed)!;
    expect(Number(rows)).toBeGreaterThan(400);
    // float32, 16 terms a sum
    expect(Number(difference)).toBeLessThan(1e-6);
  });
});
