import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { exampleBars, outputsOver } from "../../test/indicator-sources.js";
import { BarStore } from "../data/index.js";
import { indicatorNames } from "../indicators/index.js";
import { runProgram } from "./program.js";

/** Runs a command line in this process; what it printed and its exit status. */
async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  const catchInto = (key: "out" | "err") => (text: string | Uint8Array) => {
    texts[key] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(catchInto("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(catchInto("err"));
  const status = await runProgram(argv);
  return { status, ...texts };
}

afterEach(() => vi.restoreAllMocks());

test("list --json has every indicator with its parameters, outputs and definition", async () => {
  const { status, out } = await run("indicators", "list", "--json");
  const entries = JSON.parse(out) as { name: string; [key: string]: unknown }[];
  expect(status).toBe(0);
  expect(entries.map(({ name }) => name)).toEqual(indicatorNames);
  const macd = entries.find(({ name }) => name === "macd");
  expect(Object.keys(macd ?? {})).toEqual([
    "name",
    "aliases",
    "params",
    "outputs",
    "needs_volume",
    "definition",
  ]);
  expect(macd).toMatchObject({
    params: [
      { name: "fast_period", default: 12 },
      { name: "slow_period", default: 26 },
      { name: "signal_period", default: 9 },
      { name: "source", default: "close" },
    ],
    outputs: [
      { name: "line", primary: true },
      { name: "signal", primary: false },
      { name: "hist", primary: false },
    ],
    needs_volume: false,
  });
  expect(entries.find(({ name }) => name === "vwap")).toMatchObject({ needs_volume: true });
});

test.each([
  [["rsy"], 'Did you mean "rsi"?'],
  [["rsi", "--param", "perid=3"], 'unknown parameter "perid", did you mean "period"?'],
  [["rsi", "--param", "period=1"], "period is 1"],
  [["rsi", "--param", "period=ten"], 'period is "ten"'],
  [["rsi", "--param", "period"], "not of the form name=value"],
  [["rsi", "--param", "period=3", "--param", "period=4"], "period is given twice"],
  [["macd", "--param", "fast_period=30"], "fast_period must be less than slow_period"],
  [["rsi"], "--symbol"],
])("compute %j is wrong usage", async (argv, message) => {
  const { status, out, err } = await run("indicators", "compute", ...argv);
  expect(status).toBe(2);
  expect(err).toContain(message);
  expect(out).toBe("");
});

test("compute prints every bar, with empty cells in the warm-up", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-"));
  try {
    const bars = exampleBars(60);
    await new BarStore(folder).save(bars);
    const argv = ["MACD", "--symbol", "TEST", "--timeframe", "1d", "--format", "csv", "--data-dir", folder];
    const { status, out } = await run("indicators", "compute", ...argv);
    expect(status).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toBe("timestamp,macd.line,macd.signal,macd.hist");
    expect(lines.length).toBe(61);
    expect(lines[25]).toBe("1970-01-25T00:00:00Z,,,");
    const { line, signal, hist } = outputsOver(bars, "macd");
    expect(lines[26]).toBe(`1970-01-26T00:00:00Z,${line[25]},,`);
    expect(lines[60]).toBe(`1970-03-01T00:00:00Z,${line[59]},${signal[59]},${hist[59]}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
