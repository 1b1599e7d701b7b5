import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  BarStore,
  checkFold,
  DataManager,
  LeakError,
  ModelStorage,
  neverCancelled,
  parseStrategy,
  prepareFolds,
  splitFold,
  TrainingPipeline,
  type Bars,
  type FeatureTable,
  type LeakReceipt,
  type Strategy,
  type TrainRequest,
} from "../src/index.js";
import { makeBars } from "./bars.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

const quick = {
  model: `
  architecture: { hidden_layers: [4] }
  training: { epochs: 1, batch_size: 64 }`,
};
// The symbols of the requests, so that a changed strategy is used as it is.
const daily = parseStrategy(
  strategyText({
    ...quick,
    training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: single, timeframe: 1d }`,
  }),
  null,
);
const hourly = parseStrategy(
  strategyText({
    ...quick,
    training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: multi_timeframe, list: [1h, 1d] }`,
  }),
  null,
);

async function requestOver(strategyConfig: Strategy, series: readonly Bars[]): Promise<TrainRequest> {
  const folder = temporaryFolder();
  const store = new BarStore(join(folder, "data"));
  for (const bars of series) await store.save(bars);
  return {
    symbols: [...new Set(series.map(({ symbol }) => symbol))],
    timeframes: strategyConfig.timeframes,
    strategyConfig,
    startDate: null,
    endDate: null,
    modelStorage: new ModelStorage(join(folder, "models")),
    dataManager: new DataManager(store),
  };
}

const oneDaily = [makeBars({ symbol: "A", count: 700 })];
const twoTimeframes = [
  makeBars({ symbol: "A", timeframe: "1h", count: 3000 }),
  makeBars({ symbol: "A", timeframe: "1d", count: 125 }),
];

/** Trains and expects the run to be stopped by a leak, and no file to be left. */
async function caught(request: TrainRequest): Promise<LeakError> {
  const error: LeakError = await TrainingPipeline.trainStrategy(request).then(
    () => {
      throw new Error("the leak was not noticed");
    },
    (thrown: LeakError) => thrown,
  );
  expect(error.code, error.message).toBe("LEAK");
  expect(error.message).toMatch(/^Leak: .*nothing was saved\.$/s);
  const { root } = request.modelStorage;
  expect(existsSync(root) ? readdirSync(root) : []).toEqual([]);
  return error;
}

afterEach(() => vi.restoreAllMocks());

/** The pipeline's methods as they are, for planted ones to begin with. */
const original = { ...TrainingPipeline };

/** The strategy with what its first indicator computes replaced by something made of it. */
function withIndicator(strategy: Strategy, change: (column: Float64Array) => Float64Array): Strategy {
  const [first, ...others] = strategy.indicators;
  const indicator = {
    ...first.indicator,
    compute: (...given: Parameters<typeof first.indicator.compute>) => {
      const columns = first.indicator.compute(...given);
      return { ...columns, [first.indicator.primary]: change(columns[first.indicator.primary]) };
    },
  };
  return { ...strategy, indicators: [{ ...first, indicator }, ...others] };
}

/** A table whose column j is made from that column. */
function withColumn(
  table: FeatureTable,
  j: number,
  change: (column: Float64Array) => Float64Array,
): FeatureTable {
  return { ...table, columns: table.columns.map((column, k) => (k === j ? change(column) : column)) };
}

const shifted = (column: Float64Array): Float64Array =>
  column.map((value, t) => (t + 1 < column.length ? column[t + 1] : value));

describe("planted leaks stop the run, and nothing is saved", () => {
  test("an indicator that reads the next bar", async () => {
    const error = await caught(await requestOver(withIndicator(daily, shifted), oneDaily));
    expect(error).toMatchObject({ kind: "feature", symbol: "A", what: expect.stringContaining("rsi_14") });
  });

  test("a scaler fitted on everything", async () => {
    const scaled = (column: Float64Array): Float64Array => {
      const highest = column.reduce((high, value) => (value > high ? value : high), -Infinity);
      return column.map((value) => (100 * value) / highest);
    };
    expect((await caught(await requestOver(withIndicator(daily, scaled), oneDaily))).kind).toBe("feature");
  });

  test("a scaler fitted on everything, after the features were computed", async () => {
    vi.spyOn(TrainingPipeline, "createFeatures").mockImplementation((...given) =>
      withColumn(original.createFeatures(...given), 1, (column) => {
        const mean = column.reduce((sum, value) => sum + (value || 0), 0) / column.length;
        return column.map((value) => value - mean);
      }),
    );
    const error = await caught(await requestOver(daily, oneDaily));
    expect(error).toMatchObject({ kind: "feature", what: "1d_rsi_14_middle" });
  });

  test("one single value of one feature that comes from the next bar", async () => {
    // The compared beginnings are random, so a bar near the beginning is in all of them.
    vi.spyOn(TrainingPipeline, "createFeatures").mockImplementation((...given) =>
      withColumn(original.createFeatures(...given), 4, (column) => {
        const changed = column.slice();
        changed[20] = column[21];
        return changed;
      }),
    );
    expect(await caught(await requestOver(daily, oneDaily))).toMatchObject({
      kind: "feature",
      bar: "2020-01-21",
    });
  });

  test("a coarser bar joined on its opening time", async () => {
    // The value of the daily bar that has just opened, in place of that of the last closed one.
    vi.spyOn(TrainingPipeline, "generateFuzzyMemberships").mockImplementation((...given) =>
      original.generateFuzzyMemberships(...given).map(({ bars, memberships }) => ({
        bars,
        memberships: {
          ...memberships,
          columns: memberships.columns.map(({ name, column }) => ({
            name,
            column: bars.timeframe === "1d" ? shifted(column) : column,
          })),
        },
      })),
    );
    const error = await caught(await requestOver(hourly, twoTimeframes));
    expect(error).toMatchObject({ kind: "feature", what: expect.stringMatching(/^1d_/) });
  });

  test("a join on opening time of the table alone", async () => {
    vi.spyOn(TrainingPipeline, "createFeatures").mockImplementation((...given) => {
      const table = original.createFeatures(...given);
      const j = table.names.findIndex((name) => name.startsWith("1d_"));
      // A day of 24 hours: the value that the row will have when the day has closed.
      return withColumn(table, j, (column) => column.map((value, t) => column[t - (t % 24) + 23] ?? value));
    });
    const error = await caught(await requestOver(hourly, twoTimeframes));
    expect(["feature", "join"]).toContain(error.kind);
    expect(error.what).toMatch(/^1d_/);
  });

  test("a label that claims to be known before it is", async () => {
    const { label } = daily;
    const type = {
      ...label.type,
      compute: (...given: Parameters<typeof label.type.compute>) => {
        const labels = label.type.compute(...given);
        return {
          ...labels,
          knownAt: labels.knownAt.map((known, t) => (known < 0 ? known : Math.min(known, t + 1))),
        };
      },
    };
    const error = await caught(await requestOver({ ...daily, label: { ...label, type } }, oneDaily));
    expect(error).toMatchObject({ kind: "label", symbol: "A" });
    expect(error.message).toContain("claims to be known at");
  });

  test("labels that reach over the split, made by other code than the strategy's", async () => {
    vi.spyOn(TrainingPipeline, "createLabels").mockImplementation((...given) => {
      const labels = original.createLabels(...given);
      return { ...labels, knownAt: labels.knownAt.map((known, t) => (known < 0 ? known : t)) };
    });
    expect((await caught(await requestOver(daily, oneDaily))).kind).toBe("label");
  });
});

describe("planted leaks stop a walk-forward", () => {
  const plan = { scheme: "combinatorial", groups: 5, tested: 2 } as const;
  const planOver = async (strategy: Strategy) => ({
    strategy: { ...strategy, symbols: ["A", "B"] },
    dataManager: (
      await requestOver(strategy, [...oneDaily, makeBars({ symbol: "B", count: 500, start: "2020-05-01" })])
    ).dataManager as DataManager,
    startDate: null,
    endDate: null,
    plan,
    embargo: 0,
  });

  test("an indicator that reads the next bar, a label that claims to be known before it is", async () => {
    await expect(prepareFolds(await planOver(withIndicator(daily, shifted)))).rejects.toMatchObject({
      code: "LEAK",
      kind: "feature",
    });
    const { label } = daily;
    const compute: typeof label.type.compute = (...given) => {
      const labels = label.type.compute(...given);
      return { ...labels, knownAt: labels.knownAt.map((known, t) => (known < 0 ? known : t)) };
    };
    const early = { ...daily, label: { ...label, type: { ...label.type, compute } } };
    await expect(prepareFolds(await planOver(early))).rejects.toMatchObject({ code: "LEAK", kind: "label" });
  });

  test("a training sample whose label, or whose bar, lies in a test of the fold, and one of another part", async () => {
    const prepared = await prepareFolds(await planOver(daily));
    const { series, symbols, union, folds } = prepared;
    for (const fold of folds) {
      const rows = splitFold(fold, symbols, union, 0);
      const timesIn = (part: "train" | "validation" | "test") =>
        fold[part].map(({ from, to }) => [union[from], union[to] ?? Infinity] as const);
      const spans = { train: timesIn("train"), validation: timesIn("validation"), test: timesIn("test") };
      const check = (train: readonly Uint32Array[]): void =>
        checkFold(
          series.map(({ symbol, base }, s) => ({
            symbol,
            base,
            labels: symbols[s].labels,
            rows: { ...rows[s], train: train[s] },
          })),
          spans,
          neverCancelled,
        );
      const kept = rows.map(({ train }) => train);
      check(kept);
      // Every labelled row of the training spans, the purged ones among them.
      const purged = symbols.map(({ time, labels, complete }, s) =>
        Uint32Array.from(time.keys()).filter(
          (t) =>
            complete[t] === 1 &&
            labels.knownAt[t] >= 0 &&
            spans.train.some(([from, to]) => time[t] >= from && time[t] < to) &&
            !kept[s].includes(t),
        ),
      );
      const planted = purged.flatMap((list, s) => [...list].map((t) => [s, t] as const));
      expect(planted.length).toBeGreaterThan(0);
      for (const [s, t] of planted) {
        const spoiled = kept.map((train, k) => (k === s ? Uint32Array.of(t, ...train) : train));
        expect(() => check(spoiled), `${t} of symbol ${s}`).toThrow(LeakError);
      }
      expect(() => check([Uint32Array.of(rows[0].test[0]), kept[1]])).toThrow(/does not lie in that part/);
    }
  });
});

describe("honest runs", () => {
  test("the receipt says what was compared, and stands in the result and with the model", async () => {
    const request = await requestOver(hourly, [
      ...twoTimeframes,
      makeBars({ symbol: "B", timeframe: "1h", count: 3000, seed: 4 }),
      makeBars({ symbol: "B", timeframe: "1d", count: 125, seed: 4 }),
    ]);
    const { leak_receipt: receipt, model_name, data_summary } = await TrainingPipeline.trainStrategy(request);
    expect(receipt).toMatchObject({
      clean: true,
      features: { prefixes: 6, bars: 6000 },
      joins: { rows_checked: 2 * 32 },
      labels: { samples: data_summary.total_samples },
    });
    expect(receipt.features.bars_compared).toBeGreaterThan(6 * 24);
    expect(receipt.features.values_compared).toBe(10 * receipt.features.bars_compared);
    expect(receipt.labels.labels_compared).toBeGreaterThan(6000 * (0.7 + 0.85) - 2);
    expect(request.modelStorage.load(model_name).metadata["leak_receipt"]).toEqual(receipt);
  });

  test.each([
    "{ source: zigzag, threshold: 0.04 }",
    "{ source: zigzag_forward, threshold: 0.04, horizon: 12 }",
    "{ source: forward_return, horizon: 5, threshold: 0.01 }",
  ])("no built-in label is taken for a leak: %s", async (labels) => {
    const strategy = parseStrategy(
      strategyText({
        ...quick,
        training: `
  labels: ${labels}
  data_split: { train: 0.7, validation: 0.15, test: 0.15, embargo: 3 }`,
      }),
      null,
    );
    for (const seed of [1, 2, 3]) {
      const request = await requestOver(strategy, [makeBars({ symbol: "A", count: 400, seed })]);
      expect((await TrainingPipeline.trainStrategy(request)).leak_receipt.clean).toBe(true);
    }
  });

  test("a long series is compared from few beginnings, and the receipt says how many bars these have", async () => {
    const request = await requestOver(daily, [makeBars({ symbol: "A", timeframe: "1h", count: 60_000 })]);
    const strategyConfig = parseStrategy(
      strategyText({
        ...quick,
        training_data: `
  symbols: { mode: single, symbol: A }
  timeframes: { mode: single, timeframe: 1h }`,
      }),
      null,
    );
    const { leak_receipt } = await TrainingPipeline.trainStrategy({
      ...request,
      timeframes: ["1h"],
      strategyConfig,
    });
    const { features }: LeakReceipt = leak_receipt;
    expect(features.bars).toBe(60_000);
    expect(features.bars_compared).toBeLessThan(30_000);
    expect(features.bars_compared).toBeGreaterThan(0);
  });
});
