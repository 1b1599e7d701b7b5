import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  featureNames,
  loadStrategy,
  parseStrategy,
  StrategyFileError,
  strategyFromDocument,
} from "./index.js";
import { valueAt } from "./plain.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const fixture = (name: string): string => join(root, "fixtures/strategies", name);
const shipped = readdirSync(join(root, "config/strategies")).map((name) =>
  join(root, "config/strategies", name),
);

/** A small valid file, as text with line numbers that tests refer to. */
const small = `name: small
training_data:
  symbols: { mode: single, symbol: AAPL }
  timeframes: { mode: single, timeframe: 1d }
indicators:
  - { name: rsi, feature_id: rsi_14 }
fuzzy_sets:
  rsi_14:
    low: { type: triangular, parameters: [0, 30, 50] }
model:
  architecture: { hidden_layers: [4] }
training:
  labels: { source: zigzag, zigzag_threshold: 0.05 }
`;

/** The error that a text gives. */
function errorOf(text: string): StrategyFileError {
  try {
    parseStrategy(text, "s.yaml");
  } catch (error) {
    if (error instanceof StrategyFileError) return error;
    throw error;
  }
  throw new Error("the text is valid");
}

describe("a file of format 2.1", () => {
  const strategy = loadStrategy(fixture("every-key.yaml"));

  test("loads with every key that such files carry", () => {
    expect(strategy).toMatchObject({
      name: "every-key",
      symbols: ["AAPL", "MSFT"],
      timeframes: ["1h", "1d"],
      baseTimeframe: "1h",
      startDate: "2020-01-02",
      endDate: "2024-12-31",
      historyRequired: 250,
      lookback: 2,
      architecture: { hidden: [32, 16], activation: "relu", dropout: 0.1 },
      training: {
        learningRate: 0.001,
        batchSize: 64,
        epochs: 40,
        optimizer: { type: "adam", weightDecay: 0.0001 },
        gradientClip: 1,
        scheduler: { type: "reduce_on_plateau", factor: 0.5, patience: 5 },
        earlyStopping: { patience: 15, minDelta: 0.001 },
        progressUpdateFrequency: 5,
      },
      label: { name: "zigzag", params: { threshold: 0.03 } },
      split: { train: 0.7, validation: 0.15, test: 0.15 },
      decisions: { confidenceThreshold: 0.6, positionAwareness: true, minSignalSeparation: 4 },
    });
  });

  test("takes parameters beside the name and under params alike, and the older names of indicators", () => {
    expect(
      strategy.indicators.map(({ featureId, indicator, params }) => [featureId, indicator.name, params]),
    ).toEqual([
      ["rsi_14", "rsi", { period: 14, source: "close" }],
      ["bbands_20_2", "bollingerbands", { period: 20, multiplier: 2, source: "close" }],
      ["atr-14", "atr", { period: 14 }],
      ["volume_sma_20", "sma", { period: 20, source: "volume" }],
      ["slow", "bollingerbands", expect.objectContaining({ period: 50 })],
    ]);
  });

  test("orders inputs by timeframe, indicator, set as written, then lag", () => {
    const block = [
      "rsi_14_weak",
      "rsi_14_strong",
      "bbands_20_2.lower_under",
      "bbands_20_2_high",
      "atr-14_calm",
      "volume_sma_20_thin",
    ];
    const now = [...block.map((name) => `1h_${name}`), ...block.map((name) => `1d_${name}`)];
    expect(featureNames(strategy)).toEqual([
      ...now,
      ...now.map((name) => `${name}_lag_1`),
      ...now.map((name) => `${name}_lag_2`),
    ]);
  });

  test("gives one notice for each key without effect", () => {
    const keys = strategy.notices.map((notice) => notice.split(/[ :]/)[0]);
    expect(keys.toSorted()).toEqual(
      [
        "backtesting",
        "decisions.filters.volume_filter",
        "fuzzy_sets.price_to_sma",
        "indicators[2].source",
        "model.architecture.output_activation",
        "model.features.include_price_context",
        "model.features.include_raw_indicators",
        "model.features.include_volume_context",
        "model.features.scale_features",
        "model.features.scaling_method",
        "model.input_size",
        "model.symbol_embedding_dim",
        "model.training.analytics",
        "model.training.batches_per_epoch",
        "model.training.early_stopping.monitor",
        "model.training.estimated_duration_minutes",
        "model.training.momentum",
        "model.training.progress",
        "model.training.total_batches",
        "orchestrator.signal_cooldown",
        "risk_management",
        "slow",
        "training.fitness_metrics",
        "training.labels.label_lookahead",
        "training.method",
        "training_data.symbols.selection_criteria",
      ].toSorted(),
    );
  });

  test("keeps its document as written, from which the same strategy is made again", () => {
    const copy = JSON.parse(JSON.stringify(strategy.document)) as unknown;
    expect(valueAt(copy, ["model", "features", "scale_features"])).toBe(true);
    expect(strategyFromDocument(copy, "every-key", strategy.path)).toEqual(strategy);
  });
});

test("a file of the first format loads, its data block taken for training_data", () => {
  const strategy = loadStrategy(fixture("first-format.yaml"));
  expect(strategy).toMatchObject({
    symbols: ["SPY", "QQQ"],
    timeframes: ["1h", "4h"],
    baseTimeframe: "1h",
    historyRequired: 250,
  });
  expect(featureNames(strategy)).toEqual(["1h_rsi_2_low", "4h_rsi_2_low"]);
});

test.each(shipped)("%s is valid and has no key without effect", (path) => {
  expect(loadStrategy(path).notices).toEqual([]);
});

describe("defaults", () => {
  test("are those of the format", () => {
    const strategy = parseStrategy(small, null);
    expect(strategy).toMatchObject({
      path: null,
      baseTimeframe: "1d",
      startDate: null,
      endDate: null,
      historyRequired: null,
      lookback: 0,
      architecture: { hidden: [4], activation: "relu", dropout: 0.2 },
      training: {
        learningRate: 0.001,
        batchSize: 32,
        epochs: 100,
        optimizer: { type: "adam", weightDecay: 1e-4 },
        gradientClip: 0,
        scheduler: null,
        earlyStopping: null,
        seed: 42,
        shuffle: true,
        progressUpdateFrequency: 10,
      },
      split: { train: 0.7, validation: 0.15, test: 0.15, embargo: 0 },
      decisions: { confidenceThreshold: 0.5, positionAwareness: true, minSignalSeparation: 4 },
      notices: [],
    });
  });

  test("the label is zigzag where no source is named", () => {
    expect(parseStrategy(small.replace("source: zigzag, ", ""), null).label.name).toBe("zigzag");
  });

  test.each([
    ["zigzag_forward, zigzag_threshold: 0.03, label_lookahead: 12", { threshold: 0.03, horizon: 12 }],
    ["zigzag_forward, threshold: 0.03, horizon: 12", { threshold: 0.03, horizon: 12 }],
    ["triple_barrier, label_lookahead: 7, target: 3", { horizon: 7, target: 3, stop: 2, atr_period: 14 }],
    ["forward_return, horizon: 3, threshold: 0.01", { horizon: 3, threshold: 0.01 }],
  ])("labels: %s", (written, params) => {
    const text = small.replace("zigzag, zigzag_threshold: 0.05", written);
    expect(parseStrategy(text, null).label.params).toMatchObject(params);
  });

  test("early stopping is off where it is absent, empty or not enabled, and on where it is enabled", () => {
    const stopping = (written: string) =>
      parseStrategy(
        small.replace(
          "hidden_layers: [4] }",
          `hidden_layers: [4] }\n  training: { early_stopping: ${written} }`,
        ),
        null,
      ).training.earlyStopping;
    expect(stopping("{}")).toBeNull();
    expect(stopping("null")).toBeNull();
    expect(stopping("{ enabled: false, patience: 3 }")).toBeNull();
    expect(stopping("{ enabled: true }")).toEqual({ patience: 10, minDelta: 1e-4 });
    expect(stopping("{ patience: 3 }")).toEqual({ patience: 3, minDelta: 1e-4 });
  });
});

describe("YAML", () => {
  test.each([
    ["a byte order mark", `\uFEFF${small}`],
    ["Windows line ends", small.replaceAll("\n", "\r\n")],
    ["a document start and a comment", `# strategy\n---\n${small}...\n`],
    ["a YAML 1.1 directive", `%YAML 1.1\n---\n${small}`],
  ])("%s changes nothing", (_, text) => {
    expect(parseStrategy(text, null)).toEqual(parseStrategy(small, null));
  });

  test("anchors, aliases and merge keys stand for what they name", () => {
    const text = small.replace(
      "low: { type: triangular, parameters: [0, 30, 50] }",
      "low: &low { type: triangular, parameters: [0, 30, 50] }\n    high: { <<: *low, parameters: [50, 70, 100] }",
    );
    expect(parseStrategy(text, null).fuzzy[0].sets[1].membership).toEqual({
      type: "triangular",
      parameters: [50, 70, 100],
    });
  });

  test("symbols such as NO, ON and Y are texts", () => {
    const text = small.replace("{ mode: single, symbol: AAPL }", "{ mode: multi_symbol, list: [NO, ON, Y] }");
    expect(parseStrategy(text, null).symbols).toEqual(["NO", "ON", "Y"]);
  });

  test("an error inside a merged map points to where it is written", () => {
    const text = small.replace(
      "low: { type: triangular, parameters: [0, 30, 50] }",
      "low: &low { type: triangular, parameters: [0, 30] }\n    high: { <<: *low }",
    );
    expect(errorOf(text).issues).toMatchObject([
      { line: 9, path: "fuzzy_sets.rsi_14.low.parameters" },
      { line: 9, path: "fuzzy_sets.rsi_14.high.parameters" },
    ]);
  });
});

test("any known key of the sections of the network, a letter short, is an error that names the key", () => {
  const document = loadStrategy(fixture("every-key.yaml")).document;
  const paths = [
    ["model"],
    ["model", "architecture"],
    ["model", "training"],
    ["decisions"],
    ["training_data"],
    ["training"],
  ];
  const keys = paths.flatMap((path) =>
    Object.keys(valueAt(document, path) as object)
      .filter((key) => key.length > 5)
      .map((key) => [...path, key]),
  );
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.nat(), (path, position) => {
      const key = path[path.length - 1];
      const at = 1 + (position % (key.length - 2));
      const short = key.slice(0, at) + key.slice(at + 1);
      const changed = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
      const parent = valueAt(changed, path.slice(0, -1)) as Record<string, unknown>;
      parent[short] = parent[key];
      delete parent[key];
      const { issues } = errorOf(stringify(changed));
      const issue = issues.find((one) => one.path === [...path.slice(0, -1), short].join("."));
      expect(issue, path.join(".")).toMatchObject({ message: "unknown key", nearest: key });
    }),
  );
});

test("a strategy written as YAML or kept as JSON is the same strategy", () => {
  for (const path of shipped) {
    const strategy = loadStrategy(path);
    expect(parseStrategy(readFileSync(path, "utf8"), path)).toEqual(strategy);
    expect(parseStrategy(stringify(strategy.document), path)).toEqual(strategy);
  }
});
