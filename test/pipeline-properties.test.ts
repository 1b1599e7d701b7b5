import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BarStore,
  completeRows,
  createRandom,
  DataManager,
  findEngine,
  loadSeries,
  MLPTradingModel,
  ModelStorage,
  neverCancelled,
  parseStrategy,
  predictBars,
  prepareFeatures,
  sliceBars,
  testModel,
  TrainingPipeline,
  type Bars,
  type Strategy,
  type TestMetrics,
  type TrainingResult,
  type TrainRequest,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { strategyText } from "./journey-strategies.js";
import { rounds } from "./rounds.js";
import { temporaryFolder } from "./temporary-folder.js";

const labelSections = {
  zigzag: "{ source: zigzag, threshold: 0.04 }",
  zigzag_forward: "{ source: zigzag_forward, threshold: 0.04, horizon: 12 }",
  triple_barrier: "{ source: triple_barrier, horizon: 10, target: 2, stop: 2, atr_period: 14 }",
  forward_return: "{ source: forward_return, horizon: 5, threshold: 0.01 }",
};

/** Lags, a cumulative indicator, two timeframes: whatever could make a bar's features depend on the range. */
function strategyWith(labels = labelSections.triple_barrier, more: Record<string, string> = {}): Strategy {
  return parseStrategy(
    strategyText({
      training: `
  labels: ${labels}
  data_split: { train: 0.7, validation: 0.15, test: 0.15 }`,
      ...more,
    }),
    null,
  );
}

const wide = strategyWith(labelSections.triple_barrier, {
  training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: multi_timeframe, list: [1h, 1d] }`,
  indicators: `
  - { name: rsi, feature_id: rsi_14, period: 14 }
  - { name: ema, feature_id: ema_20, period: 20 }
  - { name: obv, feature_id: obv }
  - { name: fishertransform, feature_id: fisher, period: 10 }`,
  fuzzy_sets: `
  rsi_14:
    low: { type: trapezoidal, parameters: [0, 0, 30, 50] }
    high: { type: gaussian, parameters: [70, 15] }
  ema_20:
    input_transform: { type: price_ratio, reference: close }
    below: { type: sigmoid, parameters: [0.99, -200] }
  obv:
    much: { type: sigmoid, parameters: [0, 0.0001] }
  fisher:
    turning: { type: bell, parameters: [1, 2, 0] }`,
});

/** Stores bars and makes a request over them, in folders of their own. */
async function requestOver(series: readonly Bars[], more: Partial<TrainRequest> = {}) {
  const folder = temporaryFolder();
  const store = new BarStore(join(folder, "data"));
  for (const bars of series) await store.save(bars);
  return {
    symbols: [...new Set(series.map(({ symbol }) => symbol))],
    timeframes: ["1d"] as const,
    strategyConfig: strategyWith(),
    startDate: null,
    endDate: null,
    modelStorage: new ModelStorage(join(folder, "models")),
    dataManager: new DataManager(store),
    ...more,
  } satisfies TrainRequest;
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
const dayText = (bars: Bars, t: number): string => new Date(bars.time[t]).toISOString().slice(0, 10);
const weightsHash = ({ model_path }: TrainingResult): string =>
  createHash("sha256")
    .update(readFileSync(join(model_path, "weights.safetensors")))
    .digest("hex");

test("a bar's features are bit-equal in training, test and prediction, whatever the dates", async () => {
  const hours = makeBars({ symbol: "A", timeframe: "1h", count: 24 * 80 });
  const days = makeBars({ symbol: "A", timeframe: "1d", count: 80, seed: 2 });
  const request = await requestOver([hours, days], { strategyConfig: wide, timeframes: ["1h", "1d"] });
  const { model_name } = await TrainingPipeline.trainStrategy(request);
  const model = request.modelStorage.load(model_name);
  const { table } = prepareFeatures(wide, [hours, days], neverCancelled);
  const complete = completeRows(table);
  const use = { model, symbol: "A", timeframe: "1h", dataManager: request.dataManager };
  const day = fc.nat(79);
  await fc.assert(
    fc.asyncProperty(day, day, async (a, b) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      fc.pre(complete.subarray(first * 24, last * 24 + 24).includes(1));
      const [startDate, endDate] = [dayText(days, first), dayText(days, last)];
      const { predictions } = await predictBars({ ...use, startDate, endDate });
      const expected = Array.from({ length: (last - first + 1) * 24 }, (_, k) => first * 24 + k).filter(
        (t) => complete[t] === 1,
      );
      const times = predictions.map(({ timestamp }) => Date.parse(timestamp));
      expect(times).toEqual(expected.map((t) => hours.time[t]));
      for (const [j, name] of table.names.entries()) {
        const found = Float64Array.from(predictions, ({ memberships }) => memberships[name]);
        expect(found, `${name}, ${startDate} to ${endDate}`).toEqual(
          Float64Array.from(expected, (t) => table.columns[j][t]),
        );
      }
      // The same through training's own door: only what was stored up to the end is read, from the first bar.
      const wanted = {
        symbol: "A",
        timeframes: ["1h", "1d"],
        baseTimeframe: "1h",
        startDate,
        endDate,
        dataMode: "local",
      } as const;
      const loaded = await loadSeries(request.dataManager, wanted, neverCancelled);
      const part = prepareFeatures(wide, loaded.series, neverCancelled).table;
      expect(part.rows).toBe((last + 1) * 24);
      for (const [j, column] of part.columns.entries()) {
        expect(column, part.names[j]).toEqual(table.columns[j].slice(0, part.rows));
      }
    }),
    { numRuns: rounds(100, 10) },
  );
});

test("every bar of every symbol is a sample or dropped for a named cause, whatever is asked for", async () => {
  const symbols = fc.array(fc.record({ offset: fc.nat(400), count: fc.integer({ min: 40, max: 400 }) }), {
    minLength: 1,
    maxLength: 3,
  });
  const asked = fc.record({
    train: fc.integer({ min: 40, max: 70 }),
    validation: fc.integer({ min: 0, max: 20 }),
    embargo: fc.nat(8),
    label: fc.constantFrom(...Object.values(labelSections)),
    start: fc.nat(300),
  });
  let trained = 0;
  await fc.assert(
    fc.asyncProperty(symbols, asked, async (shapes, { train, validation, embargo, label, start }) => {
      const test_ = 100 - train - validation;
      const text = strategyText({
        model: `
  architecture: { hidden_layers: [4] }
  training: { epochs: 1, batch_size: 256 }`,
        training: `
  labels: ${label}
  data_split: { train: ${train / 100}, validation: ${validation / 100}, test: ${test_ / 100}, embargo: ${embargo} }`,
      });
      const series = shapes.map(({ offset, count }, k) => {
        const first = new Date(Date.UTC(2020, 0, 1 + offset)).toISOString().slice(0, 10);
        return makeBars({ symbol: `S${k}`, count, start: first, seed: k + 1 });
      });
      const startDate = new Date(Date.UTC(2020, 0, 1 + start)).toISOString().slice(0, 10);
      const request = await requestOver(series, { strategyConfig: parseStrategy(text, null), startDate });
      const outcome = await TrainingPipeline.trainStrategy(request).catch(
        (error: Error & { code?: string }) => error,
      );
      if (!("data_summary" in outcome)) {
        expect(["EMPTY_SPLIT", "NO_BARS"], outcome.message).toContain(outcome.code);
        return;
      }
      trained++;
      const { data_summary: data, test_metrics } = outcome;
      for (const { symbol, time } of series) {
        const { bars, dropped, ...parts } = data.per_symbol[symbol];
        expect(bars).toBe(time.filter((opening) => opening >= Date.parse(startDate)).length);
        expect(parts.train + parts.validation + parts.test + sum(Object.values(dropped))).toBe(bars);
      }
      const all = Object.values(data.per_symbol);
      expect(data.total_samples).toBe(sum(all.map((one) => one.train + one.validation + one.test)));
      expect(sum(Object.values(data.label_distribution))).toBe(data.total_samples);
      expect(test_metrics.samples).toBe(sum(all.map((one) => one.test)));
    }),
    { numRuns: rounds(200, 12) },
  );
  expect(trained, "runs that had samples in every part").toBeGreaterThan(0);
});

test("evaluating the saved model on the validation rows gives best_val_loss again", async () => {
  const bars = makeBars({ symbol: "A" });
  const request = await requestOver([bars]);
  const { training_metrics, model_name, data_summary } = await TrainingPipeline.trainStrategy(request);
  const stored = request.modelStorage.load(model_name);
  const { train_start, validation_start, test_start } = stored.metadata["split_boundaries"] as Record<
    string,
    string
  >;
  expect(train_start).toBe("2020-01-01T00:00:00.000Z");
  // The rows are found again from what is public: boundaries, labels, and the rule of the purge.
  const { strategyConfig: strategy } = request;
  const { table } = prepareFeatures(strategy, [bars], neverCancelled);
  const { classes, knownAt } = TrainingPipeline.createLabels(strategy, bars);
  const rows = Array.from(bars.time.keys()).filter(
    (t) =>
      bars.time[t] >= Date.parse(validation_start) &&
      bars.time[t] < Date.parse(test_start) &&
      classes[t] >= 0 &&
      bars.time[knownAt[t]] < Date.parse(test_start),
  );
  expect(rows).toHaveLength(data_summary.per_symbol["A"].validation);
  const features = Float32Array.from(rows.flatMap((t) => table.columns.map((column) => column[t])));
  const samples = {
    rows: rows.length,
    columns: table.columns.length,
    features,
    labels: Uint8Array.from(rows, (t) => classes[t]),
  };
  const network = new MLPTradingModel(samples.columns, strategy.architecture, stored.weights).open(
    findEngine("auto"),
  );
  const { lossSum, correct } = network.evaluate(network.load(samples), neverCancelled);
  network.dispose();
  expect(lossSum / rows.length).toBe(training_metrics.best_val_loss);
  expect(correct / rows.length).toBe(training_metrics.best_val_accuracy);
});

test("models test on the test part's bars gives the figures of the training again", async () => {
  const bars = makeBars({ symbol: "A" });
  const request = await requestOver([bars]);
  const { model_name, test_metrics, verdict } = await TrainingPipeline.trainStrategy(request);
  const model = request.modelStorage.load(model_name);
  const { test_start } = model.metadata["split_boundaries"] as Record<string, string>;
  const use = { model, symbol: "A", timeframe: "1d", endDate: null, dataManager: request.dataManager };
  const again = await testModel({ ...use, startDate: test_start.slice(0, 10) });
  expect(again).toMatchObject({ ...(test_metrics as TestMetrics) });
  expect(again.bars_in_training_range).toBe(0);
  expect(again.verdict.interval).toEqual(verdict.interval);
  const everything = await testModel({ ...use, startDate: null });
  expect(everything.bars_in_training_range).toBeGreaterThan(400);
  expect(everything.verdict.significant, "memory is no skill").toBe(false);
  expect(everything.verdict.statement).not.toContain("had not seen");
});

test("a stop at any look at the token leaves nothing; after the last look the model is published", async () => {
  const model = `
  architecture: { hidden_layers: [4] }
  training: { epochs: 2, batch_size: 256 }`;
  const strategyConfig = strategyWith(labelSections.triple_barrier, { model });
  const request = await requestOver([makeBars({ symbol: "A", count: 300 })], { strategyConfig });
  const { modelStorage } = request;
  /** Runs with a token that says stop from its `at`-th reading on; how often it was read. */
  const runUntil = async (at: number): Promise<{ looks: number; code: string }> => {
    let looks = 0;
    const cancellationToken = {
      get isCancelled() {
        return ++looks >= at;
      },
    };
    const code = await TrainingPipeline.trainStrategy({ ...request, cancellationToken }).then(
      () => "published",
      (error: Error & { code?: string }) => error.code ?? error.message,
    );
    return { looks, code };
  };
  const { looks: all } = await runUntil(Infinity);
  const filesOf = (): string[] =>
    existsSync(modelStorage.root)
      ? readdirSync(modelStorage.root, { recursive: true, encoding: "utf8" }).sort()
      : [];
  const before = filesOf();
  // The last looks are those of saving: before each file and before the rename.
  const last = Array.from({ length: 12 }, (_, k) => all - k);
  const some = fc.sample(fc.integer({ min: 1, max: all }), rounds(200, 10));
  for (const at of [...last, ...some]) {
    expect((await runUntil(at)).code, `stopped at look ${at} of ${all}`).toBe("CANCELLED");
    expect(filesOf(), `left after look ${at} of ${all}`).toEqual(before);
  }
  expect((await runUntil(all + 1)).code, "nobody asks after the model is published").toBe("published");
});

test("one seed gives the same bytes of weights, another seed others; listeners change nothing", async () => {
  const seeds = [1, 2, 3].slice(0, rounds(3, 2));
  const hashes = new Set<string>();
  for (const seed of seeds) {
    const model = `
  architecture: { hidden_layers: [16, 8], activation: tanh, dropout: 0.2 }
  training: { epochs: 3, batch_size: 32, seed: ${seed} }`;
    const strategyConfig = strategyWith(labelSections.zigzag, { model });
    const request = await requestOver([makeBars({ symbol: "A" }), makeBars({ symbol: "B", seed: 2 })], {
      strategyConfig,
    });
    let heard = 0;
    const silent = await TrainingPipeline.trainStrategy(request);
    const again = await TrainingPipeline.trainStrategy(request);
    const heardToo = await TrainingPipeline.trainStrategy({ ...request, progressCallback: () => heard++ });
    expect(heard).toBeGreaterThan(10);
    expect(weightsHash(again)).toBe(weightsHash(silent));
    expect(weightsHash(heardToo)).toBe(weightsHash(silent));
    expect(heardToo.training_metrics.history).toEqual(silent.training_metrics.history);
    expect(again.test_metrics).toEqual(silent.test_metrics);
    expect(again.artifacts).toEqual(silent.artifacts);
    hashes.add(weightsHash(silent));
  }
  expect(hashes.size).toBe(seeds.length);
});

test.each(Object.entries(labelSections))(
  "%s: bars after the end date change nothing, even when they are stored",
  async (_, labels) => {
    const strategyConfig = strategyWith(labels);
    const bars = makeBars({ symbol: "A", count: 700 });
    const endDate = dayText(bars, 599);
    const stored = await requestOver([bars], { strategyConfig, endDate });
    const absent = await requestOver([sliceBars(bars, 0, 600)], { strategyConfig, endDate });
    // A different future: whatever looks at it would show.
    const other = makeBars({ symbol: "A", count: 700, seed: 9 });
    for (const column of ["open", "high", "low", "close", "volume"] as const)
      other[column].set(bars[column].subarray(0, 600));
    const changed = await requestOver([other], { strategyConfig, endDate });
    const [a, b, c] = [
      await TrainingPipeline.trainStrategy(stored),
      await TrainingPipeline.trainStrategy(absent),
      await TrainingPipeline.trainStrategy(changed),
    ];
    expect(a.data_summary).toEqual(b.data_summary);
    expect(c.data_summary).toEqual(b.data_summary);
    expect(weightsHash(a)).toBe(weightsHash(b));
    expect(weightsHash(c)).toBe(weightsHash(b));
    expect(a.test_metrics).toEqual(b.test_metrics);
  },
);

test("what training learns from does not contain the test part: another future, the same weights", async () => {
  const bars = makeBars({ symbol: "A" });
  for (const [name, labels] of Object.entries(labelSections)) {
    const strategyConfig = strategyWith(labels);
    const request = await requestOver([bars], { strategyConfig });
    const before = await TrainingPipeline.trainStrategy(request);
    const { test_start } = request.modelStorage.load(before.model_name).metadata[
      "split_boundaries"
    ] as Record<string, string>;
    const from = bars.time.indexOf(Date.parse(test_start));
    const other = makeBars({ symbol: "A", seed: 9 });
    const scale = bars.close[from - 1] / other.open[from];
    for (const name of ["open", "high", "low", "close"] as const) {
      for (let t = from; t < 600; t++) other[name][t] *= scale;
      other[name].set(bars[name].subarray(0, from));
    }
    other.volume.set(bars.volume.subarray(0, from));
    const after = await TrainingPipeline.trainStrategy(await requestOver([other], { strategyConfig }));
    expect(weightsHash(after), name).toBe(weightsHash(before));
    expect(after.training_metrics.history, name).toEqual(before.training_metrics.history);
    expect(after.data_summary.data_hash, `${name}: the test part is another`).not.toBe(
      before.data_summary.data_hash,
    );
  }
});

test("a pattern is learnt; fair coins, which only features made from later bars could tell, are not", async () => {
  const strategyConfig = parseStrategy(
    strategyText({
      indicators: `
  - { name: rsi, feature_id: rsi_2, period: 2 }`,
      fuzzy_sets: `
  rsi_2:
    low: { type: trapezoidal, parameters: [0, 0, 30, 70] }
    high: { type: trapezoidal, parameters: [30, 70, 100, 100] }`,
      model: `
  architecture: { hidden_layers: [8] }
  training: { epochs: 20, batch_size: 32, learning_rate: 0.01 }`,
      training: `
  labels: { source: forward_return, horizon: 1, threshold: 0.005 }
  data_split: { train: 0.6, validation: 0.1, test: 0.3 }`,
    }),
    null,
  );
  /** Bars that rise or fall by 1 %; each turns against the one before with the given probability. */
  const trainOn = async (turning: number): Promise<TrainingResult> => {
    const bars = makeBars({ symbol: "A", count: 2000 });
    const random = createRandom(7, "coins");
    let [price, rising] = [100, true];
    for (let t = 0; t < bars.time.length; t++) {
      bars.open[t] = price;
      rising = random.uniform() < turning ? !rising : rising;
      price *= rising ? 1.01 : 1 / 1.01;
      bars.close[t] = price;
      bars.high[t] = Math.max(bars.open[t], price);
      bars.low[t] = Math.min(bars.open[t], price);
    }
    return TrainingPipeline.trainStrategy(await requestOver([bars], { strategyConfig }));
  };
  const pattern = await trainOn(0.85);
  const coins = await trainOn(0.5);
  // 599 test samples: a share of hits has a standard deviation of 2 points, so 8 points are four of them.
  expect((pattern.test_metrics as TestMetrics).test_accuracy, "85 % can be known").toBeGreaterThan(0.77);
  expect(pattern.verdict.significant).toBe(true);
  expect((coins.test_metrics as TestMetrics).test_accuracy, "nothing can be known").toBeLessThan(0.58);
  expect(coins.verdict.significant).toBe(false);
});
