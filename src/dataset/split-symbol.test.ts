import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { describeWithSharedData } from "../../test/shared-data.js";
import { neverCancelled } from "../core/index.js";
import type { Bars } from "../data/index.js";
import { BUY, findLabelType, noLabel, SELL, type Labels } from "../labels/index.js";
import { splitSymbol, type SymbolSplit } from "./split-symbol.js";
import { parts, sharedBoundaries, type Part, type SplitSpec } from "./split.js";

const everything = { from: -Infinity, to: Infinity };
const known = (...knownAt: number[]): Labels => ({
  classes: Int8Array.from(knownAt, (bar) => (bar < 0 ? noLabel : BUY)),
  knownAt: Int32Array.from(knownAt),
});
const upTo = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i);
const allOnes = (n: number): Uint8Array => new Uint8Array(n).fill(1);
const rowsOf = (split: SymbolSplit): number[][] => parts.map((part) => [...split[part]]);

describe("ten bars split .5/.3/.2", () => {
  const time = upTo(10);
  const ratios = { train: 0.5, validation: 0.3, test: 0.2, embargo: 0 };
  const boundaries = sharedBoundaries([time], ratios);
  const usual = { symbol: "A", time, range: everything, complete: allOnes(10), warmUp: 0, boundaries };

  test("labels known at their own bar: every row stays", () => {
    const split = splitSymbol({ ...usual, labels: known(...time) });
    expect(rowsOf(split)).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7],
      [8, 9],
    ]);
    expect(split.dropped).toEqual({ warm_up: 0, no_label: 0, purged: 0, embargoed: 0 });
  });

  test("labels known in the next part are purged, labels not known within the data are none", () => {
    const split = splitSymbol({ ...usual, labels: known(0, 3, 4, 5, 9, 7, 7, 8, 9, -1) });
    expect(rowsOf(split)).toEqual([[0, 1, 2], [5, 6], [8]]);
    expect(split.dropped).toEqual({ warm_up: 0, no_label: 1, purged: 3, embargoed: 0 });
    expect(split.byPart.train).toEqual({
      bars: 5,
      dropped: { warm_up: 0, no_label: 0, purged: 2, embargoed: 0 },
    });
    expect(split.byPart.test).toEqual({
      bars: 2,
      dropped: { warm_up: 0, no_label: 1, purged: 0, embargoed: 0 },
    });
  });

  test("warm-up comes before every other cause; a gap in the features after it has a key of its own", () => {
    const complete = Uint8Array.of(0, 0, 1, 0, 1, 1, 1, 1, 1, 1);
    const split = splitSymbol({
      ...usual,
      complete,
      warmUp: 2,
      labels: known(-1, 1, 2, -1, 4, 5, 6, 7, 8, 9),
    });
    expect(split.train).toEqual(Uint32Array.of(2, 4));
    expect(split.dropped).toEqual({ warm_up: 2, no_label: 0, purged: 0, embargoed: 0, undefined_feature: 1 });
  });

  test("the embargo skips the first bars of validation and test", () => {
    const embargoed = sharedBoundaries([time], { ...ratios, embargo: 1 });
    const split = splitSymbol({ ...usual, boundaries: embargoed, labels: known(...time) });
    expect(rowsOf(split)).toEqual([[0, 1, 2, 3, 4], [6, 7], [9]]);
    expect(split.dropped).toEqual({ warm_up: 0, no_label: 0, purged: 0, embargoed: 2 });
  });

  test("without validation, training is purged by the first bar of test", () => {
    const two = sharedBoundaries([time], { train: 0.5, validation: 0, test: 0.5, embargo: 0 });
    const split = splitSymbol({ ...usual, boundaries: two, labels: known(1, 2, 3, 4, 5, 6, 7, 8, 9, 9) });
    expect(rowsOf(split)).toEqual([[0, 1, 2, 3], [], [5, 6, 7, 8, 9]]);
  });

  test("bars outside the range are not counted, and labels known after it are none", () => {
    const range = { from: 2, to: 9 };
    const inRange = sharedBoundaries([time.subarray(2, 9)], ratios);
    const split = splitSymbol({
      ...usual,
      range,
      boundaries: inRange,
      labels: known(0, 1, 2, 3, 4, 5, 6, 9, 8, 9),
    });
    expect(split.bars).toBe(7);
    expect(rowsOf(split)).toEqual([[2, 3, 4], [5, 6], [8]]);
    expect(split.dropped.no_label).toBe(1);
  });

  test("a symbol whose bars all lie in one part lacks the others", () => {
    const late = Float64Array.of(20, 21, 22);
    const both = sharedBoundaries([time, late], ratios);
    const split = splitSymbol({
      ...usual,
      symbol: "B",
      time: late,
      complete: allOnes(3),
      boundaries: both,
      labels: known(0, 1, 2),
    });
    expect(rowsOf(split)).toEqual([[], [], [0, 1, 2]]);
  });
});

const usualLabels: [string, Record<string, unknown>][] = [
  ["zigzag", { threshold: 0.04 }],
  ["zigzag_forward", { threshold: 0.03, horizon: 7 }],
  ["triple_barrier", { horizon: 6, atr_period: 3 }],
  ["forward_return", { horizon: 4, threshold: 0.01 }],
];

function barsFrom(time: Float64Array, steps: readonly number[]): Bars {
  let price = 100;
  const close = time.map((_, t) => (price *= 1 + steps[t % steps.length]));
  return {
    symbol: "SYN1",
    timeframe: "1d",
    time,
    open: close,
    high: close.map((p) => p * 1.01),
    low: close.map((p) => p * 0.99),
    close,
    volume: close.map(() => 1),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

describe.each(usualLabels)("%s %j", (name, given) => {
  const type = findLabelType(name);
  const series = fc.record({
    first: fc.nat(120),
    gaps: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 90 }),
    steps: fc.array(fc.double({ min: -0.06, max: 0.06, noNaN: true }), { minLength: 1, maxLength: 30 }),
    warmUp: fc.nat(10),
  });
  const splits = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.nat(8), fc.nat(5))
    .filter(([a, b]) => a + b < 10);

  test("no label of a part reaches the next one, on series of any length and dates; every bar is counted once", () => {
    const property = fc.property(
      fc.array(series, { minLength: 1, maxLength: 4 }),
      splits,
      (all, [a, b, embargo]) => {
        const ratios: SplitSpec = { train: a / 10, validation: b / 10, test: (10 - a - b) / 10, embargo };
        const range = { from: 10, to: 300 };
        const symbols = all.map(({ first, gaps, steps, warmUp }, k) => {
          let at = first;
          const bars = barsFrom(
            Float64Array.from(gaps, (gap) => (at += gap)),
            steps,
          );
          const kept = bars.time.filter((time) => time < range.to).length;
          const upToEnd = barsFrom(bars.time.subarray(0, kept), steps);
          const labels = type.compute(upToEnd, type.schema.parse(given), neverCancelled);
          return { symbol: `SYN${k}`, time: bars.time, labels, warmUp };
        });
        const inRange = symbols.map(({ time }) => time.filter((t) => t >= range.from && t < range.to));
        const boundaries = sharedBoundaries(inRange, ratios);
        const done = symbols.map((symbol) => {
          const complete = Uint8Array.from(symbol.time, (_, t) =>
            t < symbol.warmUp || t % 11 === 10 ? 0 : 1,
          );
          return splitSymbol({ ...symbol, range, complete, boundaries });
        });
        const union = [...new Set(inRange.flatMap((times) => [...times]))].sort((x, y) => x - y);
        const firstOf: Record<Part, number> = {
          train: 0,
          validation: union[Math.floor((union.length * a) / 10)],
          test: union[Math.floor((union.length * (a + b)) / 10)],
        };
        done.forEach((split, k) => {
          const { time, labels } = symbols[k];
          const count = parts.reduce((sum, part) => sum + split[part].length, 0);
          const dropped = Object.values(split.dropped).reduce<number>((sum, n) => sum + n, 0);
          expect([split.bars, count + dropped]).toEqual([inRange[k].length, inRange[k].length]);
          for (const t of split.train) expect(time[labels.knownAt[t]]).toBeLessThan(firstOf.validation);
          for (const t of split.validation) expect(time[labels.knownAt[t]]).toBeLessThan(firstOf.test);
          for (const t of split.validation) expect(time[t]).toBeGreaterThanOrEqual(firstOf.validation);
          for (const t of split.test) expect(time[t]).toBeGreaterThanOrEqual(firstOf.test);
          for (const part of parts) {
            expect(split[part]).toEqual(split[part].slice().sort());
            for (const t of split[part]) expect(labels.classes[t]).not.toBe(noLabel);
          }
        });
      },
    );
    fc.assert(property, { numRuns: rounds(500, 60) });
  });
});

describeWithSharedData("real bars of AAPL, MSFT and GOOGL, 2020-09-11 to 2024-12-31", (folder) => {
  function readBars(symbol: string): Bars {
    const rows = readFileSync(join(folder, `${symbol}_1d.csv`), "utf8")
      .trim()
      .split("\n")
      .slice(1);
    const cells = rows.map((row) => row.split(","));
    const column = (j: number): Float64Array => Float64Array.from(cells, (cell) => Number(cell[j]));
    return {
      symbol,
      timeframe: "1d",
      time: Float64Array.from(cells, ([stamp]) => Date.parse(stamp)),
      open: column(1),
      high: column(2),
      low: column(3),
      close: column(4),
      volume: column(5),
      meta: {
        source: "shared",
        adjustment: "splits+dividends",
        currency: "USD",
        dayTimezone: "America/New_York",
      },
    };
  }

  // Counted once by an independent program: zigzag of 5 %, 2024, cut at positions 176 and 214, purged, before warm-up.
  test.each([
    ["AAPL", 166, 36, 34],
    ["MSFT", 175, 34, 37],
    ["GOOGL", 173, 33, 27],
  ])("%s has %i, %i and %i samples of zigzag segments in 2024", (symbol, train, validation, testCount) => {
    const { time, ...rest } = readBars(symbol);
    const range = { from: Date.UTC(2024, 0, 1), to: Date.UTC(2025, 0, 1) };
    const type = findLabelType("zigzag");
    const labels = type.compute({ ...rest, time }, { threshold: 0.05, source: "close" }, neverCancelled);
    const inRange = time.filter((t) => t >= range.from && t < range.to);
    const boundaries = sharedBoundaries([inRange], { train: 0.7, validation: 0.15, test: 0.15, embargo: 0 });
    expect([boundaries.start.validation, boundaries.start.test]).toEqual([inRange[176], inRange[214]]);
    const split = splitSymbol({
      symbol,
      time,
      range,
      complete: allOnes(time.length),
      warmUp: 0,
      labels,
      boundaries,
    });
    expect([split.bars, split.train.length, split.validation.length, split.test.length]).toEqual([
      252,
      train,
      validation,
      testCount,
    ]);
    expect(train + validation + testCount + split.dropped.purged + split.dropped.no_label).toBe(252);
  });

  test("triple_barrier with the defaults gives each class at least a tenth of the bars of AAPL", () => {
    const type = findLabelType("triple_barrier");
    const { classes } = type.compute(readBars("AAPL"), type.schema.parse({}), neverCancelled);
    const count = (wanted: number): number => classes.filter((found) => found === wanted).length;
    expect(
      count(noLabel),
      "13 bars of warm-up and at most 10 whose horizon lies beyond the data",
    ).toBeLessThanOrEqual(23);
    for (const wanted of [BUY, SELL, 1]) expect(count(wanted)).toBeGreaterThan(classes.length / 10);
  });
});
