import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { neverCancelled } from "../core/index.js";
import { BarStore, type Bars, type Timeframe } from "../data/index.js";
import { computeIndicators, makeIndicatorSpec } from "../indicators/index.js";
import { runProgram } from "./program.js";

const hour = 3_600_000;
const start = Date.UTC(2024, 0, 1);

/** A wave with a slower one on it; no value repeats. */
function waves(timeframe: Timeframe, n: number, step: number): Bars {
  const time = Float64Array.from({ length: n }, (_, t) => start + t * step);
  const close = time.map((_, t) => 100 + ((t * 37) % 11) + ((t * 7) % 30) / 4 + t / 1000);
  return {
    symbol: "SYN1",
    timeframe,
    time,
    open: close,
    high: close.map((price) => price + 1),
    low: close.map((price) => price - 1),
    close,
    volume: close.map(() => 1),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

const strategy = (timeframes: string): string => `name: plain
version: "2.1"
scope: universal
training_data:
  symbols: {mode: single, symbol: SYN1}
  timeframes: ${timeframes}
deployment:
  target_symbols: {mode: universal}
  target_timeframes: {mode: single, timeframe: 1d}
indicators:
  - {name: rsi, feature_id: rsi_5, period: 5}
  - {name: sma, feature_id: sma_3, params: {period: 3}}
fuzzy_sets:
  sma_3:
    input_transform: {type: price_ratio, reference: high}
    near: {type: gaussian, parameters: [1, 0.05]}
  rsi_5:
    low: {type: trapezoidal, parameters: [0, 0, 20, 45]}
    high: {type: sigmoid, parameters: [60, 0.2]}
model:
  type: mlp
  architecture: {hidden_layers: [4]}
  features: {lookback_periods: 1}
  training: {epochs: 1}
decisions: {output_format: classification, confidence_threshold: 0.5, position_awareness: true}
training:
  method: supervised
  labels: {source: zigzag, zigzag_threshold: 0.05, label_lookahead: 5}
  data_split: {train: 0.7, validation: 0.15, test: 0.15}
`;

const folder = mkdtempSync(join(tmpdir(), "ktrdr-fuzzy-"));
const daily = join(folder, "daily.yaml");
const both = join(folder, "both.yaml");
const days = waves("1d", 12, 24 * hour);
const hours = waves("1h", 12 * 24, hour);

beforeAll(async () => {
  writeFileSync(daily, strategy("{mode: single, timeframe: 1d}"));
  writeFileSync(both, strategy("{mode: multi_timeframe, list: [1d, 1h], base_timeframe: 1h}"));
  const store = new BarStore(join(folder, "data"));
  await store.save(days);
  await store.save(hours);
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  status: number;
  out: string;
  err: string;
}

/** Runs one command line in this process. */
async function ktrdr(...argv: string[]): Promise<Outcome> {
  let [out, err] = ["", ""];
  const stdout = vi
    .spyOn(process.stdout, "write")
    .mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi
    .spyOn(process.stderr, "write")
    .mockImplementation((text) => ((err += String(text)), true));
  try {
    const status = await runProgram([...argv, "--data-dir", join(folder, "data")]);
    return { status, out, err };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

const linesOf = ({ out }: Outcome): string[][] =>
  out
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));

describe("fuzzy compute", () => {
  test("prints a row per bar, columns in the file's order, full digits, empty where there is no value", async () => {
    const done = await ktrdr("fuzzy", "compute", "--strategy", daily, "--symbol", "SYN1", "--format", "csv");
    expect(done.status, done.err).toBe(0);
    const [header, ...rows] = linesOf(done);
    expect(header).toEqual(["timestamp", "rsi_5_low", "rsi_5_high", "sma_3_near"]);
    expect(rows).toHaveLength(12);
    expect(rows[1], "no RSI before bar 5, no average before bar 2").toEqual([
      "2024-01-02T00:00:00Z",
      "",
      "",
      "",
    ]);
    const specs = [makeIndicatorSpec("x", "rsi", { period: 5 })];
    const values = computeIndicators(days, specs, neverCancelled).column("x")!;
    for (let t = 5; t < 12; t++) {
      expect(Number(rows[t][1])).toBe(Math.max(0, Math.min(1, (45 - values[t]) / 25)));
      expect(Number(rows[t][2])).toBeCloseTo(1 / (1 + Math.exp(-0.2 * (values[t] - 60))), 14);
    }
  });

  test("prints the same as JSON, with null for no value", async () => {
    const csv = linesOf(
      await ktrdr("fuzzy", "compute", "--strategy", daily, "--symbol", "SYN1", "--format", "csv"),
    );
    const json = await ktrdr("fuzzy", "compute", "--strategy", daily, "--symbol", "SYN1", "--json");
    const rows = JSON.parse(json.out) as Record<string, string | number | null>[];
    expect(rows.map((row) => Object.values(row).map((value) => String(value ?? "")))).toEqual(csv.slice(1));
  });

  const stored = ["fuzzy", "compute", "--strategy", daily, "--symbol", "SYN1", "--format", "csv"];
  const rowsOf = (bars: Bars, stamp: (time: number) => string): string[] =>
    [...bars.time].map((time, t) =>
      [stamp(time), bars.open[t], bars.high[t], bars.low[t], bars.close[t], bars.volume[t]].join(","),
    );
  const isoDay = (time: number): string => new Date(time).toISOString().slice(0, 10);

  test("reads a file that tells neither symbol nor timeframe, since nothing is stored", async () => {
    const file = join(folder, "bars.csv");
    writeFileSync(file, ["date,open,high,low,close,volume", ...rowsOf(days, isoDay)].join("\n"));
    const given = await ktrdr("fuzzy", "compute", "--strategy", daily, "--input", file, "--format", "csv");
    expect(given.status, given.err).toBe(0);
    expect(given.out).toBe((await ktrdr(...stored)).out);
  });

  test("finds the timeframe of a file by the distances, where the strategy has several", async () => {
    const file = join(folder, "hours.csv");
    const iso = (time: number): string => new Date(time).toISOString();
    writeFileSync(file, ["timestamp,open,high,low,close,volume", ...rowsOf(hours, iso)].join("\n"));
    const given = await ktrdr("fuzzy", "compute", "--strategy", both, "--input", file, "--format", "csv");
    expect(given.status, given.err).toBe(0);
    expect(given.err).toContain("is read as 1h bars");
    expect(linesOf(given)).toHaveLength(1 + hours.time.length);
  });

  test("says what was repaired, and refuses a file with a row that cannot be read right", async () => {
    const file = join(folder, "SYN1_1d.csv");
    const rows = rowsOf(days, isoDay);
    writeFileSync(file, ["date,open,high,low,close,volume", rows[1], rows[0], ...rows.slice(2)].join("\n"));
    const sorted = await ktrdr("fuzzy", "compute", "--strategy", daily, "--input", file, "--format", "csv");
    expect(sorted.out).toBe((await ktrdr(...stored)).out);
    expect(sorted.err).toContain("repaired row 3");
    writeFileSync(
      file,
      ["date,open,high,low,close,volume", ...rows.slice(0, 4), "2024-01-05,a,b,c,d,e"].join("\n"),
    );
    const refused = await ktrdr("fuzzy", "compute", "--strategy", daily, "--input", file, "--json");
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({
      error: { code: "ROWS_REFUSED", details: { refused: [{ row: 6 }] } },
    });
  });

  test("needs to know which bars are meant", async () => {
    const none = await ktrdr("fuzzy", "compute", "--strategy", daily);
    expect(none.status).toBe(2);
    expect(none.err).toContain("--input FILE");
  });

  test("needs to know which of several timeframes is meant", async () => {
    const vague = await ktrdr("fuzzy", "compute", "--strategy", both, "--symbol", "SYN1");
    expect(vague.status).toBe(2);
    expect(vague.err).toContain("--timeframe");
    const clear = await ktrdr(
      "fuzzy",
      "compute",
      "--strategy",
      both,
      "--symbol",
      "SYN1",
      "--timeframe",
      "1h",
      "--format",
      "csv",
    );
    expect(linesOf(clear)).toHaveLength(1 + hours.time.length);
  });
});

describe("fuzzy plot", () => {
  test("draws the sets of one feature as text, and as a file when asked", async () => {
    const svg = join(folder, "rsi.svg");
    const done = await ktrdr("fuzzy", "plot", "--strategy", daily, "--feature", "rsi_5", "--svg", svg);
    expect(done.status, done.err).toBe(0);
    expect(done.out).toContain("low: trapezoidal [0, 0, 20, 45]");
    expect(done.out).not.toContain("observed values");
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
  });

  test("draws over the observed values of given bars", async () => {
    const done = await ktrdr("fuzzy", "plot", "--strategy", daily, "--feature", "sma_3", "--symbol", "SYN1");
    expect(done.out).toContain("observed values: 10");
    expect(done.out).toContain("high / sma_3");
  });

  test("names the features that there are", async () => {
    const done = await ktrdr("fuzzy", "plot", "--strategy", daily, "--feature", "rsi_6", "--json");
    expect(done.status).toBe(1);
    expect(JSON.parse(done.out)).toMatchObject({ error: { code: "UNKNOWN_FEATURE" } });
    expect(done.err).toContain('Did you mean "rsi_5"?');
  });
});

describe("features compute", () => {
  const names = ["rsi_5_low", "rsi_5_high", "sma_3_near"];

  test("prints complete rows only, in the network's order", async () => {
    const done = await ktrdr(
      "features",
      "compute",
      "--strategy",
      daily,
      "--symbol",
      "SYN1",
      "--format",
      "csv",
    );
    expect(done.status, done.err).toBe(0);
    const [header, ...rows] = linesOf(done);
    expect(header).toEqual([
      "timestamp",
      ...names.map((n) => `1d_${n}`),
      ...names.map((n) => `1d_${n}_lag_1`),
    ]);
    expect(rows.map(([timestamp]) => timestamp.slice(0, 10))).toEqual(
      ["07", "08", "09", "10", "11", "12"].map((date) => `2024-01-${date}`),
    );
    for (let t = 1; t < rows.length; t++) expect(rows[t].slice(4)).toEqual(rows[t - 1].slice(1, 4));
    expect(rows.flat()).not.toContain("");
  });

  test("cuts rows to the range without changing their values", async () => {
    const command = ["features", "compute", "--strategy", both, "--symbol", "SYN1", "--format", "csv"];
    const all = linesOf(await ktrdr(...command));
    const some = linesOf(await ktrdr(...command, "--start-date", "2024-01-09", "--end-date", "2024-01-09"));
    expect(some[0].slice(0, 7)).toEqual([
      "timestamp",
      ...names.map((n) => `1h_${n}`),
      ...names.map((n) => `1d_${n}`),
    ]);
    expect(some).toHaveLength(25);
    expect(some.slice(1)).toEqual(all.filter(([timestamp]) => timestamp.startsWith("2024-01-09")));
  });

  test("takes other timeframes than the file's", async () => {
    const done = await ktrdr(
      "features",
      "compute",
      "--strategy",
      both,
      "--symbol",
      "SYN1",
      "--timeframes",
      "1d",
      "--format",
      "csv",
    );
    expect(linesOf(done)[0][1]).toBe("1d_rsi_5_low");
    expect(linesOf(done)).toHaveLength(7);
  });

  test("takes a file in place of stored bars where the strategy has one timeframe", async () => {
    const file = join(folder, "input.csv");
    const rows = [...days.time].map((time, t) =>
      [
        new Date(time).toISOString().slice(0, 10),
        days.open[t],
        days.high[t],
        days.low[t],
        days.close[t],
        1,
      ].join(","),
    );
    writeFileSync(file, ["date,open,high,low,close,volume", ...rows].join("\n"));
    const command = ["features", "compute", "--format", "csv", "--strategy"];
    const given = await ktrdr(...command, daily, "--input", file);
    expect(given.status, given.err).toBe(0);
    expect(given.out).toBe((await ktrdr(...command, daily, "--symbol", "SYN1")).out);
    const several = await ktrdr(...command, both, "--input", file);
    expect(several.status).toBe(2);
    expect(several.err).toContain("1h, 1d");
  });

  test("says why there are no rows", async () => {
    const done = await ktrdr(
      "features",
      "compute",
      "--strategy",
      daily,
      "--symbol",
      "SYN1",
      "--end-date",
      "2024-01-04",
      "--format",
      "csv",
    );
    expect(done.status).toBe(0);
    expect(linesOf(done)).toHaveLength(1);
    expect(done.err).toContain("No bar has them all (of 4 bars)");
  });
});
