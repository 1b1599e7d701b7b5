import { cpSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { bars, changed, csv, expectFailure, flipByte, plan, train, workFolder, type Row } from "./spoiled.js";

const made = workFolder();

const strategies: readonly Row[] = [
  {
    title: "none of this name",
    line: "models train --dry-run --strategy jurney",
    code: "STRATEGY_NOT_FOUND",
    parts: ['"jurney"', 'Did you mean "journey"?'],
  },
  {
    title: "a folder",
    line: "models train --dry-run --strategy config/strategies",
    code: "STRATEGY_INVALID",
    parts: ["this is a folder", "a strategy file in it"],
  },
  {
    title: "unknown key",
    spoil: changed("hidden_layers", "hiden_layers"),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["journey.yaml:", "model.architecture.hiden_layers", "unknown key", '"hidden_layers"'],
  },
  {
    title: "unknown indicator",
    spoil: changed("name: rsi", "name: rsj"),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["indicators[0].name", '"rsj"', '"rsi"'],
  },
  {
    title: "two mistakes, both told",
    spoil: changed(/name: rsi([^]*)dropout: 0.1/, "name: rsj$1dropout: 1.5"),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["2 errors", "dropout", "1.5", "rsj"],
  },
  {
    title: "version 3",
    spoil: (home) =>
      writeFileSync(
        join(home, "config", "strategies", "journey.yaml"),
        "name: x\nindicators:\n  r: { type: rsi }\n",
      ),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["later format 3", "allowed: format 2"],
  },
  {
    title: "empty file",
    spoil: (home) => truncateSync(join(home, "config", "strategies", "journey.yaml")),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["the file is empty"],
  },
  {
    title: "binary file",
    spoil: (home) => cpSync(bars(home), join(home, "config", "strategies", "journey.yaml")),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["no text file"],
  },
  {
    title: "no YAML",
    spoil: changed("{ mode: single", "[ mode: single"),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["not valid YAML", "journey.yaml:"],
  },
  {
    title: "early stopping without validation",
    spoil: changed(
      /epochs: 5([^]*)validation: 0.15, test: 0.15/,
      "epochs: 5, early_stopping: { patience: 3 }$1validation: 0, test: 0.3",
    ),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["early_stopping", "needs a validation part"],
  },
  {
    title: "no test part",
    spoil: changed("validation: 0.15, test: 0.15", "validation: 0.3, test: 0"),
    line: plan,
    code: "STRATEGY_INVALID",
    parts: ["data_split.test", "found 0", "above 0"],
  },
  {
    title: "slower indicator than bars",
    spoil: changed("period: 20", "period: 700"),
    line: train,
    code: "NOT_ENOUGH_BARS",
    parts: ['"SYN1" has 600 bars', "ema_20, needs 700"],
  },
  {
    title: "labels that are never known",
    spoil: changed(/source: triple_barrier.*\}/, "source: forward_return, horizon: 900 }"),
    line: train,
    code: "EMPTY_SPLIT",
    parts: ["train part has no samples", "without a label yet", "shorter horizon"],
  },
  {
    title: "a learning rate that explodes",
    spoil: changed("learning_rate: 0.003", "learning_rate: 1.0e+30"),
    line: train,
    code: "LOSS_NOT_FINITE",
    parts: ["epoch 1", "learning_rate (now 1e+30)", "No model was saved"],
  },
];

const data: readonly Row[] = [
  {
    title: "no such symbol",
    line: `${train} --symbols SYN9`,
    code: "NO_BARS",
    parts: ['"SYN9" 1d', "Stored symbols: SYN1", "data import", "data load"],
  },
  {
    title: "no such timeframe",
    line: `${train} --timeframes 1h`,
    code: "NO_BARS",
    parts: ["1h", "Stored timeframes of SYN1: 1d"],
  },
  {
    title: "no bars in the range",
    line: `${train} --start-date 1999-01-01 --end-date 1999-12-31`,
    code: "NO_BARS",
    parts: ["from 1999-01-01", "600 bars, 2020-01-01"],
  },
  {
    title: "a range that leaves a part empty",
    line: `${train} --start-date 2020-06-01 --end-date 2020-06-08`,
    code: "EMPTY_SPLIT",
    parts: ["part has no samples", "SYN1"],
  },
  {
    title: "less memory than needed",
    line: `${train} --max-memory 1KB`,
    code: "MEMORY_LIMIT",
    parts: ["1 KB is the limit (--max-memory", "a higher limit"],
  },
  {
    title: "a byte of the Parquet flipped",
    spoil: (home) => flipByte(bars(home), 5000),
    line: train,
    code: "DAMAGED_SERIES",
    parts: ["SYN1_1d.parquet", "SHA-256", "--replace"],
  },
  {
    title: "a Parquet cut short",
    spoil: (home) => truncateSync(bars(home), 3000),
    line: train,
    code: "DAMAGED_SERIES",
    parts: ["SYN1_1d.parquet", "no sound Parquet"],
  },
  {
    title: "an empty Parquet",
    spoil: (home) => truncateSync(bars(home)),
    line: "data show SYN1 --timeframe 1d",
    code: "DAMAGED_SERIES",
    parts: ["SYN1_1d.parquet", "it is empty"],
  },
  {
    title: "impossible rows in a CSV",
    spoil: csv("timestamp,open,high,low,close,volume\n2024-01-02,10,9,8,10,5\n2024-01-03,10,11,9,10,5\n"),
    line: train,
    code: "DAMAGED_SERIES",
    parts: ["SYN1_1d.csv", "row 2", "open 10", "low 8 to high 9"],
  },
  {
    title: "an empty CSV",
    spoil: csv(""),
    line: train,
    code: "NOT_A_BARS_FILE",
    parts: ["SYN1_1d.csv", "is empty"],
  },
  {
    title: "a CSV of something else",
    spoil: csv("a,b\n1,2\n"),
    line: train,
    code: "NOT_A_BARS_FILE",
    parts: ["SYN1_1d.csv", "no file of bars", '"a,b"'],
  },
  {
    title: "no volume where it is needed",
    spoil: (home) => {
      csv("date,open,high,low,close\n2024-01-02,1,1,1,1\n2024-01-03,1,2,1,2\n")(home);
    },
    line: "indicators compute obv --symbol SYN1 --timeframe 1d",
    code: "MISSING_VOLUME",
    parts: ['"obv"', "needs volume", "SYN1"],
  },
  {
    title: "no provider",
    line: "data load SYN1 --timeframe 1d --mode tail",
    code: "NO_PROVIDER",
    parts: ["KTRDR_PROVIDER_URL", "{symbol}"],
  },
  {
    title: "a file that is not there",
    line: "indicators compute rsi --input none.csv",
    code: "FILE_UNREADABLE",
    parts: ['"none.csv" does not exist'],
  },
];

describe.each([
  ["strategy file", strategies],
  ["bars", data],
] as const)("wrong %s: exit status 1, one message, nothing changed", (_, rows) => {
  test.each(rows)("$title: ktrdr $line", (row) => expectFailure(made, row));
});

test("a process ends with the same status and streams", { timeout: 120_000 }, async () => {
  for (const row of [strategies[0], strategies[13], data[0], data[5]]) await expectFailure(made, row, false);
});
