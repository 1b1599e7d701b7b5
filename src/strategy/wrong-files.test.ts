import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  loadStrategy,
  parseStrategy,
  StrategyFileError,
  strategyFromDocument,
  type StrategyIssue,
} from "./index.js";

const valid = `name: momentum
version: "2.1"
scope: universal
training_data:
  symbols: { mode: multi_symbol, list: [AAPL, MSFT] }
  timeframes: { mode: multi_timeframe, list: [1h, 1d], base_timeframe: 1h }
  history_required: 200
  start_date: 2020-01-01
  end_date: 2024-12-31
indicators:
  - { name: rsi, feature_id: rsi_14, period: 14, source: close }
  - { name: bbands, feature_id: bbands_20_2, params: { period: 20 } }
  - { name: macd, feature_id: macd, fast_period: 12, slow_period: 26 }
fuzzy_sets:
  rsi_14:
    low: { type: triangular, parameters: [0, 30, 50] }
    high: { type: gaussian, parameters: [80, 10] }
  bbands_20_2.lower:
    input_transform: { type: price_ratio, reference: close }
    near: { type: triangular, parameters: [0.9, 1, 1.1] }
  macd.hist:
    up: { type: sigmoid, parameters: [0, 5] }
model:
  type: mlp
  architecture: { hidden_layers: [8], activation: relu, dropout: 0.1 }
  features: { lookback_periods: 1 }
  training: { epochs: 10, optimizer: adam, lr_scheduler: { type: step }, early_stopping: { patience: 5 } }
decisions: { confidence_threshold: 0.6, filters: { min_signal_separation: 4 } }
training:
  labels: { source: zigzag, zigzag_threshold: 0.05 }
  data_split: { train: 0.7, validation: 0.15, test: 0.15 }
`;

function errorOf(run: () => unknown): StrategyFileError {
  try {
    run();
  } catch (error) {
    if (error instanceof StrategyFileError) return error;
    throw error;
  }
  throw new Error("nothing is wrong");
}

const errorIn = (text: string): StrategyFileError => errorOf(() => parseStrategy(text, "s.yaml"));

type Wrong = [title: string, from: string | RegExp, to: string, issue: Partial<StrategyIssue>];

const wrong: Wrong[] = [
  [
    "a name that leads out of the models folder",
    "name: momentum",
    "name: ../x",
    { line: 1, column: 7, path: "name", found: '"../x"' },
  ],
  ["a name with a folder in it", "name: momentum", "name: a/b", { path: "name", found: '"a/b"' }],
  ["an empty name", "name: momentum", 'name: ""', { path: "name", found: '""' }],
  ["the name of the folder itself", "name: momentum", "name: .", { path: "name" }],
  [
    "a number as a name",
    "name: momentum",
    "name: 2024",
    { path: "name", message: expect.stringContaining("quotes") as string },
  ],
  ["no name", "name: momentum\n", "", { path: "name", message: "this key is missing", found: null }],
  [
    "an unknown section",
    "scope: universal",
    "scoope: universal",
    { line: 3, column: 1, path: "scoope", nearest: "scope" },
  ],
  ["an unknown scope", "scope: universal", "scope: univeral", { line: 3, column: 8, nearest: "universal" }],
  [
    "no training data",
    /training_data:[\s\S]*?(?=indicators:)/,
    "",
    { path: "training_data", message: "this key is missing" },
  ],
  [
    "no indicators",
    /indicators:[\s\S]*?(?=fuzzy_sets:)/,
    "",
    { path: "indicators", message: "this key is missing" },
  ],
  [
    "an unknown mode",
    "mode: multi_symbol",
    "mode: multi_symbols",
    { line: 5, column: 20, nearest: "multi_symbol" },
  ],
  [
    "mode single without a symbol",
    "mode: multi_symbol",
    "mode: single",
    { path: "training_data.symbols.symbol" },
  ],
  [
    "a doubled symbol",
    "[AAPL, MSFT]",
    "[AAPL, AAPL]",
    { line: 5, column: 47, path: "training_data.symbols.list[1]" },
  ],
  ["a symbol that is a path", "[AAPL, MSFT]", "[AAPL, ../MSFT]", { path: "training_data.symbols.list[1]" }],
  [
    "a number as a symbol",
    "[AAPL, MSFT]",
    "[AAPL, 7203]",
    { found: "7203", message: expect.stringContaining("quotes") as string },
  ],
  [
    "an unknown timeframe",
    "list: [1h, 1d]",
    "list: [1h, 1day]",
    { path: "training_data.timeframes.list[1]", found: '"1day"' },
  ],
  [
    "a base timeframe that is not in the list",
    "base_timeframe: 1h",
    "base_timeframe: 4h",
    { allowed: "1h, 1d" },
  ],
  [
    "several timeframes that are one",
    "list: [1h, 1d]",
    "list: [1h]",
    { path: "training_data.timeframes.list" },
  ],
  [
    "too short a history",
    "history_required: 200",
    "history_required: 20",
    { allowed: "a whole number of at least 50" },
  ],
  ["a day that is none", "2020-01-01", "2020-02-31", { line: 8, found: '"2020-02-31"' }],
  [
    "an end before the start",
    "2024-12-31",
    "2019-12-31",
    { path: "training_data.end_date", message: "lies before start_date" },
  ],
  [
    "an unknown indicator",
    "name: rsi",
    "name: rsl",
    { line: 11, column: 13, path: "indicators[0].name", nearest: "rsi" },
  ],
  ["an unknown parameter", "period: 14,", "peroid: 14,", { path: "indicators[0].peroid", nearest: "period" }],
  [
    "an unknown parameter under params",
    "params: { period: 20 }",
    "params: { priod: 20 }",
    { line: 12, path: "indicators[1].params.priod", nearest: "period" },
  ],
  ["a negative period", "period: 14,", "period: -14,", { line: 11, column: 46, found: "-14" }],
  [
    "a period that is no whole number",
    "period: 14,",
    "period: 14.5,",
    { found: "14.5", allowed: "a whole number of at least 2" },
  ],
  [
    "a number in quotes",
    "period: 14,",
    'period: "14",',
    { found: '"14"', message: expect.stringContaining("without quotes") as string },
  ],
  [
    "a number that is none",
    "period: 14,",
    "period: .nan,",
    { line: 11, path: "indicators[0].period", found: "NaN" },
  ],
  [
    "a number without end",
    "dropout: 0.1",
    "dropout: .inf",
    { path: "model.architecture.dropout", found: "Infinity" },
  ],
  [
    "a parameter given twice",
    "params: { period: 20 }",
    "period: 10, params: { period: 20 }",
    { path: "indicators[1].period" },
  ],
  [
    "a rule between parameters",
    "fast_period: 12, slow_period: 26",
    "fast_period: 26, slow_period: 12",
    { line: 13 },
  ],
  [
    "no feature id",
    "feature_id: rsi_14, ",
    "",
    { path: "indicators[0].feature_id", message: "this key is missing" },
  ],
  [
    "a feature id that begins with a digit",
    "feature_id: macd,",
    "feature_id: 1macd,",
    { path: "indicators[2].feature_id", found: '"1macd"' },
  ],
  [
    "a feature id that is a price",
    "feature_id: macd,",
    "feature_id: Close,",
    { path: "indicators[2].feature_id", found: '"Close"' },
  ],
  [
    "a doubled feature id",
    "feature_id: macd,",
    "feature_id: rsi_14,",
    {
      line: 13,
      path: "indicators[2].feature_id",
      message: expect.stringContaining("indicators[0]") as string,
    },
  ],
  [
    "an unknown membership type",
    "triangular, parameters: [0, 30",
    "triangulr, parameters: [0, 30",
    { line: 16, column: 18, nearest: "triangular" },
  ],
  ["too few parameters of a set", "[0, 30, 50]", "[0, 30]", { path: "fuzzy_sets.rsi_14.low.parameters" }],
  [
    "parameters of a set out of order",
    "[0, 30, 50]",
    "[50, 30, 0]",
    { line: 16, path: "fuzzy_sets.rsi_14.low.parameters[1]" },
  ],
  ["a width of nought", "[80, 10]", "[80, 0]", { line: 17, path: "fuzzy_sets.rsi_14.high.parameters[1]" }],
  [
    "a set without parameters",
    ", parameters: [80, 10]",
    "",
    { path: "fuzzy_sets.rsi_14.high.parameters", message: "this key is missing" },
  ],
  [
    "a feature without sets",
    /rsi_14:\n.*\n.*\n/,
    "rsi_14: {}\n",
    { line: 15, path: "fuzzy_sets.rsi_14", message: "no fuzzy sets here" },
  ],
  [
    "an unknown transform",
    "price_ratio",
    "price_rato",
    { path: "fuzzy_sets.bbands_20_2.lower.input_transform.type", nearest: "price_ratio" },
  ],
  [
    "an unknown reference price",
    "reference: close",
    "reference: clos",
    { path: "fuzzy_sets.bbands_20_2.lower.input_transform.reference", nearest: "close" },
  ],
  [
    "sets for a misspelt feature",
    "  rsi_14:",
    "  rsi_41:",
    { line: 15, column: 3, path: "fuzzy_sets.rsi_41", nearest: "rsi_14" },
  ],
  [
    "sets for an unknown output",
    "bbands_20_2.lower:",
    "bbands_20_2.lowr:",
    { line: 18, nearest: "bbands_20_2.lower" },
  ],
  [
    "sets for an output that the parameters leave out",
    /name: bbands, (.*) params: .* \} \}([^]*)2\.lower:/,
    "name: aroon, $1 include_oscillator: false }$22.oscillator:",
    { path: "fuzzy_sets.bbands_20_2.oscillator", allowed: "bbands_20_2, bbands_20_2.up, bbands_20_2.down" },
  ],
  ["another network", "type: mlp", "type: transformer", { path: "model.type", allowed: "mlp" }],
  [
    "no hidden layers key",
    "hidden_layers: [8], ",
    "",
    { line: 25, path: "model.architecture.hidden_layers", message: "this key is missing" },
  ],
  ["an unknown activation", "activation: relu", "activation: reluu", { line: 25, nearest: "relu" }],
  [
    "a dropout of everything",
    "dropout: 0.1",
    "dropout: 1",
    { path: "model.architecture.dropout", allowed: "a number of at least 0 and below 1" },
  ],
  [
    "negative lags",
    "lookback_periods: 1",
    "lookback_periods: -1",
    { path: "model.features.lookback_periods" },
  ],
  ["an unknown optimizer", "optimizer: adam", "optimizer: adma", { line: 27, nearest: "adam" }],
  [
    "an unknown scheduler",
    "type: step",
    "type: stepp",
    { path: "model.training.lr_scheduler.type", nearest: "step" },
  ],
  [
    "another scheduler's parameter",
    "type: step",
    "type: step, patience: 3",
    { path: "model.training.lr_scheduler.patience", allowed: "type, step_size, gamma" },
  ],
  [
    "a misspelt parameter of early stopping",
    "patience: 5",
    "patince: 5",
    { path: "model.training.early_stopping.patince", nearest: "patience" },
  ],
  [
    "another thing to monitor",
    "patience: 5",
    "monitor: val_sharpe",
    { path: "model.training.early_stopping.monitor", found: '"val_sharpe"' },
  ],
  [
    "a probability above 1",
    "confidence_threshold: 0.6",
    "confidence_threshold: 60",
    { path: "decisions.confidence_threshold" },
  ],
  ["an unknown label", "source: zigzag", "source: zigzga", { line: 30, nearest: "zigzag" }],
  ["no threshold", ", zigzag_threshold: 0.05", "", { line: 30, path: "training.labels.zigzag_threshold" }],
  [
    "a threshold in percent",
    "zigzag_threshold: 0.05",
    "zigzag_threshold: 5",
    { line: 30, path: "training.labels.zigzag_threshold", found: "5" },
  ],
  [
    "a label's unknown parameter",
    "zigzag_threshold: 0.05",
    "zigzag_treshold: 0.05",
    { path: "training.labels.zigzag_treshold", nearest: "zigzag_threshold" },
  ],
  [
    "two horizons",
    "source: zigzag, zigzag_threshold: 0.05",
    "source: forward_return, horizon: 5, label_lookahead: 6",
    { path: "training.labels.label_lookahead" },
  ],
  ["shares that do not add up", "train: 0.7", "train: 0.8", { line: 31, path: "training.data_split" }],
  [
    "early stopping without validation",
    "validation: 0.15, test: 0.15",
    "validation: 0, test: 0.3",
    { path: "model.training.early_stopping" },
  ],
  ["a doubled key", "type: mlp", "type: mlp\n  type: mlp", { line: 25, column: 3, found: '"type"' }],
  [
    "a tag that makes objects",
    "scope: universal",
    "scope: !!python/object:os.system universal",
    { line: 3, column: 8 },
  ],
  ["an alias of nothing", "[AAPL, MSFT]", "*symbols", { line: 5 }],
  ["a list that never ends", "[AAPL, MSFT]", "[AAPL, MSFT", { line: expect.any(Number) as number }],
  ["tabs", "  type: mlp", "\ttype: mlp", { line: 24 }],
  ["two documents", "scope: universal", "---\nscope: universal", { line: 3 }],
  [
    "the later format",
    "decisions:",
    "nn_inputs: [{ fuzzy_set: rsi_14 }]\ndecisions:",
    { line: 28, path: "nn_inputs" },
  ],
  [
    "data of both formats",
    "decisions:",
    "data: { symbols: [AAPL], timeframes: [1d] }\ndecisions:",
    { line: 28, path: "data" },
  ],
];

test("the file that is made wrong is right", () => {
  expect(parseStrategy(valid, null).notices).toEqual([]);
});

test.each(wrong)("%s", (_, from, to, issue) => {
  const text = valid.replace(from, to);
  expect(text, "the replaced text occurs").not.toBe(valid);
  const error = errorIn(text);
  expect(error.issues).toContainEqual(expect.objectContaining(issue));
  expect(error.message, "a message, no stack").not.toMatch(/^\s+at |undefined|\[object/m);
  for (const { line, column } of error.issues) {
    expect(line, "every error has a line").toBeGreaterThan(0);
    expect(column).toBeGreaterThan(0);
  }
});

test("most of these have exactly one error: one mistake does not make others up", () => {
  const several = wrong.filter(([, from, to]) => errorIn(valid.replace(from, to)).issues.length > 1);
  expect(several.map(([title]) => title)).toEqual([
    // Its fuzzy sets are without a feature.
    "a feature id that begins with a digit",
    // One key is unknown and another one missing.
    "a label's unknown parameter",
  ]);
});

test("all errors of a file are told at once, in its order", () => {
  const text = valid
    .replace("period: 14,", "period: 0,")
    .replace("[0, 30, 50]", "[0, 30]")
    .replace("relu", "relo")
    .replace("type: mlp", "type: mlp\n  type: mlp")
    .replace("zigzag,", "zigzog,");
  expect(errorIn(text).issues.map(({ line, path }) => [line, path])).toEqual([
    [11, "indicators[0].period"],
    [16, "fuzzy_sets.rsi_14.low.parameters"],
    [25, ""],
    [26, "model.architecture.activation"],
    [31, "training.labels.source"],
  ]);
});

test("the message names file, line, column, path, what was found, what is allowed and the nearest name", () => {
  expect(errorIn(valid.replace("activation: relu", "activation: reluu")).message).toBe(
    [
      "s.yaml has 1 error",
      "  s.yaml:25:51: model.architecture.activation: unknown value",
      '      found "reluu"; allowed: relu, leaky_relu, tanh, sigmoid; did you mean "relu"?',
    ].join("\n"),
  );
});

describe("texts that are no strategy", () => {
  test.each([
    ["an empty text", ""],
    ["only a comment", "# nothing yet\n"],
    ["a list", "- name: x\n"],
    ["a word", "strategy\n"],
    ["deep nesting", "[".repeat(100_000)],
    [
      "a bomb of aliases",
      `a0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`).join("\n")}\n`,
    ],
    ["a list that contains itself", "name: &a [*a]\n"],
    ["a map that merges itself", "name: &a { <<: *a, x: 1 }\n"],
    ["__proto__ as a section", "__proto__: { name: x }\n"],
  ])("%s is refused with a message", (_, text) => {
    expect(errorIn(text).issues.length).toBeGreaterThan(0);
  });

  test("names of built-in properties are no keys", () => {
    const text = valid.replace("period: 14,", "constructor: 1, __proto__: 2, toString: 3, period: 14,");
    expect(
      errorIn(text)
        .issues.map(({ path }) => path)
        .toSorted(),
    ).toEqual(["indicators[0].__proto__", "indicators[0].constructor", "indicators[0].toString"]);
  });
});

describe("files that cannot be read as a strategy", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ktrdr-strategy-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const written = (name: string, bytes: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  test("a missing file", () => {
    expect(errorOf(() => loadStrategy(join(folder, "none.yaml"))).message).toMatch(
      /none\.yaml has 1 error\n.*no such file/,
    );
  });

  test("a folder", () => {
    expect(errorOf(() => loadStrategy(folder)).message).toContain("this is a folder");
  });

  test("a file of 10 MB is not even read", () => {
    const path = written("large.yaml", "#".repeat(10_000_000));
    expect(errorOf(() => loadStrategy(path)).message).toContain("10000000 bytes");
  });

  test.each([
    ["binary", Uint8Array.from([0x50, 0x41, 0x52, 0x31, 0, 0, 1])],
    ["UTF-16", Buffer.from(`\uFEFF${valid}`, "utf16le")],
    ["Latin-1", Buffer.from("description: caf\xe9\n", "latin1")],
  ])("%s", (name, bytes) => {
    expect(errorOf(() => loadStrategy(written(`${name}.yaml`, bytes))).message).toContain("YAML in UTF-8");
  });

  test(".yml is as good as .yaml", () => {
    expect(loadStrategy(written("s.yml", valid)).name).toBe("momentum");
  });
});

test("a stored document that is no strategy is refused without lines", () => {
  const { issues, file, message } = errorOf(() => strategyFromDocument({ name: "x" }, "x"));
  expect(file).toBeNull();
  expect(message).toContain('strategy "x" has 5 errors');
  expect(issues.map(({ line, path }) => [line, path])).toEqual(
    ["indicators", "fuzzy_sets", "model", "training", "training_data"].map((path) => [null, path]),
  );
});
