import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("is the volume over TA-Lib's SMA of it", async () => {
  const { output } = await taLib(bars, "SMA", 19, { timePeriod: 20, inReal: [...bars.volume] });
  expectColumn(
    primaryOver(bars, "VolumeRatio"),
    output.map((mean, t) => bars.volume[t] / mean),
  );
});

test("follows from our own SMA, bit for bit", () => {
  const mean = primaryOver(bars, "sma", { period: 7, source: "volume" });
  const ratio = primaryOver(bars, "volume_ratio", { period: 7 });
  expect(ratio).toEqual(mean.map((value, t) => bars.volume[t] / value));
});

test("has no value where nothing was traded", () => {
  const four = barsOf({ close: [1, 1, 1, 1], volume: [0, 0, 3, 1] });
  expect([...primaryOver(four, "volumeratio", { period: 2 })]).toEqual([NaN, NaN, 2, 0.5]);
});
