import { expect, test } from "vitest";
import { exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each(["SMA", "EMA"])("is the distance from TA-Lib's %s in percent", async (ma_type) => {
  const { output } = await taLib(bars, ma_type, 19, { timePeriod: 20 });
  const distance = primaryOver(bars, "DistanceFromMA", { ma_type });
  expectColumn(
    distance,
    output.map((mean, t) => 100 * (bars.close[t] / mean - 1)),
  );
});

test.each(["sma", "ema"])("follows from our own %s, bit for bit", (ma_type) => {
  const mean = primaryOver(bars, ma_type, { period: 50, source: "high" });
  const distance = primaryOver(bars, "distance_from_ma", { period: 50, ma_type, source: "high" });
  expect(distance).toEqual(mean.map((value, t) => (100 * (bars.high[t] - value)) / value));
});
