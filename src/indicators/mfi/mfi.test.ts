import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test.each([2, 14, 100])("equals TA-Lib's MFI over %i bars", async (period) => {
  const bars = exampleBars(1000);
  const { output } = await taLib(bars, "MFI", period, { timePeriod: period });
  expectColumn(primaryOver(bars, "mfi", { period }), output);
});

test("is 50 where no money moved, exactly, also after it had", () => {
  const bars = barsOf({ close: [1, 2.1, 1.3, 1.3, 1.3, 1.3], volume: [5, 0.1, 7.3, 9, 9, 9] });
  expect([...primaryOver(bars, "mfi", { period: 2 }).subarray(4)]).toEqual([50, 50]);
});
