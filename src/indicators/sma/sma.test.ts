import { test } from "vitest";
import { exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test.each([2, 5, 20, 333])("equals TA-Lib's SMA over %i bars", async (period) => {
  const { output } = await taLib(bars, "SMA", period - 1, { timePeriod: period });
  expectColumn(primaryOver(bars, "sma", { period }), output);
});

test("takes any column as its source", async () => {
  const { output } = await taLib(bars, "SMA", 9, { timePeriod: 10, inReal: [...bars.volume] });
  expectColumn(primaryOver(bars, "volume_sma", { period: 10, source: "volume" }), output);
});
