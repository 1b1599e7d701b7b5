import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { BarStore, type Bars } from "../data/index.js";
import { runProgram } from "./program.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-labels-"));

/** The worked example of zigzag.test.ts: rising to bar 4, falling to bar 9, rising again. */
const close = Float64Array.of(100, 102, 106, 105, 110, 108, 104, 98, 99, 97, 103);
const bars: Bars = {
  symbol: "SYN1",
  timeframe: "1d",
  time: close.map((_, t) => Date.UTC(2024, 0, 1 + t)),
  open: close,
  high: close,
  low: close,
  close,
  volume: close.map(() => 1),
  meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
};

beforeAll(() => new BarStore(folder).save(bars));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs one command line in this process. */
async function ktrdr(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const stdout = vi
    .spyOn(process.stdout, "write")
    .mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi
    .spyOn(process.stderr, "write")
    .mockImplementation((text) => ((err += String(text)), true));
  try {
    return { status: await runProgram([...argv, "--data-dir", folder]), out, err };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

const stored = ["--symbol", "SYN1", "--timeframe", "1d"];

test("labels compute prints label, when it was known, and pivots on request", async () => {
  const { status, out, err } = await ktrdr(
    "labels",
    "compute",
    "zigzag",
    ...stored,
    "--pivots",
    "--format",
    "csv",
  );
  expect(status, err).toBe(0);
  const day = (d: number): string => `2024-01-${String(d).padStart(2, "0")}T00:00:00Z`;
  expect(out.trim().split("\n")).toEqual([
    "timestamp,label,known_at,pivot",
    `${day(1)},HOLD,${day(1)},L`,
    `${day(2)},BUY,${day(3)},`,
    `${day(3)},BUY,${day(5)},`,
    `${day(4)},BUY,${day(5)},`,
    `${day(5)},HOLD,${day(7)},H`,
    `${day(6)},SELL,${day(7)},`,
    `${day(7)},SELL,${day(8)},`,
    `${day(8)},SELL,${day(10)},`,
    `${day(9)},SELL,${day(10)},`,
    `${day(10)},HOLD,${day(11)},L`,
    `${day(11)},,,`,
  ]);
});

test("labels compute takes parameters; JSON has null where there is no label", async () => {
  const params = ["--param", "horizon=2", "--param", "threshold=0.01"];
  const { status, out, err } = await ktrdr(
    "labels",
    "compute",
    "forward_return",
    ...stored,
    ...params,
    "--json",
  );
  expect(status, err).toBe(0);
  const rows = JSON.parse(out) as unknown[];
  expect(rows).toHaveLength(11);
  expect(rows[0]).toEqual({
    timestamp: "2024-01-01T00:00:00Z",
    label: "BUY",
    known_at: "2024-01-03T00:00:00Z",
  });
  expect(rows[9]).toEqual({ timestamp: "2024-01-10T00:00:00Z", label: null, known_at: null });
});

test.each([
  [["zigzagg"], /No label type is called "zigzagg". Did you mean "zigzag"\?/],
  [["zigzag", "--param", "treshold=0.1"], /zigzag: unknown parameter "treshold", did you mean "threshold"\?/],
  [["zigzag", "--param", "threshold=5"], /zigzag: threshold is 5: must be below 1/],
  [["zigzag", "--param", "threshold"], /--param: "threshold" is not of the form name=value/],
  [["forward_return", "--pivots"], /--pivots: forward_return labels have none/],
])("labels compute %j is wrong usage", async (argv, message) => {
  const { status, out, err } = await ktrdr("labels", "compute", ...argv, ...stored);
  expect([status, out]).toEqual([2, ""]);
  expect(err).toMatch(message);
});

test("labels list shows every type with its parameters", async () => {
  const { out } = await ktrdr("labels", "list", "--json");
  const entries = JSON.parse(out) as { name: string; params: { name: string; default: unknown }[] }[];
  expect(entries.map(({ name }) => name)).toEqual([
    "zigzag",
    "zigzag_forward",
    "triple_barrier",
    "forward_return",
  ]);
  expect(entries[0].params).toEqual([
    { name: "threshold", default: 0.05 },
    { name: "source", default: "close" },
  ]);
});
