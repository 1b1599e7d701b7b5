import { describe, expect, test, vi } from "vitest";
import {
  BarStore,
  DataManager,
  EmptySplitError,
  loadSeries,
  MemoryLimitError,
  ModelStorage,
  neverCancelled,
  NotEnoughBarsError,
  parseStrategy,
  testModel,
  TrainingPipeline,
  withOverrides,
  type Bars,
  type FeatureMatrix,
  type TestMetrics,
  type TrainingProgress,
  type TrainRequest,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

const strategy = parseStrategy(strategyText(), null);

/** A request over these bars in folders of their own; each series is named by its symbol. */
async function requestOver(series: readonly Bars[], more: Partial<TrainRequest> = {}): Promise<TrainRequest> {
  const folder = temporaryFolder();
  const store = new BarStore(`${folder}/data`);
  for (const bars of series) await store.save(bars);
  return {
    symbols: [...new Set(series.map(({ symbol }) => symbol))],
    timeframes: ["1d"],
    strategyConfig: strategy,
    startDate: null,
    endDate: null,
    modelStorage: new ModelStorage(`${folder}/models`),
    dataManager: new DataManager(store),
    ...more,
  };
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

const matrix = (rows: readonly (readonly number[])[], names = ["a", "b"]): FeatureMatrix => ({
  names,
  rows: rows.length,
  columns: names.length,
  values: Float32Array.from(rows.flat()),
});

describe("joining", () => {
  test("symbols stand one after the other in the order given, rows in their own order", () => {
    const features = {
      A: matrix([[1, 2]]),
      B: matrix([
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
      C: matrix([[9, 10]]),
    };
    const labels = { A: [0], B: [1, 2, 0], C: [2] };
    const { features: joined, labels: classes } = TrainingPipeline.combineMultiSymbolData(features, labels, [
      "C",
      "B",
    ]);
    expect([...joined.values]).toEqual([9, 10, 3, 4, 5, 6, 7, 8]);
    expect([...classes]).toEqual([2, 1, 2, 0]);
    expect(joined.rows).toBe(4);
    expect(Object.keys(joined).sort(), "nothing tells symbols apart").toEqual([
      "columns",
      "names",
      "rows",
      "values",
    ]);
  });

  test.each([
    ["a missing symbol", ["A", "Z"], "Z", {}],
    ["a repeated symbol", ["A", "A"], "A", {}],
    ["an empty symbol", ["A", "E"], "E", {}],
    ["another number of features", ["A", "W"], "W", {}],
    ["other features", ["A", "N"], "N", {}],
    ["labels of another length", ["A", "L"], "L", {}],
  ])("%s is refused by its name", (_, symbols, symbol) => {
    const one = matrix([[1, 2]]);
    const features = {
      A: one,
      E: matrix([]),
      W: matrix([[1]], ["a"]),
      N: matrix([[1, 2]], ["a", "c"]),
      L: one,
    };
    const labels = { A: [0], E: [], W: [0], N: [0], L: [0, 1] };
    expect(() => TrainingPipeline.combineMultiSymbolData(features, labels, symbols)).toThrow(
      expect.objectContaining({ code: "CANNOT_COMBINE", symbol }) as Error,
    );
  });
});

describe("training on several symbols", () => {
  test("of unequal lengths: every bar is a sample or dropped for a named cause", async () => {
    const series = [
      makeBars({ symbol: "LONG", count: 700 }),
      makeBars({ symbol: "MID", count: 400, start: "2020-06-01", seed: 2 }),
      makeBars({ symbol: "BRIEF", count: 180, start: "2021-01-01", seed: 3 }),
    ];
    const request = await requestOver(series, { symbols: ["MID", "LONG", "BRIEF"] });
    const { data_summary: data, test_metrics, artifacts } = await TrainingPipeline.trainStrategy(request);
    expect(data.symbols, "in the order asked for").toEqual(["MID", "LONG", "BRIEF"]);
    expect(Object.keys(data.per_symbol)).toEqual(["MID", "LONG", "BRIEF"]);
    for (const { symbol, time } of series) {
      const { bars, train, validation, test: tested, dropped } = data.per_symbol[symbol];
      expect(bars, symbol).toBe(time.length);
      expect(train + validation + tested + sum(Object.values(dropped)), symbol).toBe(bars);
      expect(dropped["warm_up"], `${symbol}: EMA 20 has its first value at its own bar 19`).toBe(19);
    }
    const samples = Object.values(data.per_symbol).map((one) => one.train + one.validation + one.test);
    expect(sum(samples)).toBe(data.total_samples);
    expect(sum(Object.values(data.label_distribution))).toBe(data.total_samples);
    const tested = sum(Object.values(data.per_symbol).map((one) => one.test));
    expect((test_metrics as TestMetrics).samples).toBe(tested);
    const perSymbol = Object.entries(artifacts.per_symbol_metrics).map(
      ([symbol, metrics]) => [symbol, metrics.samples] as const,
    );
    expect(Object.fromEntries(perSymbol)).toEqual({
      MID: data.per_symbol["MID"].test,
      LONG: data.per_symbol["LONG"].test,
      BRIEF: data.per_symbol["BRIEF"].test,
    });
    const hits = Object.values(artifacts.per_symbol_metrics).map((metrics) =>
      "test_accuracy" in metrics ? metrics.test_accuracy * metrics.samples : 0,
    );
    expect(sum(hits) / tested, "the symbols' hits add up to all hits").toBeCloseTo(
      (test_metrics as TestMetrics).test_accuracy,
      12,
    );
  });

  test("all symbols are split at the same dates, those of their union", async () => {
    const request = await requestOver([
      makeBars({ symbol: "A", count: 500 }),
      makeBars({ symbol: "B", count: 500, start: "2020-04-10", seed: 2 }), // 100 days later: 600 days in all
    ]);
    const { model_name } = await TrainingPipeline.trainStrategy(request);
    const { split_boundaries } = request.modelStorage.load(model_name).metadata as {
      split_boundaries: Record<string, string>;
    };
    const day = (t: number): string => new Date(Date.parse("2020-01-01") + t * 86_400_000).toISOString();
    expect(split_boundaries).toEqual({
      train_start: day(0),
      validation_start: day(420),
      test_start: day(510),
    });
  });

  test("of disjoint dates: a symbol without a part stands there with 0 samples", async () => {
    const request = await requestOver([
      makeBars({ symbol: "OLD", count: 300, start: "2015-01-01" }),
      makeBars({ symbol: "NEW", count: 300, start: "2021-01-01", seed: 2 }),
    ]);
    const result = await TrainingPipeline.trainStrategy(request);
    const { OLD: old, NEW: recent } = result.data_summary.per_symbol;
    // 600 times: training ends at position 420, which is NEW's bar 120; testing begins at 510, its bar 210.
    expect([old.validation, old.test]).toEqual([0, 0]);
    expect(old.train + old.dropped["warm_up"] + old.dropped["no_label"]).toBe(300);
    expect(recent.train + recent.validation + recent.test + sum(Object.values(recent.dropped))).toBe(300);
    expect(result.artifacts.per_symbol_metrics["OLD"]).toEqual({ samples: 0 });
    expect(result.artifacts.per_symbol_metrics["NEW"].samples).toBe(recent.test);
  });

  test("the order of symbols is the order of rows: same samples, other weights", async () => {
    const series = [makeBars({ symbol: "A" }), makeBars({ symbol: "B", seed: 2 })];
    const [ab, ba] = [
      await TrainingPipeline.trainStrategy(await requestOver(series, { symbols: ["A", "B"] })),
      await TrainingPipeline.trainStrategy(await requestOver(series, { symbols: ["B", "A"] })),
    ];
    expect(ab.data_summary.data_hash).not.toBe(ba.data_summary.data_hash);
    expect(ab.data_summary.label_distribution).toEqual(ba.data_summary.label_distribution);
    expect(ab.data_summary.per_symbol["A"]).toEqual(ba.data_summary.per_symbol["A"]);
    expect(ab.training_metrics.history).not.toEqual(ba.training_metrics.history);
  });

  test("a symbol's features and rows are the same alone and with companions", async () => {
    const request = await requestOver([makeBars({ symbol: "A" }), makeBars({ symbol: "B", seed: 2 })]);
    const manager = request.dataManager as DataManager;
    const tableOf = async (symbol: string) => {
      const wanted = {
        symbol,
        timeframes: ["1d"],
        baseTimeframe: "1d",
        startDate: null,
        endDate: null,
        dataMode: "local",
      } as const;
      const { series } = await loadSeries(manager, wanted, neverCancelled);
      const indicators = TrainingPipeline.calculateIndicators(strategy, series);
      return TrainingPipeline.createFeatures(
        strategy,
        TrainingPipeline.generateFuzzyMemberships(strategy, indicators),
      );
    };
    const before = await tableOf("A");
    await tableOf("B");
    const after = await tableOf("A");
    expect(after.columns, "no state crosses from one symbol to the next").toEqual(before.columns);
    // Trained with a twin of itself, each half of the joined data is what it is alone.
    const alone = await TrainingPipeline.trainStrategy({ ...request, symbols: ["A"] });
    const twin = await requestOver([
      makeBars({ symbol: "A" }),
      { ...makeBars({ symbol: "A" }), symbol: "B" },
    ]);
    const both = await TrainingPipeline.trainStrategy(twin);
    expect(both.data_summary.per_symbol["A"]).toEqual(alone.data_summary.per_symbol["A"]);
    expect(both.data_summary.per_symbol["B"]).toEqual(alone.data_summary.per_symbol["A"]);
    expect(both.artifacts.per_symbol_metrics["A"]).toEqual(both.artifacts.per_symbol_metrics["B"]);
  });

  test("symbols that say the same twice are worth no more evidence than one", async () => {
    const one = await TrainingPipeline.trainStrategy(await requestOver([makeBars({ symbol: "A" })]));
    const copies = ["A", "B", "C", "D"].map((symbol) => ({ ...makeBars({ symbol: "A" }), symbol }));
    const four = await TrainingPipeline.trainStrategy(await requestOver(copies));
    const width = ({ verdict }: typeof one): number => {
      const [low, high] = verdict.interval as readonly [number, number];
      return high - low;
    };
    // Other batches give other weights, so only the order of size can be compared: four times the samples would halve it.
    expect(width(four) / width(one)).toBeGreaterThan(0.75);
  });
});

describe("one and several timeframes", () => {
  const twoTimeframes = parseStrategy(
    strategyText({
      training_data: `
  symbols: { mode: multi_symbol, list: [A, B] }
  timeframes: { mode: multi_timeframe, list: [1d, 1h] }`,
    }),
    null,
  );

  test("the finest is the base, its bars are the rows, and features of both are inputs", async () => {
    const series = ["A", "B"].flatMap((symbol, index) => [
      makeBars({ symbol, timeframe: "1h", count: 24 * 60, seed: index + 1, start: "2020-02-01" }),
      makeBars({ symbol, timeframe: "1d", count: 90, seed: index + 5 }),
    ]);
    const request = await requestOver(series, { strategyConfig: twoTimeframes, timeframes: ["1d", "1h"] });
    const { data_summary, model_name } = await TrainingPipeline.trainStrategy(request);
    expect(model_name).toBe("journey/1h_v1");
    expect(data_summary.timeframes).toEqual(["1h", "1d"]);
    expect(data_summary.feature_count).toBe(10);
    for (const { bars, train, validation, test: tested, dropped } of Object.values(data_summary.per_symbol)) {
      expect(bars).toBe(24 * 60);
      // The 20th daily bar closed before February; EMA 20 of the hours has its first value at hour 19.
      expect(dropped["warm_up"]).toBe(19);
      expect(train + validation + tested + sum(Object.values(dropped))).toBe(bars);
    }
    const { feature_names } = request.modelStorage.load(model_name).features;
    expect(feature_names.slice(0, 5).every((name) => name.startsWith("1h_"))).toBe(true);
    expect(feature_names.slice(5).every((name) => name.startsWith("1d_"))).toBe(true);
  });

  test("a strategy may name a coarser base: its bars are the rows, and saved models ask for it", async () => {
    const text = strategyText({
      training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: multi_timeframe, list: [1h, 1d], base_timeframe: 1d }`,
    });
    const series = [
      makeBars({ symbol: "A", timeframe: "1h", count: 24 * 300 }),
      makeBars({ symbol: "A", timeframe: "1d", count: 300 }),
    ];
    const strategyConfig = parseStrategy(text, null);
    const request = await requestOver(series, { strategyConfig, timeframes: ["1h", "1d"] });
    const { data_summary, model_name } = await TrainingPipeline.trainStrategy(request);
    expect(model_name, "named by the finest").toBe("journey/1h_v1");
    expect(data_summary.base_timeframe).toBe("1d");
    expect(data_summary.per_symbol["A"].bars).toBe(300);
    const model = request.modelStorage.load(model_name);
    const use = {
      model,
      symbol: "A",
      startDate: null,
      endDate: null,
      dataManager: request.dataManager as DataManager,
    };
    expect((await testModel({ ...use, timeframe: "1d" })).samples).toBeGreaterThan(200);
    await expect(testModel({ ...use, timeframe: "1h" })).rejects.toMatchObject({ code: "WRONG_TIMEFRAME" });
  });
});

describe("one call", () => {
  test("reports every phase in order, per symbol, to the listener it was given", async () => {
    const events: TrainingProgress[] = [];
    const request = await requestOver([makeBars({ symbol: "A" }), makeBars({ symbol: "B", seed: 2 })], {
      progressCallback: (event) => events.push(event),
    });
    await TrainingPipeline.trainStrategy(request);
    const heard = events.flatMap((event) =>
      event.type === "phase" ? [`${event.phase} ${event.symbol ?? ""}`.trim()] : [],
    );
    const perSymbol = (symbol: string): string[] =>
      [
        "computing_indicators",
        "generating_fuzzy",
        "creating_features",
        "generating_labels",
        "splitting_data",
        "checking_leaks",
      ].map((phase) => `${phase} ${symbol}`);
    expect(heard).toEqual([
      "loading_data A",
      "loading_data B",
      ...perSymbol("A"),
      ...perSymbol("B"),
      "combining_data",
      "creating_model",
      "training",
      "evaluating",
      "saving",
    ]);
  });

  test("callback and token reach the fit loop as they came", async () => {
    const request = await requestOver([makeBars({ symbol: "A" })]);
    const progressCallback = (): void => undefined;
    const cancellationToken = { isCancelled: false };
    const trainModel = vi.spyOn(TrainingPipeline, "trainModel");
    await TrainingPipeline.trainStrategy({ ...request, progressCallback, cancellationToken });
    const given = trainModel.mock.calls.map((args) => args[5]);
    trainModel.mockRestore();
    expect(given).toHaveLength(1);
    expect(given[0]?.progress).toBe(progressCallback);
    expect(given[0]?.token).toBe(cancellationToken);
  });

  test("what the overrides changed is said in the result", async () => {
    const hourly = strategyText({
      training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: multi_timeframe, list: [1h, 1d], base_timeframe: 1h }`,
    });
    const request = await requestOver([makeBars({ symbol: "A" })], {
      // As an orchestrator hands it over: the overrides are applied before the pipeline applies them again.
      strategyConfig: withOverrides(parseStrategy(hourly, null), { timeframes: ["1d"] }),
    });
    const { notices } = await TrainingPipeline.trainStrategy(request);
    expect(notices.filter((text) => text.includes("base_timeframe"))).toHaveLength(1);
  });

  test("a part without samples stops the run before training, with counts of every symbol", async () => {
    // Ten bars after the warm-up: no label of the last part can be known.
    const series = ["A", "B"].map((symbol) => makeBars({ symbol, count: 60 }));
    const request = await requestOver(series, { startDate: "2020-02-20" });
    const error = await TrainingPipeline.trainStrategy(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EmptySplitError);
    expect((error as EmptySplitError).symbols.map(({ symbol }) => symbol)).toEqual(["A", "B"]);
    expect(request.modelStorage.list()).toEqual([]);
  });

  test("too few bars for the slowest indicator, or for history_required, name symbol and numbers", async () => {
    const brief = await requestOver([makeBars({ symbol: "A" }), makeBars({ symbol: "B", count: 19 })]);
    await expect(TrainingPipeline.trainStrategy(brief)).rejects.toThrow(NotEnoughBarsError);
    await expect(TrainingPipeline.trainStrategy(brief)).rejects.toMatchObject({
      symbol: "B",
      required: 20,
      found: 19,
    });
    const asking = parseStrategy(
      strategyText({
        training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: single, timeframe: 1d }
  history_required: 601`,
      }),
      null,
    );
    const request = await requestOver([makeBars({ symbol: "A" })], { strategyConfig: asking });
    await expect(TrainingPipeline.trainStrategy(request)).rejects.toMatchObject({
      required: 601,
      found: 600,
    });
  });

  test("sizes above the limit are refused while loading, before anything is computed", async () => {
    const phases: string[] = [];
    const request = await requestOver([makeBars({ symbol: "A" }), makeBars({ symbol: "B", seed: 2 })], {
      maxMemoryBytes: 10_000,
      progressCallback: (event) => event.type === "phase" && phases.push(event.phase),
    });
    await expect(TrainingPipeline.trainStrategy(request)).rejects.toThrow(MemoryLimitError);
    expect(phases, "the second symbol is not even read").toEqual(["loading_data"]);
  });

  test("without validation the last epoch is kept and the result says that nothing was selected", async () => {
    const text = strategyText({
      training: `
  labels: { source: triple_barrier, horizon: 10, target: 2, stop: 2, atr_period: 14 }
  data_split: { train: 0.8, validation: 0, test: 0.2 }`,
    });
    const request = await requestOver([makeBars({ symbol: "A" }), makeBars({ symbol: "B", seed: 2 })], {
      strategyConfig: parseStrategy(text, null),
    });
    const { training_metrics: metrics, data_summary } = await TrainingPipeline.trainStrategy(request);
    expect(metrics).toMatchObject({ selected_by: "last_epoch", best_epoch: 5, best_val_loss: null });
    expect(data_summary.per_symbol["A"].validation).toBe(0);
    expect(data_summary.per_symbol["A"].dropped["purged"], "labels that reach the test part").toBeGreaterThan(
      0,
    );
  });

  test("a class that never occurs is said, and the run goes on", async () => {
    const never = strategyText({
      training: `
  labels: { source: forward_return, horizon: 5, threshold: 0.9 }
  data_split: { train: 0.7, validation: 0.15, test: 0.15 }`,
    });
    const request = await requestOver([makeBars({ symbol: "A" })], {
      strategyConfig: parseStrategy(never, null),
    });
    const { notices, test_metrics, verdict, data_summary } = await TrainingPipeline.trainStrategy(request);
    expect(data_summary.label_distribution["BUY"]).toBe(0);
    expect(notices.some((text) => text.includes("BUY or SELL"))).toBe(true);
    const { per_class } = test_metrics as TestMetrics;
    expect(per_class.BUY).toMatchObject({ support: 0, note: "too few", precision: null });
    expect(verdict.significant, "right every time is no skill where the answer never changes").toBe(false);
  });
});
