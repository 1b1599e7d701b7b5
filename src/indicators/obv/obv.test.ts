import { expect, test } from "vitest";
import { exampleBars, expectColumn, primaryOver, taLib } from "../../../test/indicator-sources.js";

test("equals TA-Lib's OBV less the first volume, with which that begins", async () => {
  const bars = exampleBars(1000);
  const { output } = await taLib(bars, "OBV", 0);
  const obv = primaryOver(bars, "obv");
  expect(obv[0]).toBe(0);
  expectColumn(
    obv,
    output.map((value) => value - bars.volume[0]),
    0,
  );
});
