import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, outputsOver, taLib } from "../../../test/indicator-sources.js";

test("meets TA-Lib's ADX and DIs, which leave out the first movement, once that is forgotten", async () => {
  const bars = exampleBars(1000);
  const { adx, plus_di, minus_di } = outputsOver(bars, "adx", { period: 14 });
  // (13/14)^500 = 8e-17
  expectColumn(adx, (await taLib(bars, "ADX", 27, { timePeriod: 14 }))["output"], 1e-9, 500);
  expectColumn(plus_di, (await taLib(bars, "PLUS_DI", 14, { timePeriod: 14 }))["output"], 1e-9, 500);
  expectColumn(minus_di, (await taLib(bars, "MINUS_DI", 14, { timePeriod: 14 }))["output"], 1e-9, 500);
});

test("is 0 where nothing moves", () => {
  const { adx, plus_di } = outputsOver(barsOf({ close: [5, 5, 5, 5, 5] }), "adx", { period: 2 });
  expect([...adx]).toEqual([NaN, NaN, NaN, 0, 0]);
  expect([...plus_di]).toEqual([NaN, NaN, 0, 0, 0]);
});
