import { FisherTransform } from "trading-signals";
import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, streamed } from "../../../test/indicator-sources.js";

// Not over two bars: it puts a range of zero at the low (-1), we in the middle (0).
test.each([5, 10, 50])("equals the Fisher transform of trading-signals over %i bars", (period) => {
  const bars = exampleBars(1000);
  const source = new FisherTransform(period);
  const fisher = primaryOver(bars, "FisherTransform", { period });
  // at 0.999 the logarithm turns one rounding of the value into a thousand
  expectColumn(
    fisher,
    streamed(bars, (candle) => source.update(candle, false)),
    1e-8,
  );
});

test("smoothing 1 keeps nothing of the value before", () => {
  const bars = barsOf({ close: [1, 2, 2] });
  const fisher = primaryOver(bars, "fisher", { period: 2, smoothing: 1 });
  // v = 0.33, then 0.67 * 0.33 = 0.2211 (no range counts as its middle); ln(1.33 / 0.67), ln(1.2211 / 0.7789)
  expect(fisher[1]).toBeCloseTo(0.685657, 5);
  expect(fisher[2]).toBeCloseTo(0.449625, 5);
});
