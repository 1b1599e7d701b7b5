import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, outputsOver, taLib } from "../../../test/indicator-sources.js";

test.each([
  [14, 3, 3],
  [5, 4, 2],
])("equals means by TA-Lib of 100 + its WILLR: %i, %i, %i", async (k_period, smooth_k, d_period) => {
  const bars = exampleBars(1000);
  const { k, d } = outputsOver(bars, "stochastic", { k_period, smooth_k, d_period });
  const { output: range } = await taLib(bars, "WILLR", k_period - 1, { timePeriod: k_period });
  const raw = range.subarray(k_period - 1).map((value) => value + 100);
  const mean = async (x: Float64Array, timePeriod: number): Promise<Float64Array> =>
    timePeriod === 1
      ? x
      : (await taLib(bars, "SMA", timePeriod - 1, { timePeriod, inReal: [...x] }))["output"];
  const expected = await mean(raw, smooth_k);
  expectColumn(k.subarray(k_period - 1), expected);
  expectColumn(d.subarray(k_period + smooth_k - 2), await mean(expected.subarray(smooth_k - 1), d_period));
});

test("is in the middle of a range that is zero, and the warm-up holds nothing", () => {
  const { k } = outputsOver(barsOf({ close: [5, 5, 5, 5] }), "stoch", { k_period: 2, smooth_k: 2 });
  expect([...k]).toEqual([NaN, NaN, 50, 50]);
});
