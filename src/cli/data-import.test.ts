import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { BarStore } from "../data/index.js";
import { runProgram } from "./program.js";

let folder: string;
let data: string;

beforeEach(() => {
  folder = temporaryFolder();
  data = join(folder, "data");
});

function file(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, lines.join("\n"));
  return path;
}

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
  process.exitCode = undefined;
  const status = await runProgram(["data", "import", ...argv, "--data-dir", data]);
  process.exitCode = undefined;
  vi.restoreAllMocks();
  return { status, out, err };
}

function stored(): string[] {
  try {
    return readdirSync(data).sort();
  } catch {
    return [];
  }
}

const header = "date,open,high,low,close,volume";
const [first, second, third] = [
  "2024-01-16,10,12,9,11,100",
  "2024-01-17,11,13,10,12,-1",
  "2024-01-18,12,14,11,13,300",
];

test("a file is stored, every repair is told, and --json has the fields of the contract", async () => {
  const path = file("X_1d.csv", header, third, second, first);
  const { status, out, err } = await run(path, "--json");
  expect(status).toBe(0);
  expect(JSON.parse(out)).toEqual({
    symbol: "X",
    timeframe: "1d",
    rows_read: 3,
    rows_imported: 3,
    repaired: [
      { row: 2, what: "the 3 rows are newest first; turned round" },
      { row: 3, what: "volume is blank or -1; taken as 0" },
    ],
    refused: [],
    notices: [],
  });
  expect(err).toContain("row 3: repaired: volume is blank");
  const bars = await new BarStore(data).load("X", "1d");
  expect([...bars.close, ...bars.volume]).toEqual([11, 12, 13, 100, 0, 300]);
});

test("one refused row, and nothing is stored: exit 1, row and reason on both streams", async () => {
  const path = file("X_1d.csv", header, first, "2024-01-17,11,9,10,12,1", third);
  const { status, out, err } = await run(path, "--json");
  expect(status).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    rows_read: 3,
    rows_imported: 0,
    refused: [{ row: 3, reason: "high 9 is below low 10" }],
    error: { code: "ROWS_REFUSED" },
  });
  expect(err).toMatch(/^error: .* 1 row cannot be read right.*\n +row 3: high 9 is below low 10\n$/m);
  expect(stored()).toEqual([]);
});

test("a file that is refused as a whole is one error, in JSON too", async () => {
  const path = file("prices.csv", header, "01/02/2024,1,2,1,2,3");
  const { status, out, err } = await run(path, "--json");
  expect(status).toBe(1);
  const { error } = JSON.parse(out) as { error: { code: string; details: { needed: { flag: string }[] } } };
  expect(error.code).toBe("IMPORT_OPTIONS_NEEDED");
  expect(error.details.needed.map(({ flag }) => flag.split(" ")[0])).toEqual([
    "--symbol",
    "--timeframe",
    "--date-format",
  ]);
  expect(err).toContain("--date-format DD/MM/YYYY or MM/DD/YYYY");
  const read = await run(path, "--symbol", "X", "--timeframe", "1d", "--date-format", "DD/MM/YYYY");
  expect([read.status, read.out]).toEqual([0, `X 1d: 1 bars imported from "${path}"\n`]);
  expect((await new BarStore(data).load("X", "1d")).time[0]).toBe(Date.UTC(2024, 1, 1));
});

test.each([
  ["--price-scale", "ten"],
  ["--price-scale", "0"],
  ["--timeframe", "2d"],
  ["--timezone", "Nowhere"],
  ["--date-format", "YYYY"],
  ["--symbol", "../X"],
])("%s %s is wrong usage", async (flag, value) => {
  const { status, err } = await run(file("X_1d.csv", header, first), flag, value);
  expect([status, stored()]).toEqual([2, []]);
  expect(err).toContain(value);
});

test("a second import merges what agrees, and refuses what does not", async () => {
  await run(file("X_1d.csv", header, first, second));
  expect((await run(file("X_1d.csv", header, second, third))).status).toBe(0);
  expect((await new BarStore(data).load("X", "1d")).time).toHaveLength(3);
  const other = file("X_1d.csv", header, "2024-01-18,24,28,22,26,300");
  const refused = await run(other);
  expect(refused.status).toBe(1);
  expect(refused.err).toContain("--replace");
  expect((await run(other, "--replace")).status).toBe(0);
  expect((await new BarStore(data).load("X", "1d")).time).toHaveLength(1);
});

test("a folder: each file for itself, two of one series both refused, other files left alone", async () => {
  file("in/A_1d.csv", header, first, second);
  file("in/B_1d.csv", header, first);
  file("in/B_1d.txt", header, third);
  file("in/C_1d.csv", header, "2024-01-16,10,12,9,abc,100");
  file("in/nothing.csv", "no bars here");
  file("in/README.md", "# Not a table");
  file("in/deeper/D_1d.csv", header, first);
  const { status, out, err } = await run(join(folder, "in"), "--json");
  expect(status).toBe(1);
  const reports = JSON.parse(out) as {
    file: string;
    error?: { code: string; message: string };
    rows_imported: number;
  }[];
  const summary = reports.map((report) => [
    report.file.split("/").pop(),
    report.rows_imported,
    report.error?.code,
  ]);
  expect(summary).toEqual([
    ["A_1d.csv", 2, undefined],
    ["B_1d.csv", 0, "SAME_SERIES"],
    ["B_1d.txt", 0, "SAME_SERIES"],
    ["C_1d.csv", 0, "ROWS_REFUSED"],
    ["nothing.csv", 0, "NOT_A_BARS_FILE"],
  ]);
  expect(reports[1].error?.message).toMatch(/B_1d\.csv" and .*B_1d\.txt" are both B 1d/);
  expect(err).toContain('close "abc" is no number');
  expect(stored()).toEqual(["A_1d.parquet"]);
});

test("a folder without tables, and no file at all", async () => {
  file("in/README.md", "# Nothing");
  expect((await run(join(folder, "in"))).err).toMatch(/has no files to import: none ends in/);
  const missing = await run(join(folder, "gone.csv"));
  expect([missing.status, missing.err]).toEqual([
    1,
    `error: "${join(folder, "gone.csv")}" does not exist; check the path.\n`,
  ]);
});
