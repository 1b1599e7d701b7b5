import { test } from "vitest";
import { exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("equals TA-Lib's AD", async () => {
  expectColumn(primaryOver(bars, "ADLine"), (await taLib(bars, "AD", 0))["output"]);
});

test("smoothed, equals TA-Lib's SMA of that", async () => {
  const { output: line } = await taLib(bars, "AD", 0);
  const { output } = await taLib(bars, "SMA", 20, { timePeriod: 21, inReal: [...line] });
  expectColumn(primaryOver(bars, "ad_line", { use_sma_smoothing: true }), output);
});
