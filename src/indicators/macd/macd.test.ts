import { expect, test } from "vitest";
import { makeIndicatorSpec } from "../index.js";
import {
  exampleBars,
  expectColumn,
  outputsOver,
  primaryOver,
  taLib,
} from "../../../test/indicator-sources.js";

const bars = exampleBars(1000);

test("the line is the difference of two EMAs of TA-Lib, the signal TA-Lib's EMA of it", async () => {
  const { line, signal, hist } = outputsOver(bars, "macd");
  const { output: fast } = await taLib(bars, "EMA", 11, { timePeriod: 12 });
  const { output: slow } = await taLib(bars, "EMA", 25, { timePeriod: 26 });
  expectColumn(
    line,
    fast.map((value, t) => value - slow[t]),
  );
  const { output: smoothed } = await taLib(bars, "EMA", 8, { timePeriod: 9, inReal: [...line.subarray(25)] });
  expectColumn(signal.subarray(25), smoothed);
  expectColumn(
    hist,
    line.map((value, t) => value - signal[t]),
    0,
  );
});

test("meets TA-Lib's MACD, which seeds the fast EMA later, once that is forgotten", async () => {
  const { line, signal, hist } = outputsOver(bars, "macd");
  const { MACD, MACDSignal, MACDHist } = await taLib(bars, "MACD", 33);
  // (11/13)^200 = 3e-15
  expectColumn(line, MACD, rounding, 240);
  expectColumn(signal, MACDSignal, rounding, 240);
  expectColumn(hist, MACDHist, rounding, 240);
});

test("the line is bit-equal to our own EMAs", () => {
  const fast = primaryOver(bars, "ema", { period: 12 });
  const slow = primaryOver(bars, "ema", { period: 26 });
  expect(outputsOver(bars, "macd")["line"]).toEqual(fast.map((value, t) => value - slow[t]));
});

test("a fast period that is not faster is refused", () => {
  expect(() => makeIndicatorSpec("m", "macd", { fast_period: 26, slow_period: 26 })).toThrow(
    "fast_period must be less than slow_period",
  );
});

const rounding = 1e-9;
