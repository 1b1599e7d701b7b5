import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CancelledError, createCancellation, type CancellationToken } from "../../core/index.js";
import { firstAtOrAfter, sliceBars, type Bars } from "../bars.js";
import { BarStore } from "../store/index.js";
import { timeframeMs, type Timeframe } from "../timeframes.js";
import { parseDateRange } from "./dates.js";
import { DataManager, type DataMode, type LoadProgress } from "./manager.js";
import { ProviderError, type FetchRequest, type MarketDataProvider } from "./provider.js";
import { splitRange } from "./segments.js";

const day = 86_400_000;
const hour = 3_600_000;

let folder: string;
let store: BarStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ktrdr-manager-"));
  store = new BarStore(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** One bar per step from `from` to before `to`; the price tells the time. */
function steadyBars(from: string, to: string, timeframe: Timeframe = "1h"): Bars {
  const step = timeframeMs[timeframe];
  const n = Math.ceil((Date.parse(to) - Date.parse(from)) / step);
  const time = Float64Array.from({ length: n }, (_, t) => Date.parse(from) + t * step);
  const price = time.map((instant) => 100 + ((instant / step) % 11));
  const meta = { source: "truth", adjustment: "none", currency: null, dayTimezone: null } as const;
  return {
    symbol: "SYN1",
    timeframe,
    time,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: price,
    meta,
  };
}

/** A provider that knows `truth`, notes what it was asked, and fails from its `failAt`-th request on. */
class FakeProvider implements MarketDataProvider {
  readonly name = "fake";
  readonly asked: FetchRequest[] = [];
  readonly truth: Bars;
  failAt = Infinity;
  onFetch: (request: number) => void = () => undefined;

  constructor(truth: Bars) {
    this.truth = truth;
  }

  fetch(request: FetchRequest, token: CancellationToken): Promise<Bars> {
    this.asked.push(request);
    this.onFetch(this.asked.length);
    if (token.isCancelled) return Promise.reject(new CancelledError());
    if (this.asked.length >= this.failAt) return Promise.reject(new ProviderError("fake", "It broke.", true));
    const { time } = this.truth;
    return Promise.resolve(
      sliceBars(this.truth, firstAtOrAfter(time, request.from), firstAtOrAfter(time, request.to)),
    );
  }
}

const year = steadyBars("2023-01-01", "2024-01-01");

function part(from: string, to: string, truth = year): Bars {
  return sliceBars(
    truth,
    firstAtOrAfter(truth.time, Date.parse(from)),
    firstAtOrAfter(truth.time, Date.parse(to)),
  );
}

function managerOf(provider: MarketDataProvider | undefined, now = "2024-06-01"): DataManager {
  return new DataManager(store, provider, () => Date.parse(now));
}

async function storedSpan(): Promise<string> {
  const { time } = await store.load("SYN1", "1h");
  for (let t = 1; t < time.length; t++)
    expect(time[t] - time[t - 1], `step at ${new Date(time[t]).toISOString()}`).toBe(hour);
  const text = (t: number): string => new Date(time[t]).toISOString().slice(0, 13);
  return `${text(0)} ${text(time.length - 1)}`;
}

const request = { symbol: "SYN1", timeframe: "1h" } as const;

describe("loading what is stored", () => {
  test("all bars up to the end of the end date come, from the first stored one on", async () => {
    await store.save(part("2023-03-01", "2023-04-01"));
    const bars = await managerOf(undefined).load({
      ...request,
      startDate: "2023-03-10",
      endDate: "2023-03-12",
    });
    expect(bars.time[0]).toBe(Date.parse("2023-03-01"));
    expect(bars.time.at(-1)).toBe(Date.parse("2023-03-12T23:00Z"));
    expect(bars.close.length).toBe(bars.time.length);
    expect(bars.fromSample).toBe(false);
  });

  test("an end instant is inclusive", async () => {
    await store.save(part("2023-03-01", "2023-04-01"));
    const bars = await managerOf(undefined).load({ ...request, endDate: "2023-03-12T07:00:00Z" });
    expect(bars.time.at(-1)).toBe(Date.parse("2023-03-12T07:00Z"));
  });

  test.each([
    ["2024-01-01", null],
    [null, "2022-12-31"],
    ["2022-01-01", "2022-12-31"],
  ])("no bar between %s and %s: the error says what is stored", async (startDate, endDate) => {
    await store.save(part("2023-03-01", "2023-04-01"));
    await expect(managerOf(undefined).load({ ...request, startDate, endDate })).rejects.toMatchObject({
      code: "NO_BARS",
      stored: { bars: 744, from: Date.parse("2023-03-01"), to: Date.parse("2023-03-31T23:00Z") },
    });
  });

  test("a mode that fetches needs a provider, and the error names its variable", async () => {
    await expect(managerOf(undefined).load({ ...request, mode: "tail" })).rejects.toThrow(
      "KTRDR_PROVIDER_URL",
    );
  });
});

describe("fetching", () => {
  test.each<[DataMode, string, string]>([
    ["tail", "2023-05-01T00 2023-09-30T23", "after what is stored"],
    ["backfill", "2023-02-01T00 2023-05-31T23", "before what is stored"],
    ["full", "2023-02-01T00 2023-09-30T23", "both"],
  ])("%s gives %s (%s)", async (mode, span) => {
    await store.save(part("2023-05-01", "2023-06-01"));
    const provider = new FakeProvider(year);
    const bars = await managerOf(provider).load({
      ...request,
      mode,
      startDate: "2023-02-01",
      endDate: "2023-09-30",
    });
    expect(await storedSpan()).toBe(span);
    expect(bars.time.length).toBe((await store.load("SYN1", "1h")).time.length);
    for (const { from, to } of provider.asked)
      expect(to - from, "at most 30 days of hours").toBeLessThanOrEqual(30 * day);
  });

  test("full fills unexpected gaps and leaves the rest of the stored bars alone", async () => {
    const [before, after] = [part("2023-05-01", "2023-05-20"), part("2023-05-23", "2023-06-10")];
    const time = Float64Array.of(...before.time, ...after.time);
    const price = Float64Array.of(...before.close, ...after.close);
    await store.save({ ...before, time, open: price, high: price, low: price, close: price, volume: price });
    const provider = new FakeProvider(part("2023-05-01", "2023-06-10"));
    await managerOf(provider).load({
      ...request,
      mode: "full",
      startDate: "2023-05-01",
      endDate: "2023-06-09",
    });
    expect(await storedSpan()).toBe("2023-05-01T00 2023-06-09T23");
    expect(provider.asked[0]).toMatchObject({
      from: Date.parse("2023-05-19T23:00Z"),
      to: Date.parse("2023-05-23") + 1,
    });
  });

  test("nothing in the range and nothing stored: the provider has none, and that is said", async () => {
    const provider = new FakeProvider(year);
    const asked = { ...request, startDate: "2031-01-01", endDate: "2031-02-01" };
    const manager = managerOf(provider, "2032-01-01T00:00Z");
    await expect(manager.updateSeries({ ...asked, mode: "full" })).rejects.toMatchObject({
      code: "NOTHING_FETCHED",
      message: expect.stringMatching(
        /provider has no bars of "SYN1" 1h from 2031-01-01 on.*--start-date/,
      ) as string,
    });
    const found = await manager.updateSeries({ ...request, startDate: "2023-05-01", mode: "full" });
    expect([found.series.symbol, found.series.bars]).toEqual(["SYN1", found.added]);
  });

  test("with nothing stored, tail takes the last 30 days, or those since the start date", async () => {
    const provider = new FakeProvider(year);
    await managerOf(provider, "2023-12-31T12:30Z").load({ ...request, mode: "tail" });
    expect(await storedSpan()).toBe("2023-12-01T13 2023-12-31T11");
    await store.merge(part("2023-01-01", "2023-01-03"), { replace: true });
    rmSync(join(folder, "SYN1_1h.parquet"));
    await managerOf(provider, "2023-12-31T12:30Z").load({
      ...request,
      mode: "tail",
      startDate: "2023-11-01",
    });
    expect(await storedSpan()).toBe("2023-11-01T00 2023-12-31T11");
  });

  test("a bar that has not closed yet is not stored", async () => {
    await managerOf(new FakeProvider(year), "2023-06-15T12:59:59Z").load({ ...request, mode: "tail" });
    expect((await storedSpan()).slice(14)).toBe("2023-06-15T11");
    await managerOf(new FakeProvider(year), "2023-06-15T13:00Z").load({ ...request, mode: "tail" });
    expect((await storedSpan()).slice(14)).toBe("2023-06-15T12");
  });

  test("a provider on another scale is refused and the stored bars stay", async () => {
    await store.save(part("2023-05-01", "2023-06-01"));
    const halved = year.close.map((price) => price / 2);
    const provider = new FakeProvider({ ...year, open: halved, high: halved, low: halved, close: halved });
    await expect(managerOf(provider).load({ ...request, mode: "tail" })).rejects.toMatchObject({
      code: "MERGE_REFUSED",
    });
    expect(await storedSpan()).toBe("2023-05-01T00 2023-05-31T23");
  });

  test("progress counts every segment", async () => {
    const seen: LoadProgress[] = [];
    await managerOf(new FakeProvider(year)).load(
      { ...request, mode: "backfill", startDate: "2023-09-01", endDate: "2023-12-31" },
      undefined,
      (progress) => seen.push(progress),
    );
    expect(seen.map(({ segment }) => segment)).toEqual([1, 2, 3, 4, 5]);
    expect(seen.at(-1)).toEqual({ segment: 5, segments: 5, bars: 122 * 24 });
  });
});

describe("when a fetch fails half-way", () => {
  test.each<[DataMode, string, string]>([
    ["tail", "2023-05-01T00 2023-07-30T22", "2023-07-30T23:00:00Z to 2023-10-01T00:00:00Z"],
    ["backfill", "2023-03-02T01 2023-05-31T23", "2023-01-01T00:00:00Z to"],
  ])("%s stores what arrived without a hole, and says what is missing", async (mode, span, missing) => {
    await store.save(part("2023-05-01", "2023-06-01"));
    const provider = new FakeProvider(year);
    provider.failAt = 3;
    const load = managerOf(provider).load({
      ...request,
      mode,
      startDate: "2023-01-01",
      endDate: "2023-09-30",
    });
    await expect(load).rejects.toMatchObject({
      code: "INCOMPLETE_LOAD",
      message: expect.stringContaining(missing) as string,
    });
    expect(await storedSpan()).toBe(span);
    provider.failAt = Infinity;
    await managerOf(provider).load({ ...request, mode, startDate: "2023-01-01", endDate: "2023-09-30" });
    expect(await storedSpan(), "the same command again fetches the rest").toBe(
      mode === "tail" ? "2023-05-01T00 2023-09-30T23" : "2023-01-01T00 2023-05-31T23",
    );
  });

  test("a failure after more segments than are kept in memory still joins everything", async () => {
    const long = steadyBars("2020-01-01", "2024-01-01");
    await store.save(part("2023-11-01", "2023-12-01", long));
    const provider = new FakeProvider(long);
    provider.failAt = 30;
    await expect(
      managerOf(provider).load({ ...request, mode: "backfill", startDate: "2020-01-01" }),
    ).rejects.toMatchObject({ code: "INCOMPLETE_LOAD" });
    const [first] = (await storedSpan()).split(" ");
    expect(Date.parse(`${first}:00Z`)).toBe(Date.parse("2023-11-01") - 29 * 30 * day + hour);
  });

  test("a cancel stores what arrived and ends as cancelled", async () => {
    await store.save(part("2023-05-01", "2023-06-01"));
    const provider = new FakeProvider(year);
    const cancellation = createCancellation();
    provider.onFetch = (n) => n === 3 && cancellation.cancel();
    await expect(
      managerOf(provider).load({ ...request, mode: "tail" }, cancellation.token),
    ).rejects.toBeInstanceOf(CancelledError);
    expect(await storedSpan()).toBe("2023-05-01T00 2023-07-30T22");
  });

  test("a first request that fails changes nothing", async () => {
    await store.save(part("2023-05-01", "2023-06-01"));
    const provider = new FakeProvider(year);
    provider.failAt = 1;
    await expect(managerOf(provider).load({ ...request, mode: "full" })).rejects.toMatchObject({
      code: "INCOMPLETE_LOAD",
      added: 0,
    });
    expect(await storedSpan()).toBe("2023-05-01T00 2023-05-31T23");
  });
});

describe("dates", () => {
  test.each([
    ["2024-01-31", "2024-01-31", "2024-01-31T00:00:00.000Z", "2024-02-01T00:00:00.000Z"],
    [
      "2024-02-29T10:30Z",
      "2024-02-29T10:30:00.5+02:00",
      "2024-02-29T10:30:00.000Z",
      "2024-02-29T08:30:00.501Z",
    ],
  ])("%s to %s", (start, end, from, to) => {
    expect(new Date(parseDateRange(start, null).from).toISOString()).toBe(from);
    expect(new Date(parseDateRange(null, end).to).toISOString()).toBe(to);
  });

  test("missing dates leave the range open", () => {
    expect(parseDateRange()).toEqual({ from: -Infinity, to: Infinity });
    expect(parseDateRange(null, null)).toEqual({ from: -Infinity, to: Infinity });
  });

  test.each([
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "01/02/2024",
    "yesterday",
    "2024",
    "2024-01-01T25:00Z",
    "20240101",
    "2024-01-01junk",
  ])("%s is refused as a wrong flag", (text) => {
    expect(() => parseDateRange(text, null)).toThrow(`Start date "${text}"`);
    expect(() => parseDateRange(null, text)).toThrow(expect.objectContaining({ isUsage: true }) as Error);
  });

  test("a reversed range is refused; one day is a range", () => {
    expect(() => parseDateRange("2024-01-02", "2024-01-01")).toThrow("lies before");
    expect(parseDateRange("2024-01-01", "2024-01-01")).toEqual({
      from: Date.parse("2024-01-01"),
      to: Date.parse("2024-01-02"),
    });
  });
});

test.each<[Timeframe, number]>([
  ["1m", 1],
  ["5m", 7],
  ["15m", 14],
  ["30m", 30],
  ["1h", 30],
  ["4h", 120],
  ["1d", 365],
  ["1w", 730],
])("segments of %s are %i days, cover the range and do not overlap", (timeframe, days) => {
  const range = { from: Date.parse("2019-02-03T04:05Z"), to: Date.parse("2024-01-01") };
  const segments = splitRange(range, timeframe);
  expect(segments[0].from).toBe(range.from);
  expect(segments.at(-1)?.to).toBe(range.to);
  for (let i = 1; i < segments.length; i++) expect(segments[i].from).toBe(segments[i - 1].to);
  expect(segments[0].to - segments[0].from).toBe(days * day);
});
