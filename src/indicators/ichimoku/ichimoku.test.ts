import { expect, test } from "vitest";
import { exampleBars, expectColumn, outputsOver, taLib } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("the lines are TA-Lib's mid-prices, the spans theirs of 26 bars before", async () => {
  const { tenkan, kijun, span_a, span_b, chikou } = outputsOver(bars, "ichimoku");
  const [nine, long, slow] = await Promise.all(
    [9, 26, 52].map(
      async (timePeriod) => (await taLib(bars, "MIDPRICE", timePeriod - 1, { timePeriod }))["output"],
    ),
  );
  const before = (column: Float64Array): Float64Array =>
    column.map((_, t) => (t < 26 ? NaN : column[t - 26]));
  expectColumn(tenkan, nine);
  expectColumn(kijun, long);
  expectColumn(span_a, before(nine.map((value, t) => (value + long[t]) / 2)));
  expectColumn(span_b, before(slow));
  expect(chikou).toEqual(bars.close);
  expect(chikou.buffer).not.toBe(bars.close.buffer);
});

test("the displacement moves the spans only", () => {
  const near = outputsOver(bars, "ichimoku", { displacement: 1 });
  const far = outputsOver(bars, "ichimoku", { displacement: 11 });
  expect(far["kijun"]).toEqual(near["kijun"]);
  expect(far["span_b"].subarray(11)).toEqual(near["span_b"].subarray(1, 990));
});
