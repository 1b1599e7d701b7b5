import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backtest, BarStore, CancelledError, defaultSettings } from "../src/index.js";
import { makeBars } from "./bars.js";
import { importBuilt } from "./built.js";
import { runCommand, startCommand } from "./command.js";
import { expectOneClearMessage, runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";

/** A work folder with a trained model, its bars, and a small file of bars with signals. */
const home = mkdtempSync(join(tmpdir(), "ktrdr-backtest-"));
const inHome = (...names: string[]): string => join(home, ...names);

const bars = `timestamp,open,high,low,close,volume
2024-01-02,100,102,99,101,1000
2024-01-03,101,105,100,104,1000
2024-01-04,104,106,103,105,1000
2024-01-05,106,107,101,102,1000
2024-01-08,102,103,98,99,1000
2024-01-09,99,100,95,96,1000
`;

beforeAll(async () => {
  mkdirSync(inHome("config", "strategies"), { recursive: true });
  writeFileSync(inHome("config", "strategies", "journey.yaml"), strategyText());
  writeFileSync(inHome("bars.csv"), bars);
  writeFileSync(
    inHome("signals.csv"),
    "timestamp,signal\n2024-01-02,BUY\n2024-01-04,SELL\n2024-01-08,sell\n",
  );
  const store = new BarStore(inHome("data"));
  await store.save(makeBars({ count: 900 }));
  await store.save(makeBars({ count: 900, symbol: "SYN2", start: "2010-01-01" }));
  const trained = await runHere(home, ["models", "train", "--strategy", "journey", "--json"]);
  expect(trained.status, trained.err).toBe(0);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Result {
  config: Record<string, unknown>;
  metrics: Record<string, number | null>;
  trades: Record<string, unknown>[];
  equity: { timestamp: string; equity: number; cash: number; position: number }[];
  open_position: object | null;
  baselines: Record<string, Record<string, unknown>>;
  verdict: { significant: boolean; statement: string; trials: number; interval: [number, number] | null };
  warnings: string[];
}

async function run(...args: string[]): Promise<Result & { err: string }> {
  const { status, out, err } = await runHere(home, ["backtest", "run", ...args, "--json"]);
  expect(status, err).toBe(0);
  return { ...(JSON.parse(out) as Result), err };
}

const signals = ["--signals", inHome("signals.csv"), "--input", inHome("bars.csv"), "--capital", "1000"];
const model = ["--model", "journey", "--symbol", "SYN1", "--timeframe", "1d"];

describe("signals from a file", () => {
  test("JSON: configuration, figures, trades, equity, baselines, verdict, warnings", async () => {
    const result = await run(...signals);
    expect(Object.keys(result).filter((key) => key !== "err")).toEqual([
      "config",
      "metrics",
      "trades",
      "open_position",
      "equity",
      "baselines",
      "verdict",
      "warnings",
    ]);
    expect(result.trades).toEqual([
      {
        side: "long",
        entry_time: "2024-01-03T00:00:00Z",
        exit_time: "2024-01-05T00:00:00Z",
        entry_price: 101,
        exit_price: 106,
        quantity: 9,
        gross_pnl: 45,
        costs: 0,
        net_pnl: 45,
        return_pct: expect.closeTo(4500 / 909, 10),
        bars_held: 2,
        exit_reason: "signal",
      },
    ]);
    expect(result.equity).toHaveLength(6);
    expect(result.equity[1]).toEqual({
      timestamp: "2024-01-03T00:00:00Z",
      equity: 1027,
      cash: 91,
      position: 936,
    });
    expect(result.metrics).toMatchObject({
      final_equity: 1045,
      total_return_pct: expect.closeTo(4.5, 10),
      trades: 1,
      profit_factor: null,
      costs: 0,
    });
    expect(Object.keys(result.baselines)).toEqual(["buy_and_hold", "majority_class", "random_entries"]);
    expect(result.verdict).toMatchObject({
      significant: false,
      interval: null,
      deflated_sharpe: null,
      measured_on: expect.stringContaining("6 bars"),
    });
    expect(result.warnings).toContainEqual(expect.stringContaining("No costs were set"));
    expect(result.err).toContain("warning: No costs were set");
  });

  test("costs, size, fills and ends are as the flags say", async () => {
    const costly = await run(
      ...signals,
      "--commission",
      "0.01",
      "--slippage",
      "0.02",
      "--fill",
      "close",
      "--size",
      "0.5",
      "--fractional",
    );
    const unit = 101 * 1.02 * 1.01;
    expect(costly.trades[0]).toMatchObject({
      entry_price: 101,
      exit_price: 105,
      entry_time: "2024-01-02T00:00:00Z",
    });
    expect(costly.metrics["final_equity"]).toBeCloseTo(500 + (500 / unit) * 105 * 0.98 * 0.99, 9);
    expect(costly.warnings).toEqual([]);
    const kept = await run(...signals, "--shorts", "--end-of-data", "keep");
    expect(kept.trades).toHaveLength(1);
    expect(kept.open_position).toMatchObject({
      side: "short",
      entry_price: 106,
      quantity: 9,
      unrealised_pnl: 90,
    });
    expect(kept.warnings).toContainEqual(
      expect.stringMatching(/short position of 9 units from 2024-01-05 is still open/),
    );
  });

  test("dates cut the bars; signals outside of them are left out, and it is said", async () => {
    const result = await run(...signals, "--start-date", "2024-01-04");
    expect(result.config).toMatchObject({ bars: 4, first_bar: "2024-01-04T00:00:00Z" });
    expect(result.trades).toEqual([]);
    const outside = "1 of 3 signals lie before the first or after the last bar and are left out.";
    expect(result.warnings).toContain(outside);
    expect(result.err).toContain(outside);
  });

  test("a header without signals holds the capital to the end", async () => {
    writeFileSync(inHome("header-only.csv"), "timestamp,signal\n");
    const result = await run(
      "--signals",
      inHome("header-only.csv"),
      "--input",
      inHome("bars.csv"),
      "--shorts",
    );
    expect(new Set(result.equity.map(({ equity }) => equity))).toEqual(new Set([100_000]));
    expect(result.trades).toEqual([]);
    expect(result.warnings).toContainEqual(expect.stringContaining("every bar is HOLD"));
  });

  test("trades and equity as CSV files, the page as HTML", async () => {
    const [trades, equity, report] = ["t.csv", "e.csv", "r.html"].map((name) => inHome("out", name));
    await run(...signals, "--trades-csv", trades, "--equity-csv", equity, "--report", report);
    expect(readFileSync(trades, "utf8").split("\n")).toEqual([
      "side,entry_time,exit_time,entry_price,exit_price,quantity,gross_pnl,costs,net_pnl,return_pct,bars_held,exit_reason",
      expect.stringMatching(
        /^long,2024-01-03T00:00:00Z,2024-01-05T00:00:00Z,101,106,9,45,0,45,4\.95\d+,2,signal$/,
      ),
      "",
    ]);
    expect(readFileSync(equity, "utf8")).toMatch(
      /^timestamp,equity,cash,position\n2024-01-02T00:00:00Z,1000,1000,0\n/,
    );
    expect(readFileSync(report, "utf8")).toMatch(/^<!doctype html>/);
  });

  test("text: a table, and the verdict in words", async () => {
    const { out, status } = await runHere(home, ["backtest", "run", ...signals]);
    expect(status).toBe(0);
    expect(out).toMatch(/final equity +1045\.00 +955\.00 +1000\.00/);
    expect(out).toMatch(/no evidence of skill\.\n$/);
  });
});

describe("a model", () => {
  test("its decisions are those of `models predict`, and the strategy file's rules are followed", async () => {
    const result = await run(...model, "--start-date", "2022-01-01", "--confidence-threshold", "0.34");
    // `journey` was asked for: the name of the version it stands for tells which model these figures are of.
    expect(result.config).toMatchObject({
      model: "journey/1d_v1",
      confidence_threshold: 0.34,
      min_signal_separation_bars: 1,
      position_awareness: true,
      size: 1,
    });
    const predict = await runHere(home, [
      "models",
      "predict",
      "journey",
      "--symbol",
      "SYN1",
      "--timeframe",
      "1d",
      "--start-date",
      "2022-01-01",
      "--json",
    ]);
    const predictions = JSON.parse(predict.out) as {
      timestamp: string;
      signal: string;
      probabilities: Record<string, number>;
    }[];
    const rows = predictions.map(
      ({ timestamp, signal, probabilities }) =>
        `${timestamp},${probabilities[signal] >= 0.34 ? signal : "HOLD"}`,
    );
    writeFileSync(inHome("predicted.csv"), ["timestamp,signal", ...rows].join("\n"));
    const again = await run(
      "--signals",
      inHome("predicted.csv"),
      "--symbol",
      "SYN1",
      "--timeframe",
      "1d",
      "--start-date",
      "2022-01-01",
    );
    expect(again.trades).toEqual(result.trades);
    expect(result.trades.length).toBeGreaterThan(0);
    expect(again.equity).toEqual(result.equity);
  });

  test("bars that it was trained on are warned of, and forbid a claim; later ones are not", async () => {
    const seen = await run(...model, "--confidence-threshold", "0.34");
    expect(seen.warnings).toContainEqual(
      expect.stringMatching(/\d+ of 900 bars lie in the time that journey\/1d_v1 was trained or selected on/),
    );
    expect(seen.warnings).toContainEqual(expect.stringMatching(/\d+ of 900 bars lack a feature/));
    expect(seen.verdict.statement).toMatch(/that shows memory/);
    const fresh = await run(...model, "--start-date", "2022-05-01", "--confidence-threshold", "0.34");
    expect(fresh.warnings.join()).not.toContain("trained");
    expect(fresh.verdict.statement).toMatch(/which the model had not seen|nothing was traded/);
  });

  test("it works on a symbol and years it never saw, and on a file of bars", async () => {
    const other = await run(
      "--model",
      "journey",
      "--symbol",
      "SYN2",
      "--timeframe",
      "1d",
      "--confidence-threshold",
      "0.34",
    );
    expect(other.config).toMatchObject({ symbol: "SYN2", bars: 900 });
    expect(other.warnings.join()).not.toContain("trained");
    const shown = await runHere(home, ["data", "show", "SYN2", "--timeframe", "1d", "--format", "csv"]);
    writeFileSync(inHome("syn2.csv"), shown.out);
    const file = await run(
      "--model",
      "journey",
      "--input",
      inHome("syn2.csv"),
      "--timeframe",
      "1d",
      "--confidence-threshold",
      "0.34",
    );
    expect(file.trades).toEqual(other.trades);
  });

  test("a model that a host trained trades as the local one of the same strategy and seed", async () => {
    const ktrdr = await importBuilt();
    const config = {
      strategyPath: "strategy_yaml",
      strategyText: strategyText({ name: "on_host" }),
      dataFolder: inHome("data"),
    };
    const models = new ktrdr.ModelStorage(inHome("models"));
    const session = new ktrdr.TrainingSession("session_1", config);
    const { model_name } = await new ktrdr.HostTrainingOrchestrator(session, models).run();
    const line = [...model.slice(2), "--confidence-threshold", "0.34", "--commission", "0.001"];
    const [host, local] = [
      await run("--model", model_name, ...line),
      await run(...model.slice(0, 2), ...line),
    ];
    expect(host.trades.length).toBeGreaterThan(0);
    expect([host.trades, host.equity]).toEqual([local.trades, local.equity]);
  });

  test("separation, awareness, threshold and size of the command come before the file's", async () => {
    const spaced = await run(
      ...model,
      "--confidence-threshold",
      "0.34",
      "--min-signal-separation",
      "30",
      "--no-position-awareness",
      "--size",
      "0.25",
    );
    expect(spaced.config).toMatchObject({
      min_signal_separation_bars: 30,
      position_awareness: false,
      size: 0.25,
    });
    const silent = await run(...model, "--confidence-threshold", "1");
    expect(silent.trades).toEqual([]);
    expect(silent.warnings).toContainEqual(
      expect.stringMatching(/No BUY or SELL reached the confidence threshold of 1; the highest/),
    );
    expect(silent.metrics).toMatchObject({ final_equity: 100_000, trades: 0, sharpe: null });
  });

  test("every further choice on the same data counts as a trial; the same again does not", async () => {
    const trials = async (...args: string[]): Promise<number> =>
      (await run(...model, ...args)).verdict.trials;
    const first = await trials("--commission", "0.00123");
    expect(await trials("--commission", "0.00123")).toBe(first);
    expect(await trials("--commission", "0.00124")).toBe(first + 1);
    expect(await trials("--commission", "0.00123")).toBe(first + 1);
  });

  test("the back-test is recorded, and a failed one as failed", async () => {
    await runHere(home, [
      "backtest",
      "run",
      ...model,
      "--start-date",
      "2019-01-01",
      "--end-date",
      "2019-02-01",
    ]);
    const { out } = await runHere(home, ["operations", "list", "--json"]);
    const [last] = JSON.parse(out) as { operation_type: string; status: string; error: { code: string } }[];
    expect(last).toMatchObject({ operation_type: "backtest", status: "failed", error: { code: "NO_BARS" } });
  });
});

describe("what is wrong is said once", () => {
  const wrong = (line: string) =>
    runHere(home, [
      "backtest",
      "run",
      "--json",
      ...line.split(" ").map((word) => word.replace("HOME", home)),
    ]);

  test.each([
    ["--symbol SYN1 --timeframe 1d", "Give --model NAME, or --signals FILE"],
    ["--model journey --signals HOME/signals.csv --symbol SYN1", "--model and --signals exclude each other"],
    ["--model journey", "Give --symbol S and --timeframe T, or --input FILE"],
    ["--signals HOME/signals.csv --symbol SYN1", "Give --timeframe T"],
    [
      "--signals HOME/signals.csv --input HOME/bars.csv --confidence-threshold 0.5",
      "--confidence-threshold applies to a model",
    ],
    [
      "--signals HOME/signals.csv --input HOME/bars.csv --no-position-awareness",
      "--position-awareness applies to a model",
    ],
    ["--model journey --symbol SYN1 --timezone UTC", "--timezone says how to read a file"],
    ["--model journey --symbol SYN1 --timeframe 3d", '--timeframe: "3d" is no timeframe'],
    ["--model journey --symbol SYN1 --capital 0", '--capital: "0" is not allowed. Allowed: a number above 0'],
    ["--model journey --symbol SYN1 --commission -0.1", '--commission: "-0.1"'],
    ["--model journey --symbol SYN1 --slippage 1", '--slippage: "1"'],
    [
      "--model journey --symbol SYN1 --size 1.5",
      '--size: "1.5" is not allowed. Allowed: a share above 0, at most 1',
    ],
    ["--model journey --symbol SYN1 --fill open", '--fill: "open" is not known. Allowed: next-open, close'],
    ["--model journey --symbol SYN1 --stop-loss 5", '--stop-loss: "5"'],
    ["--model journey --symbol SYN1 --take-profit x", '--take-profit: "x"'],
    [
      "--model journey --symbol SYN1 --end-of-data drop",
      '--end-of-data: "drop" is not known. Allowed: close, keep',
    ],
    ["--model journey --symbol SYN1 --min-signal-separation 1.5", '--min-signal-separation: "1.5"'],
    ["--model journey --symbol SYN1 --seed -1", '--seed: "-1"'],
    ["--model journey --symbol SYN1 --start-date soon", '"soon" is no date'],
    ["--model journey --symbol SYN1 --modle x", "'--modle'"],
    ["--model journey --symbol SYN1 --format csv", "csv is not available"],
  ])("%s: wrong usage", async (line, part) => {
    const outcome = line.includes("--format")
      ? await runHere(home, ["backtest", "run", ...line.split(" ")])
      : await wrong(line);
    expectOneClearMessage(outcome, {
      status: 2,
      code: "WRONG_USAGE",
      parts: [part],
      inWords: line.includes("--format"),
    });
  });

  test.each([
    ["--model nothing --symbol SYN1", "MODEL_NOT_FOUND", "nothing"],
    ["--model journey --symbol NONE", "NO_BARS", "NONE"],
    ["--model journey --symbol SYN1 --timeframe 1h", "WRONG_TIMEFRAME", "Use --timeframe 1d"],
    ["--signals HOME/none.csv --input HOME/bars.csv", "FILE_UNUSABLE", "none.csv"],
    [
      "--signals HOME/bars.csv --input HOME/bars.csv",
      "SIGNALS_REFUSED",
      'the columns "timestamp" and "signal" are needed',
    ],
    [
      "--signals HOME/signals.csv --input HOME/bars.csv --start-date 2025-01-01",
      "NO_BARS",
      "from 2024-01-02 to 2024-01-09",
    ],
  ])("%s: %s", async (line, code, part) => {
    expectOneClearMessage(await wrong(line), { status: 1, code, parts: [part] });
  });

  test("a signal on a day without a bar is refused with its row", async () => {
    writeFileSync(inHome("bad.csv"), "timestamp,signal\n2024-01-06,BUY\n");
    const outcome = await wrong("--signals HOME/bad.csv --input HOME/bars.csv");
    expectOneClearMessage(outcome, {
      status: 1,
      code: "SIGNALS_REFUSED",
      parts: ["row 2: no 1d bar opens at 2024-01-06"],
    });
  });
});

describe("a stop", () => {
  test("at any look at the token ends the back-test", () => {
    const made = makeBars({ count: 60_000, timeframe: "1m", volatility: 0.001 });
    const often = Int8Array.from({ length: 60_000 }, (_, t) => (t % 50 === 0 ? 1 : t % 50 === 20 ? -1 : 0));
    const request = { bars: made, signals: often, settings: defaultSettings, trials: 1, seen: 0, seed: 1 };
    let looks = 0;
    backtest(request, {
      get isCancelled() {
        return ++looks < 0;
      },
    });
    expect(looks, "at least every 16,384 bars in each of four passes").toBeGreaterThan(16);
    for (let limit = 1; limit <= looks; limit += 7) {
      let seen = 0;
      const token = {
        get isCancelled() {
          return ++seen >= limit;
        },
      };
      expect(() => backtest(request, token)).toThrow(CancelledError);
      expect(seen).toBe(limit);
    }
  });

  test("Ctrl-C, and a cancel from another shell, end a long one as cancelled, and nothing is written", async () => {
    const count = 300_000;
    const minutes = { ...makeBars({ count, timeframe: "1m", volatility: 0.001, symbol: "LONG" }) };
    await new BarStore(inHome("data")).save(minutes);
    const text = strategyText({
      name: "minutes",
      training_data: `
  symbols: { mode: single, symbol: LONG }
  timeframes: { mode: single, timeframe: 1m }
  end_date: 2020-01-03`,
    });
    writeFileSync(inHome("config", "strategies", "minutes.yaml"), text);
    const trained = await runHere(home, [
      "models",
      "train",
      "--strategy",
      "minutes",
      "--epochs",
      "1",
      "--json",
    ]);
    expect(trained.status, trained.err).toBe(0);
    const report = inHome("never.html");
    for (const way of ["signal", "command"]) {
      const { child, done, stderr } = startCommand(home, [
        "backtest",
        "run",
        "--model",
        "minutes",
        "--symbol",
        "LONG",
        "--report",
        report,
      ]);
      await expect.poll(stderr, { interval: 1, timeout: 60_000 }).toMatch(/Operation \S+\n/);
      const id = /Operation (\S+)/.exec(stderr())![1];
      if (way === "signal") child.kill("SIGINT");
      else await runCommand(home, ["operations", "cancel", id]);
      const ended = await done;
      const shown = JSON.parse((await runCommand(home, ["operations", "show", id, "--json"])).stdout) as {
        status: string;
      };
      if (way === "signal") expect([ended.status, shown.status], ended.stderr).toEqual([130, "cancelled"]);
      // From another process the request may come after the end, which then stands.
      else expect([`130 cancelled`, `0 completed`]).toContain(`${ended.status} ${shown.status}`);
      if (shown.status === "cancelled") expect(() => readFileSync(report)).toThrow(/ENOENT/);
    }
  });
});
