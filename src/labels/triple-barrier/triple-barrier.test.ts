import { expect, test } from "vitest";
import { neverCancelled } from "../../core/index.js";
import type { Bars } from "../../data/index.js";
import { BUY, HOLD, noLabel, SELL } from "../define.js";
import { tripleBarrier, tripleBarrierLabel } from "./triple-barrier.js";

type Row = readonly [open: number, high: number, low: number, close: number];

function barsOf(rows: readonly Row[]): Bars {
  const column = (j: number): Float64Array => Float64Array.from(rows, (row) => row[j]);
  return {
    symbol: "SYN1",
    timeframe: "1d",
    time: Float64Array.from(rows, (_, t) => t * 86_400_000),
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    volume: column(0).fill(0),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

/** Label and bar of knowledge of the first bar, which closes at 100 with a width of 1: barriers at 102 and 97. */
function firstOf(...later: Row[]): [number, number] {
  const bars = barsOf([[100, 100, 100, 100], ...later]);
  const width = bars.time.map(() => 1);
  const { classes, knownAt } = tripleBarrier(bars, width, { horizon: 3, target: 2, stop: 3 }, neverCancelled);
  return [classes[0], knownAt[0]];
}

const calm: Row = [100, 101, 99, 100];

test("the first barrier that a high or a low reaches decides", () => {
  expect(firstOf(calm, [100, 102, 99, 100], [96, 96, 95, 95])).toEqual([BUY, 2]);
  expect(firstOf([100, 101, 97, 100], [105, 105, 104, 105])).toEqual([SELL, 1]);
  expect(firstOf([100, 101.99, 97.01, 100], calm, [103, 104, 102, 103]), "just inside, then above").toEqual([
    BUY,
    3,
  ]);
});

test("no barrier within the horizon is HOLD, known at its end; a shorter future is no label", () => {
  expect(firstOf(calm, calm, calm)).toEqual([HOLD, 3]);
  expect(firstOf(calm, calm, calm, [110, 111, 109, 110]), "beyond the horizon").toEqual([HOLD, 3]);
  expect(firstOf(calm, calm)).toEqual([noLabel, -1]);
});

test("a bar that touches both: the barrier beyond which it opened, else the side of its close", () => {
  expect(firstOf([103, 104, 96, 96])).toEqual([BUY, 1]);
  expect(firstOf([96, 103, 95, 103])).toEqual([SELL, 1]);
  expect(firstOf([99, 103, 96, 101])).toEqual([BUY, 1]);
  expect(firstOf([101, 103, 96, 99])).toEqual([SELL, 1]);
  expect(firstOf([101, 103, 96, 100]), "no side: counted as the loss").toEqual([SELL, 1]);
});

test("no label without a width: in warm-up, and where the price did not move", () => {
  const bars = barsOf([calm, calm, [100, 110, 90, 100], calm]);
  const width = Float64Array.of(NaN, 0, 1e-300, 1);
  const { classes } = tripleBarrier(bars, width, { horizon: 1, target: 2, stop: 2 }, neverCancelled);
  expect([...classes]).toEqual([noLabel, noLabel, noLabel, noLabel]);
});

test("widths are multiples of Wilder's average true range", () => {
  // True ranges 2, 2, 3 (102 - 99); ATR of 3 bars at bar 2: 7/3. Barriers of bar 2 at 101 + 7/3 = 103.33 and 101 - 14/3 = 96.33.
  const start: Row[] = [calm, calm, [100, 102, 99, 101]];
  const params = tripleBarrierLabel.schema.parse({ horizon: 2, target: 1, stop: 2, atr_period: 3 });
  const classesOf = (row: Row): number[] => [
    ...tripleBarrierLabel.compute(barsOf([...start, row, calm]), params, neverCancelled).classes,
  ];
  expect(classesOf([101, 103.34, 101, 102])).toEqual([noLabel, noLabel, BUY, noLabel, noLabel]);
  expect(classesOf([101, 103.33, 101, 102])[2]).toBe(HOLD);
  expect(classesOf([101, 101, 96.33, 100])[2]).toBe(SELL);
  expect(classesOf([101, 101, 96.34, 100])[2]).toBe(HOLD);
});
