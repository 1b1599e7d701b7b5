import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  existsSync,
  mkdirSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rounds } from "../../../test/rounds.js";
import { CancelledError, createCancellation } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { mergeBars } from "./merge.js";
import { rowGroupRows } from "./parquet-write.js";
import { BarStore } from "./store.js";

let folder: string;
let store: BarStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ktrdr-store-"));
  store = new BarStore(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const day = 86_400_000;

/** Bars on the given days (numbers of days since 1970), close = 100 + day % 7 scaled. */
function barsOn(days: readonly number[], scale = 1, symbol = "AAPL"): Bars {
  const price = days.map((d) => (100 + (d % 7)) * scale);
  return {
    symbol,
    timeframe: "1d",
    time: Float64Array.from(days, (d) => d * day),
    open: Float64Array.from(price),
    high: Float64Array.from(price, (p) => p + 1),
    low: Float64Array.from(price, (p) => p - 1),
    close: Float64Array.from(price, (p) => p + 0.123456789),
    volume: Float64Array.from(days, (d) => d),
    meta: { source: "test", adjustment: "splits", currency: "USD", dayTimezone: "America/New_York" },
  };
}

function daysFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

const columns = ["time", "open", "high", "low", "close", "volume"] as const;

function expectSameBars(actual: Bars, expected: Bars): void {
  for (const name of columns) expect(actual[name], name).toEqual(expected[name]);
}

describe("saving and loading", () => {
  test("bars come back bit for bit, with their record, over several row groups", async () => {
    const bars = barsOn(daysFrom(1, 2 * rowGroupRows + 17));
    await store.save(bars);
    const loaded = await store.load("AAPL", "1d");
    expectSameBars(loaded, bars);
    expect(loaded.meta).toEqual(bars.meta);
    expect(loaded.fromSample).toBe(false);
  });

  test("any sound bars come back bit for bit", async () => {
    const bar = fc.record({
      step: fc.integer({ min: 1, max: 400 }),
      prices: fc.array(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), { minLength: 4, maxLength: 4 }),
      volume: fc.double({ min: 0, max: 1e308, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(bar, { minLength: 1, maxLength: 30 }), async (rows) => {
        let time = -200 * 365 * day;
        const sorted = rows.map(({ prices }) => Float64Array.from(prices).sort());
        const bars: Bars = {
          ...barsOn([]),
          time: Float64Array.from(rows, ({ step }) => (time += step * day)),
          open: Float64Array.from(sorted, (p) => p[1]),
          high: Float64Array.from(sorted, (p) => p[3]),
          low: Float64Array.from(sorted, (p) => p[0]),
          close: Float64Array.from(sorted, (p) => p[2]),
          volume: Float64Array.from(rows, ({ volume }) => volume),
        };
        await store.save(bars);
        expectSameBars(await store.load("AAPL", "1d"), bars);
      }),
      { numRuns: rounds(200, 20) },
    );
  });

  test("saving replaces in one step and leaves no other file", async () => {
    await store.save(barsOn([1, 2]));
    await store.save(barsOn([3]));
    expect(readdirSync(folder)).toEqual(["AAPL_1d.parquet"]);
    expect((await store.load("AAPL", "1d")).time).toEqual(Float64Array.of(3 * day));
  });

  test("bars that break the rules are not saved", async () => {
    const wrong = barsOn([1, 2, 3]);
    wrong.high[1] = 5;
    await expect(store.save(wrong)).rejects.toMatchObject({
      code: "INVALID_BARS",
      message: expect.stringContaining("bar 2 (1970-01-03T00:00:00Z)") as string,
    });
    await expect(store.save(barsOn([2, 1]))).rejects.toThrow("earlier than the bar before");
    await expect(store.save(barsOn([]))).rejects.toThrow("there are none");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a full disk ends in DISK_FULL and leaves the folder as it was", async ({ skip }) => {
    if (!existsSync("/dev/full")) skip();
    await store.save(barsOn([1]));
    const before = readFileSync(join(folder, "AAPL_1d.parquet"));
    // Writing to /dev/full always fails with ENOSPC; the name is that of the temporary file.
    symlinkSync("/dev/full", join(folder, `.tmp-${process.pid}-AAPL_1d.parquet`));
    await expect(store.save(barsOn([1, 2]))).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(readdirSync(folder)).toEqual(["AAPL_1d.parquet"]);
    expect(readFileSync(join(folder, "AAPL_1d.parquet"))).toEqual(before);
  });

  test("a stop while loading throws CancelledError", async () => {
    await store.save(barsOn(daysFrom(1, 1000)));
    const cancellation = createCancellation();
    const loading = store.load("AAPL", "1d", cancellation.token);
    cancellation.cancel();
    await expect(loading).rejects.toBeInstanceOf(CancelledError);
  });

  test("the token is read before every column of every row group", async () => {
    await store.save(barsOn(daysFrom(1, 2 * rowGroupRows + 1)));
    let looks = 0;
    await store.load("AAPL", "1d", {
      get isCancelled() {
        looks++;
        return false;
      },
    });
    expect(looks).toBeGreaterThanOrEqual(3 * 6);
  });
});

describe("files that are not as they should be", () => {
  const file = (): string => join(folder, "AAPL_1d.parquet");

  test("an altered byte never changes bars or record: the file is refused by name, or the byte carried nothing", async () => {
    const bars = barsOn(daysFrom(1, 50));
    await store.save(bars);
    const sound = readFileSync(file());
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const altered = Buffer.from(sound);
        altered[at] ^= change;
        writeFileSync(file(), altered);
        const loaded = await store.load("AAPL", "1d").catch((error: unknown) => error);
        if (loaded instanceof Error) {
          expect(loaded).toMatchObject({ code: "DAMAGED_SERIES", path: file() });
        } else {
          expectSameBars(loaded as Bars, bars);
          // The record's key itself may be hit; then the file is one of other software, without a record.
          if ((loaded as Bars).meta.source !== "unknown") expect((loaded as Bars).meta).toEqual(bars.meta);
        }
      }),
      { numRuns: rounds(2000, 200) },
    );
  });

  test("a file under the name of another timeframe is refused", async () => {
    await store.save(barsOn([1, 2]));
    renameSync(file(), join(folder, "AAPL_1h.parquet"));
    await expect(store.load("AAPL", "1h")).rejects.toThrow("it holds 1d bars");
  });

  test.each([0, 3, 8, 100, 1000])("a file cut to %i bytes is refused by name", async (bytes) => {
    await store.save(barsOn(daysFrom(1, 50)));
    truncateSync(file(), bytes);
    await expect(store.load("AAPL", "1d")).rejects.toMatchObject({ code: "DAMAGED_SERIES", path: file() });
  });

  test("a text file and a folder under the name of a series are refused by name", async () => {
    writeFileSync(file(), "timestamp,open\n".repeat(100));
    await expect(store.load("AAPL", "1d")).rejects.toMatchObject({ code: "DAMAGED_SERIES", path: file() });
    rmSync(file());
    mkdirSync(file());
    await expect(store.load("AAPL", "1d")).rejects.toMatchObject({ code: "DAMAGED_SERIES", path: file() });
  });

  test("a damaged file is listed with its error and does not hide the others", async () => {
    await store.save(barsOn([1, 2], 1, "MSFT"));
    writeFileSync(file(), "PAR1");
    const [damaged, sound] = await store.list();
    expect(damaged).toMatchObject({
      symbol: "AAPL",
      bars: 0,
      error: expect.stringContaining(file()) as string,
    });
    expect(sound).toMatchObject({ symbol: "MSFT", bars: 2, from: day, to: 2 * day, error: null });
  });

  test("a Parquet file of other software is read: nullable columns, microseconds, Snappy, other order", async () => {
    const { time, open, high, low, close, volume } = barsOn([1, 2, 3]);
    const data = { volume, close, low, high, open };
    const columnData = Object.entries(data).map(([name, values]) => ({
      name: name.toUpperCase(),
      data: [...values],
      type: "DOUBLE" as const,
      nullable: true,
    }));
    const schema = [
      { name: "root", num_children: 6 },
      ...columnData.map(({ name }) => ({
        name,
        type: "DOUBLE" as const,
        repetition_type: "OPTIONAL" as const,
      })),
      {
        name: "timestamp",
        type: "INT64" as const,
        repetition_type: "OPTIONAL" as const,
        converted_type: "TIMESTAMP_MICROS" as const,
      },
    ];
    const micros = { name: "timestamp", data: Array.from(time, (t) => BigInt(t) * 1000n) };
    writeFileSync(
      file(),
      new Uint8Array(
        parquetWriteBuffer({
          schema,
          columnData: [...columnData.map(({ name, data: values }) => ({ name, data: values })), micros],
        }),
      ),
    );
    expectSameBars(await store.load("AAPL", "1d"), barsOn([1, 2, 3]));
  });

  test("a bar without a price in another software's file is refused, naming the bar", async () => {
    const { time, ...prices } = barsOn([1, 2, 3]);
    const columnData = [
      { name: "time", data: Array.from(time, (t) => new Date(t)), type: "TIMESTAMP" as const },
      ...(["open", "high", "low", "close", "volume"] as const).map((name) => ({
        name,
        data: Array.from(prices[name], (value, t) => (name === "close" && t === 1 ? null : value)),
        type: "DOUBLE" as const,
      })),
    ];
    writeFileSync(file(), new Uint8Array(parquetWriteBuffer({ columnData })));
    await expect(store.load("AAPL", "1d")).rejects.toThrow("bar 2 (1970-01-03T00:00:00Z): close is NaN");
  });
});

describe("names", () => {
  test.each(["BTC-USD", "^GSPC", "BRK.B", "EURUSD=X", "A_B", "7203.T"])("%s is a symbol", async (symbol) => {
    await store.save(barsOn([1], 1, symbol));
    expect((await store.list()).map((entry) => entry.symbol)).toEqual([symbol]);
    expect(store.has(symbol, "1d")).toBe(true);
  });

  test.each([
    "BTC/USD",
    "../AAPL",
    "..",
    ".hidden",
    "A\\B",
    "",
    "A B",
    "A\0B",
    "-rf",
    "C:AAPL",
    "x".repeat(41),
  ])("%j is refused", async (symbol) => {
    expect(() => store.has(symbol, "1d")).toThrow("is no symbol");
    await expect(store.load(symbol, "1d")).rejects.toThrow("is no symbol");
    await expect(store.save(barsOn([1], 1, symbol))).rejects.toThrow("is no symbol");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a refused symbol is shown as it could be written", () => {
    expect(() => store.has("BTC/USD", "1d")).toThrow('Write it as "BTCUSD"');
  });
});

describe("what is not stored", () => {
  test("the error names what is stored and the ways out", async () => {
    await store.save(barsOn(daysFrom(10, 5)));
    await expect(store.load("AAPL", "1w")).rejects.toMatchObject({
      code: "NO_BARS",
      stored: null,
      timeframes: ["1d"],
      message: expect.stringContaining("ktrdr data resample AAPL --from 1d --to 1w") as string,
    });
    await expect(store.load("AAPLE", "1d")).rejects.toThrow('Did you mean "AAPL"?');
    const outside = await store.noBars("AAPL", "1d", 20 * day, 30 * day);
    expect(outside.message).toContain(
      'No bars of "AAPL" 1d from 1970-01-21 to before 1970-01-31. Stored: 5 bars, 1970-01-11 to 1970-01-15.',
    );
  });

  test("an empty folder points at the sample bars", async () => {
    await expect(new BarStore(join(folder, "none")).load("AAPL", "1d")).rejects.toThrow("ktrdr data sample");
  });
});

describe("sample bars", () => {
  test("they serve a symbol that the folder lacks, and say so", async () => {
    await store.sampleStore.save(barsOn([1, 2]));
    expect((await store.load("AAPL", "1d")).fromSample).toBe(true);
    expect((await store.list()).map(({ symbol, sample }) => ({ symbol, sample }))).toEqual([
      { symbol: "AAPL", sample: true },
    ]);
  });

  test("they never mix with bars of the same symbol in the folder, in any timeframe", async () => {
    await store.sampleStore.save(barsOn([1, 2]));
    await store.save({ ...barsOn([5]), timeframe: "1w" });
    expect(store.has("AAPL", "1d")).toBe(false);
    expect((await store.list()).map(({ timeframe, sample }) => ({ timeframe, sample }))).toEqual([
      { timeframe: "1w", sample: false },
    ]);
  });

  test("merging never touches them", async () => {
    await store.sampleStore.save(barsOn([1, 2]));
    expect(await store.merge(barsOn([5], 3))).toMatchObject({ action: "created", total: 1 });
    expect((await store.sampleStore.load("AAPL", "1d")).time.length).toBe(2);
  });
});

describe("merging", () => {
  test("bars in common that agree let a series grow on both sides; stored bars stay as they are", async () => {
    await store.save(barsOn([10, 11, 12]));
    const incoming = barsOn([8, 9, 10, 11, 12, 13], 1.0005);
    expect(await store.merge(incoming)).toEqual({
      action: "merged",
      added: 3,
      common: 3,
      removed: 0,
      total: 6,
      notices: [],
    });
    const merged = await store.load("AAPL", "1d");
    expect([...merged.time]).toEqual([8, 9, 10, 11, 12, 13].map((d) => d * day));
    expect(merged.close[2], "day 10 as stored").toBe(barsOn([10]).close[0]);
    expect(merged.close[0], "day 8 as imported").toBe(incoming.close[0]);
  });

  test("a difference above 0.1 % in any common bar is refused and names --replace", async () => {
    await store.save(barsOn([10, 11, 12]));
    const incoming = barsOn([11, 12, 13]);
    incoming.close[1] *= 1.0011;
    incoming.high[1] = incoming.close[1] + 1;
    await expect(store.merge(incoming)).rejects.toMatchObject({
      code: "MERGE_REFUSED",
      common: 2,
      differing: 1,
      message: expect.stringContaining("--replace") as string,
    });
    expectSameBars(await store.load("AAPL", "1d"), barsOn([10, 11, 12]));
  });

  test("no bars in common is refused", async () => {
    await store.save(barsOn([10, 11]));
    await expect(store.merge(barsOn([12, 13]))).rejects.toMatchObject({ code: "MERGE_REFUSED", common: 0 });
  });

  test("replace drops the stored series, also a damaged one", async () => {
    await store.save(barsOn([10, 11, 12]));
    expect(await store.merge(barsOn([50, 51], 4), { replace: true })).toMatchObject({
      action: "replaced",
      removed: 3,
      total: 2,
    });
    writeFileSync(join(folder, "AAPL_1d.parquet"), "no parquet");
    expect(await store.merge(barsOn([1]), { replace: true })).toMatchObject({
      action: "replaced",
      removed: 0,
      total: 1,
    });
  });

  test("bars merged into a CSV put there by hand become a Parquet file beside it, and the report says so", async () => {
    const rows = [10, 11].map((d) => `${new Date(d * day).toISOString()},10,12,9,11,5`);
    const path = join(folder, "AAPL_1d.csv");
    writeFileSync(path, `timestamp,open,high,low,close,volume\n${rows.join("\n")}\n`);
    const stored = await store.load("AAPL", "1d");
    const one = (column: Float64Array): Float64Array => Float64Array.of(...column, column[0]);
    const grown: Bars = {
      ...stored,
      time: Float64Array.of(...stored.time, 12 * day),
      open: one(stored.open),
      high: one(stored.high),
      low: one(stored.low),
      close: one(stored.close),
      volume: one(stored.volume),
    };
    const report = await store.merge(grown);
    expect(report).toMatchObject({ action: "merged", added: 1, total: 3 });
    expect(report.notices[0]).toContain(path);
    expect((await store.load("AAPL", "1d")).time.length).toBe(3);
  });

  test("the same bars again change nothing on disk", async () => {
    await store.save(barsOn([10, 11]));
    const before = readFileSync(join(folder, "AAPL_1d.parquet"));
    expect(await store.merge(barsOn([10, 11]))).toMatchObject({ action: "unchanged", added: 0, common: 2 });
    expect(readFileSync(join(folder, "AAPL_1d.parquet"))).toEqual(before);
  });

  test("merging two overlapping parts of a series gives the union in order", () => {
    const days = fc
      .uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(days, days, (a, b) => {
        const common = a.filter((d) => b.includes(d)).length;
        fc.pre(common > 0);
        const merged = mergeBars(barsOn(a), barsOn(b));
        const union = [...new Set([...a, ...b])].sort((x, y) => x - y);
        expectSameBars(merged.bars, barsOn(union));
        expect(merged).toMatchObject({ common, added: union.length - a.length });
      }),
    );
  });
});
