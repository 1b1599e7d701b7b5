import { expect, test } from "vitest";
import { exampleBars, expectColumn, outputsOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each([2, 20, 333])("equals TA-Lib's MAX, MIN and MIDPRICE over %i bars", async (period) => {
  const { upper, middle, lower } = outputsOver(bars, "donchian", { period });
  const input = { timePeriod: period };
  expectColumn(
    upper,
    (await taLib(bars, "MAX", period - 1, { ...input, inReal: [...bars.high] }))["output"],
    0,
  );
  expectColumn(
    lower,
    (await taLib(bars, "MIN", period - 1, { ...input, inReal: [...bars.low] }))["output"],
    0,
  );
  expectColumn(middle, (await taLib(bars, "MIDPRICE", period - 1, input))["output"]);
});

test("has no middle with include_middle: false", () => {
  expect(Object.keys(outputsOver(bars, "donchian", { include_middle: false }))).toEqual(["upper", "lower"]);
});
