import { RelativeVigorIndex } from "trading-signals";
import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, outputsOver } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("equals the relative vigor index of trading-signals", () => {
  const { rvi, signal } = outputsOver(bars, "rvi", { period: 10 });
  const source = new RelativeVigorIndex(10);
  const results = Array.from(bars.time, (_, t) =>
    source.update({ open: bars.open[t], high: bars.high[t], low: bars.low[t], close: bars.close[t] }, false),
  );
  // its first line comes with its first signal, three bars after ours
  expectColumn(
    rvi,
    Float64Array.from(results, (result) => result?.rvgi ?? NaN),
    1e-9,
    15,
  );
  expectColumn(
    signal,
    Float64Array.from(results, (result) => result?.signal ?? NaN),
  );
});

test("another signal period keeps symmetric weights: 1-2-3-2-1 for 5", () => {
  const { rvi, signal } = outputsOver(bars, "rvi", { signal_period: 5 });
  const t = 500;
  const expected = (rvi[t] + 2 * rvi[t - 1] + 3 * rvi[t - 2] + 2 * rvi[t - 3] + rvi[t - 4]) / 9;
  expect(signal[t]).toBeCloseTo(expected, 12);
});

test("is 0 where there is no range", () => {
  const { rvi } = outputsOver(barsOf({ close: [5, 5, 5, 5, 5, 5, 5, 5] }), "rvi", { period: 4 });
  expect([...rvi.subarray(6)]).toEqual([0, 0]);
});
