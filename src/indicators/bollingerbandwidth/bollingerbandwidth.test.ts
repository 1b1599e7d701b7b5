import { BollingerBands, BollingerBandsWidth } from "trading-signals";
import { expect, test } from "vitest";
import {
  exampleBars,
  expectColumn,
  outputsOver,
  primaryOver,
  streamed,
} from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("equals the band width of trading-signals", () => {
  const source = new BollingerBandsWidth(new BollingerBands(20, 2));
  const width = primaryOver(bars, "BollingerBandWidth");
  expectColumn(
    width,
    streamed(bars, (candle) => source.update(candle.close, false)),
  );
});

test("comes from our own bands, bit for bit", () => {
  const { upper, middle, lower } = outputsOver(bars, "bbands", { period: 10, multiplier: 1.5 });
  const width = primaryOver(bars, "bollinger_band_width", { period: 10, multiplier: 1.5 });
  expect(width).toEqual(upper.map((value, t) => (value - lower[t]) / middle[t]));
});
