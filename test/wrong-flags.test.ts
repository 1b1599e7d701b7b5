import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BarStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { runCommand } from "./command.js";
import { contentsOf, expectOneClearMessage, runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";

/** A work folder with one strategy, one series and no model. */
const home = mkdtempSync(join(tmpdir(), "ktrdr-flags-"));
let before: Record<string, string>;

beforeAll(async () => {
  mkdirSync(join(home, "config", "strategies"), { recursive: true });
  writeFileSync(join(home, "config", "strategies", "journey.yaml"), strategyText());
  writeFileSync(join(home, "config", "strategies", "two.yaml"), strategyText(twoTimeframes));
  writeFileSync(join(home, "a-file"), "not a folder");
  await new BarStore(join(home, "data")).save(makeBars());
  before = contentsOf(home);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const twoTimeframes = {
  training_data: `
  symbols: { mode: single, symbol: SYN1 }
  timeframes: { mode: multi_timeframe, list: [1h, 1d], base_timeframe: 1h }`,
};

const train = "models train --strategy journey";
const use = "models test journey --symbol SYN1";
const rsi = "indicators compute rsi";
const stored = "--symbol SYN1 --timeframe 1d";

/** A command line (`''` is an empty word), and what its message says: place, what was found, what is allowed. */
const usage: readonly [line: string, ...parts: string[]][] = [
  ["modles list", "'modles'", 'Did you mean "models"?', "ktrdr --help"],
  ["models lst", "'lst'", 'Did you mean "list"?', "ktrdr models --help"],
  ["models train --strategy journey --epocs 3", "'--epocs'", '"--epochs"', "ktrdr models train --help"],
  ["models train --json=yes --strategy journey", "--json"],
  ["models train --strategy journey --json --format csv", "--json and --format csv exclude each other"],
  ["models train", "--strategy <file>", "not specified"],
  ["models train --strategy", "--strategy <file>", "argument missing"],
  [`${train} extra`, "too many arguments", 'but got 1. See "ktrdr models train --help"'],
  [`${train} --seed abc`, '--seed: "abc"', "a whole number from 0 to 4294967295"],
  [`${train} --seed -1`, '--seed: "-1"', "from 0"],
  [`${train} --seed 1e99`, '--seed: "1e99"'],
  [`${train} --seed 1.5`, '--seed: "1.5"'],
  [`${train} --seed 4294967296`, '--seed: "4294967296"'],
  [`${train} --epochs 0`, '--epochs: "0"', "from 1 to"],
  [`${train} --epochs ''`, '--epochs: ""'],
  [`${train} --start-date 2021-01-01 --end-date 2020-01-01`, '"2020-01-01"', "before", "Exchange them"],
  [`${train} --start-date 01.02.2020`, '"01.02.2020" is no date', "2024-01-31"],
  [`${train} --end-date 2024-02-30`, '"2024-02-30" is no day of the calendar'],
  [`${train} --symbols SYN1 SYN1`, '--symbols: "SYN1" is listed twice'],
  [`${train} --symbols SYN1,SYN2,SYN1`, '--symbols: "SYN1" is listed twice'],
  [`${train} --symbols ../SYN1`, '"../SYN1" is no symbol', "letters, digits"],
  [`${train} --symbols BTC/USD`, '"BTC/USD" is no symbol', 'Write it as "BTCUSD"'],
  [`${train} --symbols ''`, "--symbols: nothing was named"],
  [`${train} --symbols ,`, "--symbols: nothing was named"],
  [`${train} --timeframes 7h`, '--timeframes: "7h" is no timeframe', "1m, 5m, 15m, 30m, 1h, 4h, 1d, 1w"],
  [`${train} --timeframes 1W`, '"1W" is no timeframe', 'Did you mean "1w"?'],
  [`${train} --timeframes 1d,1d`, '"1d" is listed twice'],
  [`${train} --engine x`, '--engine: "x" is no engine', "reference", "auto"],
  [`${train} --max-memory lots`, '--max-memory: "lots" is no size', "2GB"],
  [`${train} --max-memory -5`, '--max-memory: "-5"'],
  [`${train} --format xml`, '--format: "xml" is not known', "text, csv, json"],
  [`${train} --format csv`, "csv is not available for this command", "text, json"],
  [`${train} --data-mode cloud`, '--data-mode: "cloud" is not known', "local, tail, backfill, full"],
  ["models test journey", "--symbol <symbol>"],
  ["models test --symbol SYN1 --timeframe 1d", "missing required argument 'model'"],
  [`${use} --timeframe 7h`, '--timeframe: "7h" is no timeframe'],
  [`${use} --timeframe 1d --start-date soon`, '"soon" is no date'],
  [`${use} --timeframe 1d --format csv`, "csv is not available"],
  ["models show journey --format csv", "csv is not available"],
  ["models delete journey --format csv", "csv is not available"],
  ["strategies show journey --format csv", "csv is not available"],
  ["strategies validate", "missing required argument 'strategy'"],
  ["operations list --status done", '--status: "done"', "pending, running, completed, failed, cancelled"],
  ["operations list --limit 0", '--limit: "0"', "whole numbers from 1"],
  ["operations show x --format csv", "csv is not available"],
  [`${rsi}`, "--input FILE", "--symbol S"],
  [`${rsi} --symbol SYN1`, "Give --timeframe"],
  [`indicators compute rsy ${stored}`, '"rsy"', 'Did you mean "rsi"?', "Known: sma, ema"],
  [`${rsi} ${stored} --param perod=3`, '"perod"', '"period"', "Known: period, source"],
  [`${rsi} ${stored} --param period`, '--param: "period" is not of the form name=value'],
  [`${rsi} ${stored} --param period=3 --param period=4`, "--param: period is given twice"],
  [`${rsi} ${stored} --param period=0`, "period is 0: must be at least 2"],
  [`${rsi} ${stored} --param period=1.5`, "period is 1.5: must be a whole number"],
  [`${rsi} ${stored} --param period=abc`, 'period is "abc": must be a number'],
  [`${rsi} ${stored} --param source=clse`, 'source is "clse": must be one of open, high, low, close, volume'],
  [`${rsi} ${stored} --timezone Europe/Paris`, "--timezone says how to read a file", "--input"],
  [`${rsi} --input a-file --price-scale x`, '--price-scale: "x" is not allowed', "above 0"],
  [`labels compute zigzg ${stored}`, '"zigzg"', 'Did you mean "zigzag"?'],
  [`labels compute zigzag ${stored} --param threshold=0`, "threshold is 0: must be above 0"],
  [`labels compute triple_barrier ${stored} --pivots`, "--pivots: triple_barrier"],
  ["features compute --strategy journey", "Give --symbol S, or --input FILE"],
  ["features compute --strategy journey --symbol SYN1 --timeframes 7h", '--timeframes: "7h"'],
  ["features compute --strategy two --input a-file", "--input holds one timeframe", "1h, 1d"],
  ["fuzzy compute --strategy journey", "--input FILE"],
  ["fuzzy plot --strategy journey", "--feature <id>"],
  ["data show SYN1", "--timeframe <timeframe>"],
  ["data show SYN1 --timeframe 2d", '--timeframe: "2d"'],
  ["data resample SYN1 --from 1d --to 1h", "coarser than 1d"],
  ["data resample SYN1 --from 1d --to 1w --timezone Mars/Base", '--timezone: "Mars/Base"', "Area/City"],
  ["data load SYN1 --timeframe 1d --mode some", '--mode: "some" is not known', "tail, backfill, full"],
  ["data sample --symbols FOO", '"FOO"', "SYN1"],
  ["data sample --bars 0", '--bars: "0"', "a whole number from 1"],
  ["data import a-file --symbol ../x --timeframe 1d", '"../x" is no symbol'],
  ["data import a-file --timeframe 3d", '--timeframe: "3d"'],
  ["data import a-file --price-scale 0", '--price-scale: "0"'],
];

/** The words of a line, and `--json` after the command where no other format is asked for. */
function wordsOf(line: string): string[] {
  const argv = line.split(" ").map((word) => (word === "''" ? "" : word));
  if (!line.includes("--format")) argv.splice(2, 0, "--json");
  return argv.map((word) => (word === "a-file" ? join(home, word) : word));
}

describe("wrong usage ends with exit status 2 and one message", () => {
  test.each(usage)("ktrdr %s", async (line, ...parts) => {
    const argv = wordsOf(line);
    const inWords = !argv.some((word) => word.startsWith("--json"));
    expectOneClearMessage(await runHere(home, argv), { status: 2, code: "WRONG_USAGE", parts, inWords });
  });

  test("none of them wrote anything, not even a record of an operation", async () => {
    expect(contentsOf(home)).toEqual(before);
    const { out } = await runHere(home, ["operations", "list", "--json"]);
    expect(JSON.parse(out)).toEqual([]);
  });

  test("a group without a command shows what there is, on stderr", async () => {
    const { status, out, err } = await runHere(home, ["models"]);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toMatch(/^Usage: ktrdr models/);
  });
});

test("processes end with the same statuses and streams", { timeout: 120_000 }, async () => {
  for (const [line, ...parts] of [usage[0], usage[2], usage[7], usage[16], usage[29]]) {
    const { status, stdout: out, stderr: err } = await runCommand(home, wordsOf(line));
    expectOneClearMessage({ status: status ?? -1, out, err }, { status: 2, code: "WRONG_USAGE", parts });
  }
});
