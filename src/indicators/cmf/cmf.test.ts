import { CMF } from "trading-signals";
import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, streamed } from "../../../test/indicator-sources.js";

test.each([2, 21])("equals the CMF of trading-signals over %i bars", (period) => {
  const bars = exampleBars(1000);
  const source = new CMF(period);
  expectColumn(
    primaryOver(bars, "cmf", { period }),
    streamed(bars, (candle) => source.update(candle, false)),
  );
});

test("is 0 where nothing was traded, and stays within -1..1", () => {
  const still = barsOf({ high: [2, 2, 2], low: [1, 1, 1], close: [2, 2, 1], volume: [0, 0, 4] });
  expect([...primaryOver(still, "cmf", { period: 2 })]).toEqual([NaN, 0, -1]);
});
