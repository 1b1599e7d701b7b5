import { test } from "vitest";
import { exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test.each([1, 10])("equals TA-Lib's MOM over %i bars", async (period) => {
  const bars = exampleBars(200);
  const { output } = await taLib(bars, "MOM", period, { timePeriod: period });
  expectColumn(primaryOver(bars, "momentum", { period }), output, 0);
});
