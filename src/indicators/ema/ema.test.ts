import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each([2, 5, 20, 333])("equals TA-Lib's EMA over %i bars", async (period) => {
  const { output } = await taLib(bars, "EMA", period - 1, { timePeriod: period });
  expectColumn(primaryOver(bars, "ema", { period }), output);
});

test("adjust: true weighs all bars so far by (1 - alpha)^age", () => {
  const x = [4, 8, 6, 1, 9];
  const ema = primaryOver(barsOf({ close: x }), "ema", { period: 3, adjust: true });
  // alpha = 1/2: weights 1, 1/2, 1/4, ... from the newest bar
  x.forEach((_, t) => {
    let sum = 0;
    let weights = 0;
    for (let k = 0; k <= t; k++) {
      sum += x[t - k] / 2 ** k;
      weights += 1 / 2 ** k;
    }
    expect(ema[t], `bar ${t}`).toBeCloseTo(sum / weights, 14);
  });
});

test("adjust: false starts from the first value", () => {
  const ema = primaryOver(barsOf({ close: [4, 8, 6] }), "ema", { period: 3, adjust: false });
  expect([...ema]).toEqual([4, 6, 6]);
});

test("both forms without a seed forget their beginning and meet the seeded one", () => {
  const seeded = primaryOver(bars, "ema", { period: 20 });
  // (19/21)^500 = 2e-22
  expectColumn(primaryOver(bars, "ema", { period: 20, adjust: true }), seeded, 1e-12, 500);
  expectColumn(primaryOver(bars, "ema", { period: 20, adjust: false }), seeded, 1e-12, 500);
});
