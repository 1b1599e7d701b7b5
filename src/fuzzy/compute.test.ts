import { describe, expect, test } from "vitest";
import { CancelledError, neverCancelled } from "../core/index.js";
import type { Bars } from "../data/index.js";
import type { IndicatorColumns } from "../indicators/index.js";
import { computeMemberships, DuplicateFeatureError, MissingIndicatorColumnError } from "./compute.js";
import { coverageWarnings } from "./coverage.js";
import { membershipNames, type FuzzySpec } from "./spec.js";

function flatBars(n: number): Bars {
  const price = new Float64Array(n).fill(100);
  return {
    symbol: "SYN1",
    timeframe: "1h",
    time: Float64Array.from({ length: n }, (_, t) => t * 3_600_000),
    open: price,
    high: price,
    low: price,
    close: price,
    volume: new Float64Array(n),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

function columnsOf(columns: Record<string, Float64Array>): IndicatorColumns {
  const bars = Object.values(columns)[0].length;
  return { bars, ids: Object.keys(columns), column: (id) => columns[id] };
}

const set = (name: string, ...parameters: number[]): FuzzySpec["sets"][number] => ({
  name,
  membership: { type: parameters.length === 3 ? "triangular" : "trapezoidal", parameters },
});

const rsi: FuzzySpec = {
  featureId: "rsi_14",
  transform: { type: "identity" },
  sets: [set("low", 0, 0, 20, 40), set("high", 60, 80, 100, 100)],
};
const average: FuzzySpec = {
  featureId: "bbands_20_2.middle",
  transform: { type: "price_ratio", reference: "close" },
  sets: [set("near", 0.9, 1, 1.1)],
};

describe("memberships", () => {
  const values = Float64Array.of(NaN, 0, 30, 50, 70, 100);
  const averages = Float64Array.of(NaN, 0, 100, 80, 125, 1000 / 9.5);
  const columns = columnsOf({ unused: values, "bbands_20_2.middle": averages, rsi_14: values });

  test("are named and ordered as the specs and their sets", () => {
    const names = ["rsi_14_low", "rsi_14_high", "bbands_20_2.middle_near"];
    const result = computeMemberships(flatBars(6), columns, [rsi, average], neverCancelled);
    expect(result.columns.map(({ name }) => name)).toEqual(names);
    expect(membershipNames([rsi, average])).toEqual(names);
  });

  test("have the degree of each bar's own value, NaN where there is none", () => {
    const [low, high, near] = computeMemberships(
      flatBars(6),
      columns,
      [rsi, average],
      neverCancelled,
    ).columns;
    expect([...low.column]).toEqual([NaN, 1, 0.5, 0, 0, 0]);
    expect([...high.column]).toEqual([NaN, 0, 0, 0, 0.5, 1]);
    // 100/80 = 1.25 and 100/125 = 0.8 lie outside; 100/(1000/9.5) = 0.95 is half way up, to rounding
    expect([...near.column.subarray(0, 5)]).toEqual([NaN, NaN, 1, 0, 0]);
    expect(near.column[5]).toBeCloseTo(0.5, 12);
  });

  test("leave the indicator columns as they were", () => {
    const before = values.slice();
    computeMemberships(flatBars(6), columns, [rsi, average], neverCancelled);
    expect(values).toEqual(before);
  });

  test("are the same over the borders of blocks", () => {
    const blockRows = 16_384;
    const n = 2 * blockRows + 7;
    const column = Float64Array.from({ length: n }, (_, t) => (t * 37) % 101);
    const [low] = computeMemberships(
      flatBars(n),
      columnsOf({ rsi_14: column }),
      [rsi],
      neverCancelled,
    ).columns;
    for (const t of [0, blockRows - 1, blockRows, 2 * blockRows, n - 1]) {
      expect(low.column[t]).toBe(Math.max(0, Math.min(1, (40 - column[t]) / 20)));
    }
    expect(low.column.some(Number.isNaN)).toBe(false);
  });

  test("stop between two sets of a block when cancelled", () => {
    let looks = 0;
    const token = {
      get isCancelled(): boolean {
        return ++looks > 1; // at the second set
      },
    };
    const run = (): unknown => computeMemberships(flatBars(6), columns, [rsi], token);
    expect(run).toThrow(CancelledError);
    expect(looks).toBe(2);
  });

  test("need their indicator, and name the nearest one", () => {
    const misspelt = { ...rsi, featureId: "rsi_41" };
    const run = (): unknown => computeMemberships(flatBars(6), columns, [misspelt], neverCancelled);
    expect(run).toThrow(MissingIndicatorColumnError);
    expect(run).toThrow('Did you mean "rsi_14"?');
  });

  test("refuse two features of one name", () => {
    const a: FuzzySpec = { ...rsi, featureId: "a", sets: [set("b_c", 0, 1, 2)] };
    const b: FuzzySpec = { ...rsi, featureId: "a_b", sets: [set("c", 0, 1, 2)] };
    const both = columnsOf({ a: values, a_b: values });
    expect(() => computeMemberships(flatBars(6), both, [a, b], neverCancelled)).toThrow(
      DuplicateFeatureError,
    );
  });

  test("of no bars are empty columns", () => {
    const result = computeMemberships(
      flatBars(0),
      columnsOf({ rsi_14: new Float64Array() }),
      [rsi],
      neverCancelled,
    );
    expect(result.columns.map(({ column }) => column.length)).toEqual([0, 0]);
  });
});

describe("coverage", () => {
  const warningsFor = (values: number[], spec: FuzzySpec = rsi): string[] => {
    const columns = columnsOf({ [spec.featureId]: Float64Array.from(values) });
    const { coverage } = computeMemberships(flatBars(values.length), columns, [spec], neverCancelled);
    return coverageWarnings(coverage, "AAPL 1d");
  };

  test("counts values below, between and above the sets, and says where", () => {
    const spec: FuzzySpec = { ...rsi, sets: [set("low", 10, 20, 40), set("high", 60, 80, 90)] };
    expect(warningsFor([NaN, 5, 10, 15, 40, 50, 59.5, 70, 95, Infinity], spec)).toEqual([
      "AAPL 1d, rsi_14: 6 of 8 observed values (75 %) belong to no set: 2 below all sets (5 to 10), " +
        "3 between sets (40 to 59.5), 1 above all sets (at 95). Observed range: 5 to 95.",
    ]);
  });

  test("is silent where every value has a set and every set a value", () => {
    expect(warningsFor([NaN, 0, 30, 70, 100])).toEqual([]);
  });

  test("names a set that no value belongs to", () => {
    expect(warningsFor([10, 30])).toEqual([
      'AAPL 1d, rsi_14: no observed value belongs to the set "high". Observed range: 10 to 30.',
    ]);
  });

  test("says so when there are no values", () => {
    expect(warningsFor([NaN, NaN])).toEqual([
      "AAPL 1d, rsi_14: the indicator has no values, so none of its sets has degrees.",
    ]);
  });

  test("takes a degree of a smooth set that tells nothing for none", () => {
    const spec: FuzzySpec = {
      ...rsi,
      sets: [{ name: "mid", membership: { type: "gaussian", parameters: [50, 4] } }],
    };
    // exp(-(6 sigma)^2 / 2) = 1.5e-8, above 0 and yet nothing; 5 sigmas give 3.7e-6
    expect(warningsFor([26, 50, 70], spec)).toEqual([
      "AAPL 1d, rsi_14: 1 of 3 observed values (33.33 %) belong to no set: 1 below all sets (at 26). " +
        "Observed range: 26 to 70.",
    ]);
  });

  test("sees the open side of a sigmoid as covered and the closed one as not", () => {
    const spec: FuzzySpec = {
      ...rsi,
      sets: [{ name: "high", membership: { type: "sigmoid", parameters: [50, 1] } }],
    };
    expect(warningsFor([0, 50, 1e9], spec)[0]).toContain("1 below all sets (at 0)");
  });
});
