import { expect, test } from "vitest";
import { makeIndicatorSpec } from "../index.js";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test.each([1, 2, 3, 4, 5])("equals TA-Lib's SAR on series %i", async (seed) => {
  const bars = exampleBars(1000, seed);
  const { output } = await taLib(bars, "SAR", 1, { acceleration: 0.02, maximum: 0.2 });
  expectColumn(primaryOver(bars, "psar"), output);
});

test("with factors of its own equals TA-Lib's SAREXT", async () => {
  const bars = exampleBars(1000);
  const { output } = await taLib(bars, "SAREXT", 1, {
    accelerationInitLong: 0.01,
    accelerationLong: 0.03,
    accelerationMaxLong: 0.15,
    accelerationInitShort: 0.01,
    accelerationShort: 0.03,
    accelerationMaxShort: 0.15,
  });
  const stop = primaryOver(bars, "ParabolicSAR", { initial_af: 0.01, step_af: 0.03, max_af: 0.15 });
  // SAREXT marks short stops with a minus sign
  expectColumn(stop, output.map(Math.abs));
});

test("a rise and its end, by hand", () => {
  const bars = barsOf({
    high: [10, 11, 12, 13, 9],
    low: [9, 10, 11, 12, 8],
    close: [9.5, 10.5, 11.5, 12.5, 8.5],
  });
  const stop = primaryOver(bars, "psar", { initial_af: 0.1, step_af: 0.1, max_af: 0.2 });
  // long from 9; 9 + 0.1 (11 - 9) = 9.2; new extreme 12, factor 0.2: 9.2 + 0.2 * 2.8 = 9.76; 13: 9.76 + 0.2 * 3.24 = 10.408;
  // bar 4 falls to 8: the new stop is the extreme, 13
  const expected = [9, 9.2, 9.76, 13];
  expected.forEach((value, i) => expect(stop[i + 1], `bar ${i + 1}`).toBeCloseTo(value, 12));
});

test("a first factor above the greatest is refused", () => {
  expect(() => makeIndicatorSpec("s", "psar", { initial_af: 0.3 })).toThrow(
    "initial_af must not be above max_af",
  );
});
