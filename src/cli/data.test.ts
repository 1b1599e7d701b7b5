import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BarStore, type Bars, type Timeframe } from "../data/index.js";
import { runProgram } from "./program.js";

let folder: string;
let store: BarStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ktrdr-data-"));
  store = new BarStore(folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const hour = 3_600_000;

function hourly(
  from: string,
  count: number,
  symbol = "SYN1",
  timeframe: Timeframe = "1h",
  step = hour,
): Bars {
  const column = (value: (t: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, t) => value(t));
  return {
    symbol,
    timeframe,
    time: column((t) => Date.parse(from) + t * step),
    open: column((t) => 100 + (t % 5)),
    high: column((t) => 106 + (t % 3)),
    low: column((t) => 99 - (t % 4)),
    close: column((t) => 100.25 + (t % 5)),
    volume: column((t) => t),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

interface Outcome {
  status: number;
  out: string;
  err: string;
}

async function run(...argv: string[]): Promise<Outcome> {
  let [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
  process.exitCode = undefined;
  const status = await runProgram(["data", ...argv, "--data-dir", folder]);
  process.exitCode = undefined;
  vi.restoreAllMocks();
  return { status, out, err };
}

test("list shows every series, sample bars marked, and JSON has the same", async () => {
  await store.save(hourly("2024-01-01", 48));
  await store.sampleStore.save(hourly("2024-01-01", 5, "AAPL"));
  const text = await run("list");
  expect(text.status).toBe(0);
  expect(text.out).toMatch(/AAPL 1h +5 .*\(sample\)/);
  expect(text.out).toMatch(/SYN1 1h +48 +2024-01-01T00:00Z +2024-01-02T23:00Z +none +test/);
  const json = JSON.parse((await run("list", "--json")).out) as unknown[];
  expect(json).toMatchObject([
    { symbol: "AAPL", sample: true },
    {
      symbol: "SYN1",
      timeframe: "1h",
      bars: 48,
      start_date: "2024-01-01T00:00:00Z",
      end_date: "2024-01-02T23:00:00Z",
      sample: false,
      error: null,
    },
  ]);
  expect((await run("list", "--format", "csv")).out.split("\n")[0]).toBe(
    "symbol,timeframe,bars,start_date,end_date,source,adjustment,currency,day_timezone,sample,file,error",
  );
});

test("list of an empty folder says what to do, and prints an empty document under --json", async () => {
  expect((await run("list")).err).toContain("ktrdr data sample");
  expect(JSON.parse((await run("list", "--json")).out)).toEqual([]);
});

test("show prints the bars of the range, both days inclusive", async () => {
  await store.save(hourly("2024-01-01", 72));
  const { out, status } = await run(
    "show",
    "SYN1",
    "--timeframe",
    "1h",
    "--start-date",
    "2024-01-02",
    "--end-date",
    "2024-01-02",
    "--format",
    "csv",
  );
  const lines = out.trim().split("\n");
  expect(status).toBe(0);
  expect(lines[0]).toBe("timestamp,open,high,low,close,volume");
  expect(lines.length).toBe(25);
  expect(lines[1]).toBe("2024-01-02T00:00:00Z,104,106,99,104.25,24");
  expect(lines[24]).toMatch(/^2024-01-02T23:00:00Z/);
});

test("show says so when the bars are sample bars", async () => {
  await store.sampleStore.save(hourly("2024-01-01", 3, "AAPL"));
  const { out, err } = await run("show", "AAPL", "--timeframe", "1h", "--json");
  expect(JSON.parse(out)).toHaveLength(3);
  expect(err).toContain("sample bars");
});

test.each([
  [1, ["show", "NONE", "--timeframe", "1h"], 'No "NONE" 1h bars are stored'],
  [1, ["show", "SYN1", "--timeframe", "1h", "--start-date", "2025-01-01"], "Stored: 48 bars"],
  [2, ["show", "SYN1"], "--timeframe"],
  [2, ["show", "SYN1", "--timeframe", "1H"], "Known: 1m, 5m"],
  [2, ["show", "../SYN1", "--timeframe", "1h"], "is no symbol"],
  [2, ["show", "SYN1", "--timeframe", "1h", "--start-date", "2024-02-30"], "no day of the calendar"],
  [
    2,
    ["show", "SYN1", "--timeframe", "1h", "--start-date", "2024-02-01", "--end-date", "2024-01-01"],
    "lies before",
  ],
  [2, ["show", "SYN1", "--timeframe", "1h", "--format", "xml"], "Allowed: text, csv, json"],
  [2, ["resample", "SYN1", "--from", "1h", "--to", "15m"], "coarser than 1h"],
  [2, ["resample", "SYN1", "--from", "1h", "--to", "1d", "--timezone", "Mars"], "no known time zone"],
  [2, ["load", "SYN1", "--timeframe", "1h", "--mode", "local"], "Allowed: tail, backfill, full"],
  [1, ["load", "SYN1", "--timeframe", "1h", "--mode", "tail"], "KTRDR_PROVIDER_URL"],
])("exit %i: %j", async (status, argv, message) => {
  vi.stubEnv("KTRDR_PROVIDER_URL", "");
  await store.save(hourly("2024-01-01", 48));
  const outcome = await run(...argv);
  expect(outcome.err).toContain(message);
  expect(outcome.err).not.toMatch(/\n +at /);
  expect(outcome.status).toBe(status);
  const json = await run(...argv, "--json");
  if (!argv.includes("--format"))
    expect((JSON.parse(json.out) as { error: { message: string } }).error.message).toContain(message);
});

describe("check", () => {
  test("a sound series can be used; its gaps are listed", async () => {
    const bars = hourly("2024-01-01", 24 * 60);
    const keep = (column: Float64Array): Float64Array =>
      Float64Array.of(...column.subarray(0, 700), ...column.subarray(703));
    await store.save({
      ...bars,
      time: keep(bars.time),
      open: keep(bars.open),
      high: keep(bars.high),
      low: keep(bars.low),
      close: keep(bars.close),
      volume: keep(bars.volume),
    });
    const { out, status } = await run("check", "SYN1", "--timeframe", "1h");
    expect(status).toBe(0);
    expect(out).toContain("1 unexpected (3 bars missing)");
    expect(out).toContain("2024-01-30T03:00:00Z .. 2024-01-30T07:00:00Z: 3 bars");
    expect(out).toContain("zero volume: 1 of 1437 bars");
    const json = JSON.parse((await run("check", "SYN1", "--timeframe", "1h", "--json")).out) as object;
    expect(json).toMatchObject({
      bars: 1437,
      market: "24/7",
      missing_bars: 3,
      zero_volume: 1,
      violations: [],
      duplicates: [],
    });
  });

  test("a CSV with wrong rows is reported row by row and ends in exit 1", async () => {
    const rows = [
      "timestamp,open,high,low,close,volume",
      "2024-01-02T00:00:00Z,10,12,9,11,5",
      "2024-01-03T00:00:00Z,10,8,9,11,5",
      "2024-01-04T00:00:00Z,10,12,9,11,5",
    ];
    writeFileSync(join(folder, "SYN2_1d.csv"), `${rows.join("\n")}\n`);
    const { out, status } = await run("check", "SYN2", "--timeframe", "1d");
    expect(status).toBe(1);
    expect(out).toMatch(/row 3: /);
    expect(out).toContain("cannot be used");
    const show = await run("show", "SYN2", "--timeframe", "1d");
    expect(show.status).toBe(1);
    expect(show.err).toMatch(/SYN2_1d.csv.*row 3/s);
  });
});

test("a CSV put there by hand is used as it is", async () => {
  const rows = [
    "timestamp,open,high,low,close,volume",
    "2024-01-02T00:00:00Z,10,12,9,11,5",
    "2024-01-03T00:00:00Z,10,12,9,11.5,5",
  ];
  writeFileSync(join(folder, "BRK.B_1d.csv"), `${rows.join("\n")}\n`);
  const { out, status } = await run("show", "BRK.B", "--timeframe", "1d", "--format", "csv");
  expect(status).toBe(0);
  expect(out.trim().split("\n")).toEqual(rows);
  expect((await run("list")).out).toMatch(/BRK.B 1d +2/);
});

describe("resample", () => {
  test("the coarser series is stored, and made anew when its source has grown", async () => {
    await store.save(hourly("2024-01-01", 30));
    const first = await run("resample", "SYN1", "--from", "1h", "--to", "1d", "--timezone", "Europe/London");
    expect(first.status).toBe(0);
    expect(first.out).toContain("SYN1 1d: 2 bars made of 30 1h bars");
    expect(first.err).toContain("last 1d bar (2024-01-02) is made of 6 1h bars");
    await store.save(hourly("2024-01-01", 72));
    const again = await run(
      "resample",
      "SYN1",
      "--from",
      "1h",
      "--to",
      "1d",
      "--timezone",
      "Europe/London",
      "--json",
    );
    expect(JSON.parse(again.out)).toMatchObject({
      bars: 3,
      day_timezone: "Europe/London",
      source_bars: 72,
      notices: [],
    });
    expect((await store.load("SYN1", "1d")).meta.dayTimezone).toBe("Europe/London");
  });

  test("a series that was imported is not overwritten without --replace", async () => {
    await store.save(hourly("2024-01-01", 48));
    await store.save(hourly("2024-01-01", 9, "SYN1", "1d", 24 * hour));
    const refused = await run("resample", "SYN1", "--from", "1h", "--to", "1d");
    expect(refused.status).toBe(1);
    expect(refused.err).toContain("--replace");
    expect((await store.load("SYN1", "1d")).time.length).toBe(9);
    expect((await run("resample", "SYN1", "--from", "1h", "--to", "1d", "--replace")).status).toBe(0);
    expect((await store.load("SYN1", "1d")).time.length).toBe(2);
  });

  test("bars made of sample bars are sample bars", async () => {
    await store.sampleStore.save(hourly("2024-01-01", 48));
    expect((await run("resample", "SYN1", "--from", "1h", "--to", "1d")).status).toBe(0);
    expect(readdirSync(folder)).toEqual(["sample"]);
    expect((await store.load("SYN1", "1d")).fromSample).toBe(true);
    expect((await store.load("SYN1", "1h")).fromSample).toBe(true);
  });
});

test("load fetches from the provider and says what is new", async () => {
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://localhost").searchParams;
    const rows: string[] = [];
    for (
      let t = Math.max(Date.parse("2024-01-01"), Date.parse(query.get("from") ?? ""));
      t < Math.min(Date.parse("2024-01-04"), Date.parse(query.get("to") ?? ""));
      t += hour
    ) {
      rows.push(`${new Date(t).toISOString()},10,11,9,10.5,1`);
    }
    response.end(`timestamp,open,high,low,close,volume\n${rows.join("\n")}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv("KTRDR_PROVIDER_URL", `http://127.0.0.1:${port}/?s={symbol}&from={from}&to={to}`);
  const argv = [
    "load",
    "SYN9",
    "--timeframe",
    "1h",
    "--mode",
    "full",
    "--start-date",
    "2024-01-01",
    "--end-date",
    "2024-01-03",
  ];
  const first = await run(...argv);
  expect(first.err).toBe("");
  expect(first.out).toContain("SYN9 1h: 72 new bars, 72 stored");
  expect(JSON.parse((await run(...argv, "--json")).out)).toMatchObject({
    symbol: "SYN9",
    bars: 72,
    bars_added: 0,
    mode: "full",
  });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
