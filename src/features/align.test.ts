import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { neverCancelled } from "../core/index.js";
import { closeTimes, finestFirst, sliceBars, timeframeMs, timeframes } from "../data/index.js";
import type { Bars, Timeframe } from "../data/index.js";
import { computeMemberships, type FuzzySpec, type MembershipColumns } from "../fuzzy/index.js";
import type { IndicatorColumns } from "../indicators/index.js";
import { alignTimeframes, featureNamesOf, MixedSymbolsError, type TimeframeMemberships } from "./align.js";
import { TimeframesApartError } from "./join.js";

const hour = timeframeMs["1h"];
const day = timeframeMs["1d"];
const monday = Date.UTC(2024, 0, 1);

function barsAt(timeframe: Timeframe, time: Iterable<number>, dayTimezone: string | null = null): Bars {
  const times = Float64Array.from(time);
  const price = times.map((_, t) => 100 + (t % 7));
  return {
    symbol: "SYN1",
    timeframe,
    time: times,
    open: price,
    high: price.map((p) => p + 1),
    low: price.map((p) => p - 1),
    close: price,
    volume: times.map(() => 1),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone },
  };
}

const range = (n: number, from: number, step: number): Float64Array =>
  Float64Array.from({ length: n }, (_, t) => from + t * step);

/** Memberships with one given column, for joins that are followed by eye. */
function given(bars: Bars, column: ArrayLike<number>, name = "x_low"): TimeframeMemberships {
  const memberships: MembershipColumns = {
    bars: bars.time.length,
    columns: [{ name, column: Float64Array.from(column) }],
    coverage: [],
  };
  return { bars, memberships };
}

/** Each bar's number as its degree, so that a joined value tells which bar it came from. */
const numbered = (bars: Bars): TimeframeMemberships =>
  given(
    bars,
    bars.time.map((_, t) => t),
  );

describe("joining on the close", () => {
  test("a day becomes visible with the hour that closes when the day does", () => {
    const hours = barsAt("1h", range(50, monday, hour));
    const days = barsAt("1d", [monday - day, monday, monday + day]);
    const table = alignTimeframes(hours, [numbered(days), numbered(hours)], 0, neverCancelled);
    expect(table.names).toEqual(["1h_x_low", "1d_x_low"]);
    expect([...table.columns[0]]).toEqual([...range(50, 0, 1)]);
    // Hours 0..22 of Monday close before Monday does and see Sunday; hour 23 closes with Monday.
    const expected = [...Array(23).fill(0), ...Array(24).fill(1), ...Array(3).fill(2)];
    expect([...table.columns[1]]).toEqual(expected);
    expect(table.warnings).toEqual([]);
  });

  test("days of an exchange close at its midnight, in summer and winter", () => {
    const start = Date.UTC(2024, 2, 8);
    const hours = barsAt("1h", range(24 * 5, start, hour));
    const days = barsAt("1d", range(5, start, day), "America/New_York");
    const [, daily] = alignTimeframes(hours, [numbered(hours), numbered(days)], 0, neverCancelled).columns;
    const firstSeen = (k: number): string => new Date(hours.time[daily.indexOf(k)] + hour).toISOString();
    expect(firstSeen(0), "Friday ends at 05:00Z (winter time)").toBe("2024-03-09T05:00:00.000Z");
    expect(firstSeen(2), "Sunday, when the clocks change, ends at 04:00Z").toBe("2024-03-11T04:00:00.000Z");
  });

  test("before the first close there is no value, and nothing is filled back or with zeros", () => {
    const hours = barsAt("1h", range(30, monday, hour));
    const table = alignTimeframes(
      hours,
      [numbered(hours), numbered(barsAt("1d", [monday]))],
      0,
      neverCancelled,
    );
    expect(table.columns[1].subarray(0, 23).every(Number.isNaN)).toBe(true);
    expect([...table.columns[1].subarray(23)]).toEqual(Array(7).fill(0));
  });

  test("a finer timeframe gives its last bar within the base bar", () => {
    const days = barsAt("1d", range(3, monday, day));
    const hours = barsAt("1h", range(60, monday, hour));
    const table = alignTimeframes(days, [numbered(days), numbered(hours)], 0, neverCancelled);
    expect(table.names).toEqual(["1h_x_low", "1d_x_low"]);
    expect([...table.columns[0]]).toEqual([23, 47, 59]);
  });

  test("a missing value of the latest bar is not replaced by an older one", () => {
    const hours = barsAt("1h", range(72, monday, hour));
    const days = given(barsAt("1d", range(3, monday, day)), [0.5, NaN, 0.7]);
    const [, daily] = alignTimeframes(hours, [numbered(hours), days], 0, neverCancelled).columns;
    expect(daily.subarray(47, 71).every(Number.isNaN)).toBe(true);
    expect(daily[71]).toBe(0.7);
  });

  test("weekends and two weeks of holidays pass; after 15 days a daily value is none, which is said", () => {
    const hours = barsAt("1h", range(24 * 20, monday, hour));
    const table = alignTimeframes(
      hours,
      [numbered(hours), numbered(barsAt("1d", [monday]))],
      0,
      neverCancelled,
    );
    const last = 24 * 16 - 1; // closes 15 days after Monday did
    expect(table.columns[1][last]).toBe(0);
    expect(table.columns[1].subarray(last + 1).every(Number.isNaN)).toBe(true);
    expect(table.warnings).toEqual([
      "SYN1: 96 of 480 1h bars, between 2024-01-17T00:00Z and 2024-01-20T23:00Z, have no 1d value: the latest 1d " +
        "bar had closed more than 15 days before (1d bars: 2024-01-01 to 2024-01-01).",
    ]);
  });

  test("a timeframe that begins much later, or has no bars, leaves the first rows without values, which is said", () => {
    const hours = barsAt("1h", range(24 * 30, monday, hour));
    const later = barsAt("1d", range(10, monday + 20 * day, day));
    const joined = (other: Bars): string[] => [
      ...alignTimeframes(hours, [numbered(hours), numbered(other)], 0, neverCancelled).warnings,
    ];
    // The first day closes with the hour that is number 21 * 24 - 1.
    expect(joined(later)).toEqual([
      "SYN1: the first 503 of 720 1h bars have no 1d value: the first of them closed after that (2024-01-21 to 2024-01-30).",
    ]);
    expect(joined(barsAt("1d", []))).toEqual([
      "SYN1: the first 720 of 720 1h bars have no 1d value: there are none.",
    ]);
  });

  test("series that never meet are refused, naming both ranges", () => {
    const hours = barsAt("1h", range(10, monday, hour));
    const run = (first: number): unknown =>
      alignTimeframes(
        hours,
        [numbered(hours), numbered(barsAt("1d", range(3, first, day)))],
        0,
        neverCancelled,
      );
    expect(() => run(monday - 40 * day)).toThrow(TimeframesApartError);
    expect(() => run(monday + 40 * day)).toThrow(
      '"SYN1": its 1h bars (2024-01-01T00:00Z to 2024-01-01T09:00Z) and its 1d bars (2024-02-10 to 2024-02-12)',
    );
    expect(() => run(monday), "its first close is near, so this is warm-up").not.toThrow();
  });

  test("another symbol's bars are refused", () => {
    const hours = barsAt("1h", range(3, monday, hour));
    const other = { ...barsAt("1d", [monday]), symbol: "SYN2" };
    expect(() => alignTimeframes(hours, [numbered(hours), numbered(other)], 0, neverCancelled)).toThrow(
      MixedSymbolsError,
    );
  });
});

describe("lags", () => {
  test("follow all current features, lag by lag, and read k base rows earlier", () => {
    const hours = barsAt("1h", range(26, monday, hour));
    const days = barsAt("1d", [monday - day, monday]);
    const parts = [numbered(hours), numbered(days)];
    const table = alignTimeframes(hours, parts, 2, neverCancelled);
    expect(table.names).toEqual([
      "1h_x_low",
      "1d_x_low",
      "1h_x_low_lag_1",
      "1d_x_low_lag_1",
      "1h_x_low_lag_2",
      "1d_x_low_lag_2",
    ]);
    expect(table.names).toEqual(featureNamesOf(["1d", "1h"], ["x_low"], 2));
    expect([...table.columns[4].subarray(0, 5)]).toEqual([NaN, NaN, 0, 1, 2]);
    expect([...table.columns[1].subarray(22)]).toEqual([0, 1, 1, 1]);
    expect([...table.columns[3].subarray(22)]).toEqual([0, 0, 1, 1]);
  });

  test("more lags than rows are columns of nothing", () => {
    const hours = barsAt("1h", range(2, monday, hour));
    const { columns } = alignTimeframes(hours, [numbered(hours)], 3, neverCancelled);
    expect(columns.map((column) => [...column])).toEqual([
      [0, 1],
      [NaN, 0],
      [NaN, NaN],
      [NaN, NaN],
    ]);
  });
});

// Properties over random sessions, timeframe pairs, lookbacks, transforms and all membership types.

const specs: FuzzySpec[] = [
  {
    featureId: "osc",
    transform: { type: "identity" },
    sets: [
      { name: "tri", membership: { type: "triangular", parameters: [0, 0, 50] } },
      { name: "trap", membership: { type: "trapezoidal", parameters: [40, 60, 100, 100] } },
      { name: "gauss", membership: { type: "gaussian", parameters: [50, 11] } },
    ],
  },
  {
    featureId: "avg.middle",
    transform: { type: "price_ratio", reference: "low" },
    sets: [
      { name: "bell", membership: { type: "bell", parameters: [0.03, 1.7, 1] } },
      { name: "sig", membership: { type: "sigmoid", parameters: [1, -40] } },
    ],
  },
];

/** Causal stand-ins for indicators: value t depends on bars [0..t], with a warm-up and an undefined bar now and then. */
function indicatorColumns(bars: Bars): IndicatorColumns {
  let sum = 0;
  const osc = bars.close.map((close, t) => (sum = (sum * 31 + close + t) % 101));
  osc.fill(NaN, 0, 3);
  const middle = bars.close.map((close, t) =>
    t % 13 === 5 ? 0 : t === 0 ? NaN : (close + bars.close[t - 1]) / 2,
  );
  const columns: Record<string, Float64Array> = { osc, "avg.middle": middle };
  return { bars: bars.time.length, ids: Object.keys(columns), column: (id) => columns[id] };
}

function tableOf(base: Bars, others: readonly Bars[], lookback: number): ReturnType<typeof alignTimeframes> {
  const parts = [base, ...others].map((bars) => ({
    bars,
    memberships: computeMemberships(bars, indicatorColumns(bars), specs, neverCancelled),
  }));
  return alignTimeframes(base, parts, lookback, neverCancelled);
}

/** Bars of a market that rests now and then: some bars are missing at random. */
const restingBars = (timeframe: Timeframe, end: number): fc.Arbitrary<Bars> => {
  const length = timeframeMs[timeframe];
  const slots = Math.ceil((end - monday) / length);
  return fc.array(fc.boolean(), { minLength: slots, maxLength: slots }).map((open) =>
    barsAt(
      timeframe,
      [...range(slots, monday, length)].filter((_, t) => open[t] || t % 3 === 0),
    ),
  );
};

const market = fc
  .tuple(
    fc.constantFrom(...timeframes.slice(0, -1)),
    fc.constantFrom(...timeframes),
    fc.integer({ min: 0, max: 3 }),
  )
  .filter(([base, other]) => base !== other)
  .chain(([base, other, lookback]) => {
    const [fine, coarse] = finestFirst([base, other]);
    const end = monday + Math.max(3 * timeframeMs[coarse], 40 * timeframeMs[fine]);
    const bounded = Math.min(end, monday + 400 * timeframeMs[fine]);
    return fc.record({
      base: restingBars(base, Math.max(bounded, monday + timeframeMs[coarse])),
      other: restingBars(other, Math.max(bounded, monday + timeframeMs[coarse])),
      lookback: fc.constant(lookback),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
    });
  })
  .filter(({ base, other }) => base.time.length < 2_000 && other.time.length < 2_000);

const runs = { numRuns: rounds(200, 40) };

describe("for any market, timeframes and lookback", () => {
  test("features of bars [0..t] are the first rows of the full run, bit for bit", () => {
    fc.assert(
      fc.property(market, ({ base, other, lookback, cut }) => {
        const full = tableOf(base, [other], lookback);
        const rows = 1 + Math.floor(cut * (base.time.length - 1));
        const now = closeTimes(base)[rows - 1];
        const known = sliceBars(other, 0, closeTimes(other).filter((close) => close <= now).length);
        const early = tableOf(sliceBars(base, 0, rows), [known], lookback);
        expect(early.names).toEqual(full.names);
        early.columns.forEach((column, j) => {
          expect(bytes(column), `${full.names[j]} over ${rows} rows`).toEqual(
            bytes(full.columns[j].subarray(0, rows)),
          );
        });
      }),
      runs,
    );
  });

  test("a value planted in one bar of the other timeframe is seen from its close on, and never before", () => {
    fc.assert(
      fc.property(market, ({ base, other, cut }) => {
        const planted = Math.floor(cut * (other.time.length - 1));
        const plain = other.time.map(() => 0.25);
        const changed = plain.slice();
        changed[planted] = 0.75;
        const column = (values: Float64Array): Float64Array => {
          const table = alignTimeframes(
            base,
            [given(base, base.close), given(other, values)],
            0,
            neverCancelled,
          );
          return table.columns[table.names.indexOf(`${other.timeframe}_x_low`)];
        };
        const before = column(plain);
        const after = column(changed);
        const closes = closeTimes(other);
        closeTimes(base).forEach((now, t) => {
          const next = planted + 1 < closes.length ? closes[planted + 1] : Infinity;
          const sees = now >= closes[planted] && now < next;
          expect(after[t] !== before[t] && !Number.isNaN(after[t]), `base bar ${t}`).toBe(sees);
        });
      }),
      runs,
    );
  });

  test("degrees lie in 0..1 where they exist", () => {
    fc.assert(
      fc.property(market, ({ base, other, lookback }) => {
        for (const column of tableOf(base, [other], lookback).columns) {
          for (const degree of column)
            expect(Number.isNaN(degree) || (degree >= 0 && degree <= 1)).toBe(true);
        }
      }),
      runs,
    );
  });
});

function bytes(column: Float64Array): Uint8Array {
  return new Uint8Array(column.slice().buffer);
}
