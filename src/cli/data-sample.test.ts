import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { BarStore } from "../data/index.js";
import { runProgram } from "./program.js";

let data: string;

beforeEach(() => {
  data = join(temporaryFolder(), "data");
});

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
  process.exitCode = undefined;
  const status = await runProgram(["data", "sample", ...argv, "--data-dir", data]);
  process.exitCode = undefined;
  vi.restoreAllMocks();
  return { status, out, err };
}

test("without flags the real days of AAPL are written as sample bars", async () => {
  const { status, out } = await run();
  expect(status).toBe(0);
  expect(out).toMatch(/^AAPL 1d: 1260 bars, 2013-05-13 to 2018-05-11 /);
  expect(readdirSync(join(data, "sample"))).toEqual(["AAPL_1d.parquet"]);
  const bars = await new BarStore(data).load("AAPL", "1d");
  expect([bars.fromSample, bars.close[1259], bars.meta.adjustment]).toEqual([true, 188.589996, "splits"]);
});

test.each([["SYN1", "SYN2"], ["SYN1,SYN2"], ["SYN1,", "SYN2"], ["SYN1 SYN2"], [" SYN1 ,\tSYN2 "]])(
  "a list may be separated by spaces, commas or both, in quotes too: %j %j",
  async (...list) => {
    const { status, out } = await run("--symbols", ...list, "--bars", "10", "--json");
    expect([status, JSON.parse(out)]).toMatchObject([0, [{ symbol: "SYN1" }, { symbol: "SYN2" }]]);
  },
);

test("synthetic symbols by name, count, timeframe and seed", async () => {
  const argv = ["--symbols", "SYN1", "SYN2", "--bars", "500", "--timeframe", "15m"];
  const { status, out } = await run(...argv, "--seed", "7", "--json");
  expect([status, JSON.parse(out)]).toMatchObject([
    0,
    [
      { symbol: "SYN1", bars: 500 },
      { symbol: "SYN2", bars: 500 },
    ],
  ]);
  const store = new BarStore(data);
  const first = (await store.load("SYN1", "15m")).close;
  expect((await store.load("SYN2", "15m")).close).not.toEqual(first);
  await run(...argv, "--seed", "8");
  expect((await store.load("SYN1", "15m")).close, "another seed").not.toEqual(first);
  await run(...argv, "--seed", "7");
  expect((await store.load("SYN1", "15m")).close, "the same seed").toEqual(first);
});

test.each([
  [["--symbols", "MSFT"], /MSFT/],
  [["--symbols", "SYN1", "GOOGL"], /GOOGL/],
  [["--timeframe", "1h"], /daily/],
  [["--bars", "0"], /--bars/],
  [["--bars", "5000"], /1260/],
  [["--symbols", "SYN1", "--timeframe", "7m"], /7m/],
  [["--seed", "x"], /--seed/],
])("%j is wrong usage, and nothing is written", async (argv, message) => {
  const { status, err } = await run(...argv);
  expect([status, existsSync(data)]).toEqual([2, false]);
  expect(err).toMatch(message);
});
