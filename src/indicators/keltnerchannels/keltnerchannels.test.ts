import { KeltnerChannels } from "trading-signals";
import { test } from "vitest";
import { exampleBars, expectColumn, outputsOver, streamed, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each(["upper", "lower"] as const)(
  "%s equals the Keltner channels of trading-signals once its EMA has met ours",
  (line) => {
    const source = new KeltnerChannels({ atrInterval: 10, emaInterval: 20, multiplier: 2 });
    const expected = streamed(bars, (candle) => source.update(candle, false)?.[line]);
    // its EMA begins with the first price instead of a mean: (19/21)^300 = 9e-14
    expectColumn(outputsOver(bars, "KeltnerChannels")[line], expected, 1e-9, 300);
  },
);

test("the middle equals TA-Lib's EMA of the close", async () => {
  const { output } = await taLib(bars, "EMA", 19, { timePeriod: 20 });
  expectColumn(outputsOver(bars, "keltner")["middle"], output);
});
