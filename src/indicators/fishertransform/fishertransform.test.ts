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

test("a value beyond 0.99 is set to 0.999, as in Ehlers' listing, not merely held below it", () => {
  // Rising closes are at the top of every range: v = 1 - 0.67^k after k bars, above 0.99 from k = 12 (0.67^11 = 0.01220, 0.67^12 = 0.00818);
  // 0.33 + 0.67 * 0.999 = 0.99933 keeps it there. With smoothing 1 the value is ln((1 + v) / (1 - v)).
  const fisher = primaryOver(barsOf({ close: Array.from({ length: 20 }, (_, t) => 100 + t) }), "fisher", {
    period: 2,
    smoothing: 1,
  });
  expect(fisher[11], "k = 11: 0.98780").toBeCloseTo(5.0923, 4);
  expect(fisher[12], "k = 12: ln 1999").toBeCloseTo(7.6004, 4);
  expect(fisher[19]).toBe(fisher[12]);
});
