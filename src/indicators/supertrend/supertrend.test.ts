import { SuperTrend } from "trading-signals";
import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, outputsOver, streamed } from "../../../test/indicator-sources.js";

test.each([
  [10, 3, 1],
  [14, 2, 2],
  [7, 1.5, 3],
])("equals the SuperTrend(%i, %d) of trading-signals on series %i", (interval, multiplier, seed) => {
  const bars = exampleBars(1000, seed);
  const { line, direction } = outputsOver(bars, "SuperTrend", { period: interval, multiplier });
  const lines = new SuperTrend({ interval, multiplier });
  expectColumn(
    line,
    streamed(bars, (candle) => lines.update(candle, false)?.supertrend),
  );
  const trends = new SuperTrend({ interval, multiplier });
  const signs = streamed(bars, (candle) => {
    const result = trends.update(candle, false);
    return result && (result.trend === "BULLISH" ? 1 : -1);
  });
  expectColumn(direction, signs, 0);
});

test("a fall, a rise and a fall, by hand", () => {
  // ATR(1) is the true range; bars have a range of 2 around the close
  const close = [10, 10, 20, 20, 5];
  const bars = barsOf({ close, high: close.map((x) => x + 1), low: close.map((x) => x - 1) });
  const { line, direction } = outputsOver(bars, "supertrend", { period: 1, multiplier: 1 });
  // true ranges 2, 2, 11, 2, 16. Upper 12, 12; bar 2 closes at 20 above 12: up, lower = max(8, 20 - 11 = 9) = 9;
  // bar 3: 20 - 2 = 18; bar 4 closes at 5 below 18: down, and 20 was above the old upper band, so it is 5 + 16 = 21,
  // but bar 3's 22 came first: the lesser, 21.
  expect([...line]).toEqual([12, 12, 9, 18, 21]);
  expect([...direction]).toEqual([-1, -1, 1, 1, -1]);
});
