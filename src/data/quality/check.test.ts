import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeWithSharedData } from "../../../test/shared-data.js";
import { createRandom } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { isIntraday, timeframeMs, type Timeframe } from "../timeframes.js";
import { fromWallTime, zoneOffsetMs } from "../zones.js";
import { checkBars } from "./check.js";
import { findGaps, type Gap } from "./gaps.js";
import { isNyseEarlyClose, isNyseHoliday } from "./nyse.js";
import { findOutliers, robustScores } from "./outliers.js";

const day = 86_400_000;
const hour = 3_600_000;

function barsAt(times: readonly number[], timeframe: Timeframe): Bars {
  const random = createRandom(7, "prices");
  let price = 100;
  const close = times.map(() => (price *= 1 + 0.005 * random.normal()));
  return {
    symbol: "TEST",
    timeframe,
    time: Float64Array.from(times),
    open: Float64Array.from(close),
    high: Float64Array.from(close, (c) => c * (1 + 0.002 * random.uniform())),
    low: Float64Array.from(close, (c) => c * (1 - 0.002 * random.uniform())),
    close: Float64Array.from(close),
    volume: new Float64Array(times.length).fill(1000),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

function isWeekday(date: number): boolean {
  const weekday = new Date(date).getUTCDay();
  return weekday >= 1 && weekday <= 5;
}

function datesBetween(from: string, to: string): number[] {
  const dates: number[] = [];
  for (let date = Date.parse(from); date <= Date.parse(to); date += day) dates.push(date);
  return dates;
}

/** Regular hours of New York, half-hour bars from 9:30 to 16:00, holidays and early closes kept. */
function newYorkHalfHours(from: string, to: string): number[] {
  return datesBetween(from, to)
    .filter((date) => isWeekday(date) && !isNyseHoliday(date))
    .flatMap((date) => {
      const open = fromWallTime(date + 9.5 * hour, "America/New_York");
      return Array.from({ length: isNyseEarlyClose(date) ? 7 : 13 }, (_, i) => open + (i * hour) / 2);
    });
}

function unexpected(gaps: readonly Gap[]): Gap[] {
  return gaps.filter(({ kind }) => kind === "unexpected");
}

describe("gaps", () => {
  test("daily bars of New York rest on weekends and holidays, and a missing working day is unexpected", () => {
    const dates = datesBetween("2023-01-03", "2024-12-31").filter(
      (date) => isWeekday(date) && !isNyseHoliday(date),
    );
    const missing = Date.parse("2024-05-15");
    const report = findGaps(
      barsAt(
        dates.filter((date) => date !== missing),
        "1d",
      ),
    );
    expect(report.sessions).toMatchObject({ market: "sessions", nyse: true });
    expect(unexpected(report.gaps)).toEqual([
      { previous: missing - day, next: missing + day, kind: "unexpected", missing: 1 },
    ]);
    expect(report.missing).toBe(1);
    const kindBefore = (date: string): string | undefined =>
      report.gaps.find(({ next }) => next === Date.parse(date))?.kind;
    expect(kindBefore("2024-05-13"), "a Monday").toBe("weekend");
    expect(kindBefore("2024-07-05"), "after the Fourth of July").toBe("holiday");
    expect(kindBefore("2024-04-01"), "after Good Friday and Easter").toBe("holiday");
  });

  test("a market that trades on New York's holidays misses them when they are not there", () => {
    const dates = datesBetween("2023-01-02", "2024-12-31").filter(isWeekday);
    const thanksgiving = Date.parse("2024-11-28");
    const report = findGaps(
      barsAt(
        dates.filter((date) => date !== thanksgiving),
        "1d",
      ),
    );
    expect(report.sessions?.nyse).toBe(false);
    expect(unexpected(report.gaps).map(({ next }) => next)).toEqual([thanksgiving + day]);
  });

  test("a market that never rests has no expected gap", () => {
    const hours = Array.from({ length: 24 * 90 }, (_, i) => Date.parse("2024-01-01") + i * hour);
    const report = findGaps(
      barsAt(
        hours.filter((_, i) => i < 500 || i >= 507),
        "1h",
      ),
    );
    expect(report.sessions).toMatchObject({ market: "24/7", timezone: null });
    expect(report.gaps).toEqual([{ previous: hours[499], next: hours[507], kind: "unexpected", missing: 7 }]);
  });

  test("session hours are learned in the zone in which they are steady; summer time opens no gap", () => {
    const times = newYorkHalfHours("2023-06-01", "2024-06-28");
    const report = findGaps(barsAt(times, "30m"));
    expect(report.sessions).toMatchObject({
      market: "sessions",
      timezone: "America/New_York",
      nyse: true,
      barsPerWeek: 65,
    });
    expect(unexpected(report.gaps)).toEqual([]);
    const counts = { session: 0, weekend: 0, holiday: 0, unexpected: 0 };
    for (const { kind } of report.gaps) counts[kind]++;
    // 271 trading days; of the 270 nights between them 56 hold a weekend; 3 early closes and 11 holidays make the rest holidays
    expect(counts.session + counts.weekend + counts.holiday).toBe(report.gaps.length);
    expect(counts.holiday).toBeGreaterThanOrEqual(11);
  });

  test("any bars taken out of the session are counted, wherever they lie", () => {
    const times = newYorkHalfHours("2024-01-02", "2024-06-28");
    const inner = fc.uniqueArray(fc.integer({ min: 1, max: times.length - 2 }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(inner, (out) => {
        const gone = new Set(out);
        expect(
          findGaps(
            barsAt(
              times.filter((_, t) => !gone.has(t)),
              "30m",
            ),
          ).missing,
        ).toBe(gone.size);
      }),
      { numRuns: 20 },
    );
  });

  test("currencies rest from Friday to Sunday evening, and around Christmas", () => {
    const zone = "America/New_York";
    const times: number[] = [];
    for (let time = Date.parse("2023-01-02"); time < Date.parse("2024-02-01"); time += hour) {
      const wall = time + zoneOffsetMs(time, zone);
      const evening = Math.floor((wall + 7 * hour) / day) * day; // the trading day begins at 17:00
      const christmas = wall >= Date.parse("2023-12-22T17:00Z") && wall < Date.parse("2023-12-25T17:00Z");
      if (isWeekday(evening) && !christmas) times.push(time);
    }
    const report = findGaps(barsAt(times, "1h"));
    expect(report.sessions).toMatchObject({ market: "24/5", timezone: zone, barsPerWeek: 120 });
    expect(unexpected(report.gaps)).toEqual([]);
    expect(report.gaps.filter(({ kind }) => kind === "holiday").length).toBe(1);
    expect(report.gaps.filter(({ kind }) => kind === "weekend").length).toBe(report.gaps.length - 1);
  });

  test("a few days of minutes are judged by their time of day", () => {
    const times = ["2024-03-04", "2024-03-05", "2024-03-06"].flatMap((date) =>
      Array.from({ length: 390 }, (_, i) => Date.parse(`${date}T14:30Z`) + i * 60_000),
    );
    const report = findGaps(
      barsAt(
        times.filter((_, i) => i < 500 || i >= 505),
        "1m",
      ),
    );
    expect(report.missing).toBe(5);
    expect(report.gaps.map(({ kind }) => kind)).toEqual(["session", "unexpected", "session"]);
  });

  test("years without bars are counted by whole weeks", () => {
    const weekdays = (from: string, to: string): number[] => datesBetween(from, to).filter(isWeekday);
    const report = findGaps(
      barsAt([...weekdays("2000-01-03", "2004-12-31"), ...weekdays("2010-01-04", "2014-12-31")], "1d"),
    );
    const [gap] = unexpected(report.gaps).sort((a, b) => b.missing - a.missing);
    // 2005 to 2009 have 1305 weekdays, less 5 Good Fridays, and what of New Year and Christmas falls on weekdays in the last weeks
    expect(gap.missing).toBeGreaterThan(1290);
    expect(gap.missing).toBeLessThanOrEqual(1305);
  });

  test("no bars and one bar have no gaps", () => {
    expect(findGaps(barsAt([], "1d"))).toEqual({ gaps: [], sessions: null, missing: 0 });
    expect(findGaps(barsAt([0], "1h")).gaps).toEqual([]);
  });
});

describe("outliers", () => {
  const quiet = (): Bars => barsAt(datesBetween("2022-01-03", "2023-12-29").filter(isWeekday), "1d");

  test("a quiet random walk has none", () => {
    expect(findOutliers(quiet())).toEqual([]);
  });

  test("a wrong close stands out twice, there and back, and is marked as taken back", () => {
    const bars = quiet();
    bars.close[200] *= 1.4;
    bars.high[200] = bars.close[200];
    const found = findOutliers(bars).filter(({ kind }) => kind === "return");
    expect(new Set(found.map(({ index }) => index))).toEqual(new Set([200, 201]));
    expect(found.find(({ index }) => index === 200)).toMatchObject({ reverts: true });
    expect(found.find(({ index }) => index === 201)).toMatchObject({ reverts: false });
  });

  test("a low of a tenth of the price stands out, also next to a crash", () => {
    const bars = quiet();
    bars.low[300] /= 10;
    for (let t = 310; t < 400; t++)
      for (const name of ["open", "high", "low", "close"] as const) bars[name][t] *= 0.5;
    const found = findOutliers(bars);
    expect(found[0]).toMatchObject({ kind: "low", index: 300 });
    const returns = found.filter(({ kind }) => kind === "return").map(({ index }) => index);
    expect(new Set(returns)).toEqual(new Set([310, 400]));
  });

  test("scores equal a direct computation of median and MAD over 101 values", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 20, maxLength: 300 }),
        (list) => {
          // No returns are this small: their differences lose digits, and -0 is not the 0 that it equals.
          const values = Float64Array.from(list, (value) => (Math.abs(value) < 1e-290 ? 0 : value));
          const scores = robustScores(values);
          expect(robustScores(values, 1.5)).toEqual(
            scores.map((score) => (Math.abs(score) > 1.5 ? score : 0)),
          );
          const middle = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1];
          for (let i = 0; i < values.length; i++) {
            const around = [...values.subarray(Math.max(0, i - 50), i + 51)];
            const centre = middle([...around]);
            const spread = 1.4826022185056018 * middle(around.map((value) => Math.abs(value - centre)));
            expect(scores[i]).toBe(spread > 0 ? (values[i] - centre) / spread : 0);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test("a large move over a weekend is compared with other weekends", () => {
    const bars = barsAt(datesBetween("2022-01-03", "2023-12-29").filter(isWeekday), "1d");
    const monday = bars.time.indexOf(Date.parse("2023-03-06"));
    const random = createRandom(1, "weekends");
    let factor = 1;
    for (let t = 0; t < bars.time.length; t++) {
      if (t > 0 && bars.time[t] - bars.time[t - 1] > day) factor *= 1 + 0.03 * random.normal();
      for (const name of ["open", "high", "low", "close"] as const) bars[name][t] *= factor;
    }
    expect(findOutliers(bars)).toEqual([]);
    expect(monday).toBeGreaterThan(0);
  });
});

test("a check finds duplicates, impossible bars and bars without volume, in bars that are not sound", () => {
  const bars = barsAt(datesBetween("2024-01-01", "2024-03-01"), "1d");
  bars.time[10] = bars.time[9];
  bars.low[20] = bars.high[20] + 1;
  bars.close[30] = -1;
  bars.volume[40] = 0;
  bars.volume[41] = NaN;
  const check = checkBars(bars);
  expect(check.duplicates).toEqual([
    { kind: "duplicate", index: 10, time: bars.time[9], what: "same time as the bar before" },
  ]);
  expect(check.violations.map(({ index, kind }) => [index, kind])).toEqual([
    [20, "range"],
    [30, "price"],
    [41, "volume"],
  ]);
  expect(check.zeroVolume).toBe(1);
});

describeWithSharedData("real bars", (folder) => {
  const read = (file: string, timeframe: Timeframe): Bars => {
    const rows = readFileSync(join(folder, file), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
    const column = (j: number): Float64Array => Float64Array.from(rows, (row) => Number(row[j]));
    return {
      ...barsAt([], timeframe),
      time: Float64Array.from(rows, ([time]) => Date.parse(time)),
      open: column(1),
      high: column(2),
      low: column(3),
      close: column(4),
      volume: column(5),
    };
  };

  test.each(["AAPL_1d.csv", "MSFT_1d.csv", "GOOGL_1d.csv", "AMZN_1d.csv", "INTC_1d.csv", "SPX_1d.csv"])(
    "%s lacks no trading day",
    (file) => {
      const report = findGaps(read(file, "1d"));
      expect(report.sessions?.nyse).toBe(true);
      expect(report.missing).toBe(0);
    },
  );

  test("AAPL_1h.csv: 13 years of hours, whose only unexpected gap is Nasdaq's outage of 22 August 2013", () => {
    const report = findGaps(read("AAPL_1h.csv", "1h"));
    expect(report.sessions).toMatchObject({
      market: "sessions",
      timezone: "America/New_York",
      nyse: true,
      barsPerWeek: 35,
    });
    expect(unexpected(report.gaps)).toEqual([
      {
        previous: Date.parse("2013-08-22T16:00Z"),
        next: Date.parse("2013-08-22T19:00Z"),
        kind: "unexpected",
        missing: 2,
      },
    ]);
  });

  test("BTCUSD never rests", () => {
    expect(findGaps(read("BTCUSD_1h.csv", "1h"))).toMatchObject({ gaps: [], sessions: { market: "24/7" } });
    expect(findGaps(read("BTCUSD_1d.csv", "1d"))).toMatchObject({ gaps: [], sessions: { market: "24/7" } });
  });

  test("EURUSD_1h.csv: weekends are expected, the week that is missing in December 2016 is not", () => {
    const bars = read("EURUSD_1h.csv", "1h");
    const report = findGaps(bars);
    expect(report.sessions).toMatchObject({ market: "24/5", timezone: "America/New_York", barsPerWeek: 120 });
    expect(report.gaps.filter(({ kind }) => kind === "weekend").length).toBeGreaterThan(240);
    const worst = unexpected(report.gaps).sort((a, b) => b.missing - a.missing)[0];
    expect(worst).toMatchObject({
      previous: Date.parse("2016-12-09T21:00Z"),
      next: Date.parse("2016-12-16T05:00Z"),
    });
    expect(checkBars(bars).zeroVolume).toBe(bars.time.length);
  });

  test("the flash crash of 6 May 2010 stands out", () => {
    const found = findOutliers(read("AAPL_1h.csv", "1h"));
    expect(found.slice(0, 10).map(({ time, kind }) => `${new Date(time).toISOString()} ${kind}`)).toContain(
      "2010-05-06T18:00:00.000Z low",
    );
    expect(isIntraday("1h") && timeframeMs["1h"]).toBe(hour);
  });
});
