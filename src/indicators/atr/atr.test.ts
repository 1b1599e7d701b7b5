import { ATR } from "trading-signals";
import { test } from "vitest";
import { exampleBars, expectColumn, primaryOver, streamed, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each([1, 4, 14])("equals the ATR of trading-signals over %i bars", (period) => {
  const source = new ATR(period);
  expectColumn(
    primaryOver(bars, "atr", { period }),
    streamed(bars, (candle) => source.update(candle, false)),
  );
});

test("meets TA-Lib's ATR, which leaves out the first bar, once that is forgotten", async () => {
  const { output } = await taLib(bars, "ATR", 14, { timePeriod: 14 });
  // (13/14)^400 = 1e-13
  expectColumn(primaryOver(bars, "atr"), output, 1e-9, 400);
});
