import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeWithSharedData } from "../../../test/shared-data.js";
import { closeTimes, type Bars } from "../bars.js";
import { timeframeMs, type Timeframe } from "../timeframes.js";
import { zoneOffsetMs } from "../zones.js";
import { isResampled, resample } from "./resample.js";
import { zoneSteps } from "./zone-steps.js";

const hour = 3_600_000;

/** Bars opening at the given instants; price and volume from the index. */
function barsAt(times: readonly (string | number)[], timeframe: Timeframe = "1h"): Bars {
  const n = times.length;
  const column = (value: (t: number) => number): Float64Array =>
    Float64Array.from({ length: n }, (_, t) => value(t));
  return {
    symbol: "TEST",
    timeframe,
    time: Float64Array.from(times, (time) => (typeof time === "string" ? Date.parse(time) : time)),
    open: column((t) => 100 + t),
    high: column((t) => 110 + ((t * 7) % 5)),
    low: column((t) => 90 - ((t * 5) % 7)),
    close: column((t) => 101 + t),
    volume: column((t) => t + 1),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

function hoursFrom(start: string, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Date.parse(start) + i * hour);
}

function stamps(bars: Bars): string[] {
  return Array.from(bars.time, (time) => new Date(time).toISOString().slice(0, 16));
}

describe("coarser bars", () => {
  test("first open, highest high, lowest low, last close, sum of volumes", () => {
    const bars = barsAt(hoursFrom("2024-01-02T00:00Z", 6));
    const { bars: made } = resample(bars, "4h");
    expect(stamps(made)).toEqual(["2024-01-02T00:00", "2024-01-02T04:00"]);
    expect([...made.open]).toEqual([100, 104]);
    expect([...made.high]).toEqual([114, 113]); // 110 112 114 111 | 113 110
    expect([...made.low]).toEqual([85, 84]); // 90 85 87 89 | 84 86
    expect([...made.close]).toEqual([104, 106]);
    expect([...made.volume]).toEqual([10, 11]);
    expect(made.meta).toMatchObject({ source: "test, resampled from 1h", dayTimezone: null });
    expect(isResampled(made)).toBe(true);
    expect(isResampled(bars)).toBe(false);
  });

  test("days are UTC without a zone, and local dates stamped 00:00Z with one", () => {
    const bars = barsAt(["2024-03-07T23:00Z", "2024-03-08T04:00Z", "2024-03-08T05:00Z", "2024-03-09T01:00Z"]);
    expect(stamps(resample(bars, "1d").bars)).toEqual([
      "2024-03-07T00:00",
      "2024-03-08T00:00",
      "2024-03-09T00:00",
    ]);
    const local = resample(bars, "1d", { timezone: "America/New_York" }).bars;
    // 18:00 and 23:00 of the 7th, 00:00 and 20:00 of the 8th in New York
    expect(stamps(local)).toEqual(["2024-03-07T00:00", "2024-03-08T00:00"]);
    expect([...local.volume]).toEqual([3, 7]);
    expect(local.meta.dayTimezone).toBe("America/New_York");
    expect(resample(bars, "1d", { timezone: "UTC" }).bars.meta.dayTimezone).toBeNull();
  });

  test("weeks begin on Monday, from days as from hours", () => {
    const days = barsAt(["2024-01-05", "2024-01-07", "2024-01-08", "2024-01-14", "2024-01-15"], "1d");
    expect(stamps(resample(days, "1w").bars)).toEqual([
      "2024-01-01T00:00",
      "2024-01-08T00:00",
      "2024-01-15T00:00",
    ]);
    const hours = barsAt(["2024-01-08T04:00Z", "2024-01-08T05:00Z"]);
    const weeks = resample(hours, "1w", { timezone: "America/New_York" }).bars;
    expect(stamps(weeks)).toEqual(["2024-01-01T00:00", "2024-01-08T00:00"]);
  });

  test("on days when the clocks change, stretches are counted from local midnight and none is longer than its name", () => {
    // 2024-03-10 has 23 hours in New York (from 05:00Z), 2024-11-03 has 25 (from 04:00Z).
    const spring = resample(barsAt(hoursFrom("2024-03-10T05:00Z", 25)), "4h", {
      timezone: "America/New_York",
    }).bars;
    expect(stamps(spring).map((text) => text.slice(8))).toEqual([
      "10T05:00",
      "10T09:00",
      "10T13:00",
      "10T17:00",
      "10T21:00",
      "11T01:00",
      "11T04:00",
    ]);
    const autumn = resample(barsAt(hoursFrom("2024-11-03T04:00Z", 27)), "4h", {
      timezone: "America/New_York",
    }).bars;
    expect(stamps(autumn).map((text) => text.slice(8))).toEqual([
      "03T04:00",
      "03T08:00",
      "03T12:00",
      "03T16:00",
      "03T20:00",
      "04T00:00",
      "04T04:00", // the 25th hour alone
      "04T05:00",
    ]);
  });

  test("every source bar lies inside its coarser bar, so a coarser bar knows nothing of what comes after it", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 24 * 365 }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom("4h", "1d", "1w"),
        fc.constantFrom("UTC", "America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Sydney"),
        (hours, to, timezone) => {
          const start = Date.parse("2023-12-25T00:00Z");
          const bars = barsAt(hours.sort((a, b) => a - b).map((h) => start + h * hour));
          const { bars: made } = resample(bars, to, { timezone });
          const closes = closeTimes(made);
          let t = 0;
          for (let k = 0; k < made.time.length; k++) {
            let volume = 0;
            for (; t < bars.time.length && volume < made.volume[k]; t++) {
              expect(bars.time[t] + hour).toBeLessThanOrEqual(closes[k]);
              volume += bars.volume[t];
            }
            expect(volume).toBe(made.volume[k]);
            if (k > 0) expect(made.time[k]).toBeGreaterThan(made.time[k - 1]);
          }
          expect(t).toBe(bars.time.length);
        },
      ),
    );
  });

  test("resampling in two steps equals one", () => {
    const bars = barsAt(
      Array.from({ length: 3000 }, (_, i) => Date.parse("2024-01-01") + i * 60_000),
      "1m",
    );
    const once = resample(bars, "1h").bars;
    const twice = resample(resample(bars, "15m").bars, "1h").bars;
    for (const name of ["time", "open", "high", "low", "close", "volume"] as const)
      expect(twice[name], name).toEqual(once[name]);
  });
});

describe("what is refused or said", () => {
  test("a timeframe that is not coarser is refused", () => {
    expect(() => resample(barsAt(["2024-01-02"]), "1m")).toThrow("cannot be resampled to 1m");
    expect(() => resample(barsAt(["2024-01-02"]), "1h")).toThrow("coarser than 1h");
  });

  test("an unknown zone is refused, for daily bars too", () => {
    expect(() => resample(barsAt(["2024-01-02"]), "1d", { timezone: "Mars/Olympus" })).toThrow(
      "no known time zone",
    );
    expect(() => resample(barsAt(["2024-01-02"], "1d"), "1w", { timezone: "Mars/Olympus" })).toThrow(
      "no known time zone",
    );
  });

  test("a bar over the border of two coarser ones is refused: its end would be known too late", () => {
    const halfPast = barsAt(["2024-01-02T14:30Z", "2024-01-02T15:30Z", "2024-01-02T16:30Z"]);
    expect(() => resample(halfPast, "4h")).toThrow("2024-01-02T15:30:00Z reaches over the end of its 4h bar");
    expect(resample(halfPast, "1d").bars.time.length).toBe(1);
  });

  test("days of one zone do not become weeks of another", () => {
    const days = barsAt(["2024-01-02"], "1d");
    const tokyo: Bars = { ...days, meta: { ...days.meta, dayTimezone: "Asia/Tokyo" } };
    expect(() => resample(tokyo, "1w", { timezone: "America/New_York" })).toThrow("days of Asia/Tokyo");
    expect(resample(tokyo, "1w").bars.meta.dayTimezone).toBe("Asia/Tokyo");
  });

  test("a first or last bar with fewer source bars than its neighbours is kept and reported", () => {
    const { bars, notices } = resample(barsAt(hoursFrom("2024-01-02T01:00Z", 24 * 3)), "1d");
    expect(bars.time.length).toBe(4);
    expect(notices).toEqual([
      expect.stringMatching(
        /first 1d bar \(2024-01-02\) is made of 23 1h bars, its neighbours usually of 24/,
      ) as string,
      expect.stringMatching(/last 1d bar \(2024-01-05\) is made of 1 1h bars/) as string,
    ]);
    expect(resample(barsAt(hoursFrom("2024-01-02T00:00Z", 24 * 3)), "1d").notices).toEqual([]);
  });

  test("no bars give no bars", () => {
    expect(resample(barsAt([]), "1d", { timezone: "America/New_York" }).bars.time.length).toBe(0);
  });
});

test.each(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"])(
  "offset steps of %s equal the tables at every hour around changes",
  (zone) => {
    const [from, to] = [Date.parse("2015-01-01"), Date.parse("2017-01-01")];
    const steps = zoneSteps(from, to, zone);
    for (let at = from; at <= to; at += 5 * hour)
      expect(steps.offsetAt(at), new Date(at).toISOString()).toBe(zoneOffsetMs(at, zone));
    expect(steps.offsetAt(from), "backwards").toBe(zoneOffsetMs(from, zone));
  },
);

describeWithSharedData("AAPL hours as days of New York", (folder) => {
  const rows = readFileSync(join(folder, "AAPL_1h.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
  const column = (j: number): Float64Array => Float64Array.from(rows, (row) => Number(row[j]));
  const hours: Bars = {
    ...barsAt(rows.map(([time]) => time)),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(5),
  };
  const { bars } = resample(hours, "1d", { timezone: "America/New_York" });

  // Added up by hand (awk) from the hourly bars of each date; the last column is their number: 4 on days that close at 13:00.
  test.each([
    ["2008-01-02", 7.1246, 7.1521, 6.8768, 6.9586, 1061811319, 7],
    ["2010-05-06", 9.0714, 9.2225, 7.1161, 8.7946, 1252610803, 7],
    ["2018-03-09", 44.4425, 45.0075, 44.3475, 44.995, 122354320, 7], // last day of winter time
    ["2018-03-12", 45.0575, 45.5975, 45.0525, 45.43, 125498700, 7],
    ["2018-11-02", 52.3875, 53.4125, 51.3575, 51.87, 341129144, 7], // last day of summer time
    ["2018-11-05", 51.0975, 51.0975, 49.54, 50.3975, 250507804, 7],
    ["2018-12-24", 37.0375, 37.8875, 36.65, 36.7075, 143774652, 4],
    ["2019-07-03", 50.7825, 51.11, 50.675, 51.1025, 43041636, 4],
    ["2019-11-29", 66.55, 67, 66.475, 66.8125, 40544828, 4], // 9371376 + 8196552 + 7305776 + 15671124
    ["2020-03-16", 60.485, 64.78, 60, 60.5525, 306389640, 7],
  ])("%s", (date, open, high, low, close, volume, count) => {
    const t = bars.time.indexOf(Date.parse(date));
    expect([bars.open[t], bars.high[t], bars.low[t], bars.close[t], bars.volume[t]]).toEqual([
      open,
      high,
      low,
      close,
      volume,
    ]);
    expect(hours.time.filter((time) => new Date(time).toISOString().startsWith(date)).length).toBe(count);
  });

  test("there is one day for each date of the hourly bars", () => {
    expect(bars.time.length).toBe(new Set(rows.map(([time]) => time.slice(0, 10))).size);
    expect(timeframeMs[bars.timeframe]).toBe(24 * hour);
  });
});
