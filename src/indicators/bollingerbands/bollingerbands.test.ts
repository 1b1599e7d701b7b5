import { expect, test } from "vitest";
import {
  barsOf,
  exampleBars,
  expectColumn,
  outputsOver,
  primaryOver,
  taLib,
} from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each([
  [20, 2],
  [5, 1.5],
  [200, 3],
])("equals TA-Lib's SMA and population VAR: %i bars, %d deviations", async (period, multiplier) => {
  const { upper, middle, lower } = outputsOver(bars, "bbands", { period, multiplier });
  const { output: mean } = await taLib(bars, "SMA", period - 1, { timePeriod: period });
  const { output: variance } = await taLib(bars, "VAR", period - 1, { timePeriod: period });
  expectColumn(middle, mean);
  // TA-Lib subtracts squares near 1e4 that are rounded to 1e-12: 1e-8 of the price is left of that after the root
  expectColumn(
    upper,
    mean.map((value, t) => value + multiplier * Math.sqrt(variance[t])),
    1e-8,
  );
  expectColumn(
    lower,
    mean.map((value, t) => value - multiplier * Math.sqrt(variance[t])),
    1e-8,
  );
});

test("the middle is our own SMA, bit for bit", () => {
  expect(outputsOver(bars, "bbands", { period: 20 })["middle"]).toEqual(
    primaryOver(bars, "sma", { period: 20 }),
  );
});

test("equal prices have no width, also after a jump", () => {
  const close = [1e9, 7e8, ...Array.from({ length: 40 }, () => 0.1)];
  const { upper, lower } = outputsOver(barsOf({ close }), "bbands", { period: 20 });
  for (let t = 22; t < 42; t++) expect(upper[t] - lower[t], `bar ${t}`).toBe(0);
});
