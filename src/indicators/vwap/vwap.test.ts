import { VWAP, VWMA } from "trading-signals";
import { expect, test } from "vitest";
import { barsOf, exampleBars, expectColumn, primaryOver, streamed } from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("with period 0 equals the running VWAP of trading-signals", () => {
  const source = new VWAP();
  expectColumn(
    primaryOver(bars, "vwap", { period: 0 }),
    streamed(bars, (candle) => source.update(candle, false)),
  );
});

test("over a window of closes equals the VWMA of trading-signals", () => {
  const source = new VWMA(20);
  const vwap = primaryOver(bars, "vwap", { period: 20, use_typical_price: false });
  expectColumn(
    vwap,
    streamed(bars, (candle) => source.update(candle, false)),
  );
});

test("over a window of typical prices weighs (high + low + close) / 3", () => {
  const three = barsOf({ high: [3, 6, 9], low: [1, 2, 3], close: [2, 4, 9], volume: [1, 3, 1] });
  // typical prices 2, 4, 7: (2 + 12) / 4, (12 + 7) / 4
  expect([...primaryOver(three, "vwap", { period: 2 })]).toEqual([NaN, 3.5, 4.75]);
});

test("has no value where nothing was traded", () => {
  const three = barsOf({ close: [2, 4, 7], volume: [0, 0, 5] });
  expect([...primaryOver(three, "vwap", { period: 2 })]).toEqual([NaN, NaN, 7]);
  expect([...primaryOver(three, "vwap", { period: 0 })]).toEqual([NaN, NaN, 7]);
});
