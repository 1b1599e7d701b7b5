import { expect, test } from "vitest";
import { findViolations } from "../store/index.js";
import { timeframeMs, timeframes } from "../timeframes.js";
import { sampleBars } from "./sample.js";
import { syntheticBars } from "./synthetic.js";

const spec = { symbol: "SYN1", timeframe: "1d", bars: 2000, seed: 7 } as const;

test("the sample of AAPL is 1,260 sound real days, continuous over its split", async () => {
  const bars = await sampleBars({ symbol: "AAPL", timeframe: "1d", seed: 0 });
  expect(bars.time).toHaveLength(1260);
  expect(new Date(bars.time[0]).toISOString()).toBe("2013-05-13T00:00:00.000Z");
  expect(new Date(bars.time[1259]).toISOString()).toBe("2018-05-11T00:00:00.000Z");
  // The first and the last line of the file.
  expect([bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0]]).toEqual([
    64.501427, 65.414284, 64.5, 64.96286, 79237200,
  ]);
  expect(bars.close[1259]).toBe(188.589996);
  let largest = 0;
  for (let t = 1; t < 1260; t++) largest = Math.max(largest, Math.abs(bars.close[t] / bars.close[t - 1] - 1));
  expect(largest, "no step of 7:1 on 2014-06-09").toBeLessThan(0.1);
  expect(findViolations(bars)).toEqual([]);
});

test("the newest bars of AAPL can be asked for, and no more than there are", async () => {
  const bars = await sampleBars({ symbol: "AAPL", timeframe: "1d", bars: 10, seed: 0 });
  expect([bars.time.length, bars.close[9]]).toEqual([10, 188.589996]);
  await expect(sampleBars({ symbol: "AAPL", timeframe: "1d", bars: 1261, seed: 0 })).rejects.toThrow(/1260/);
});

test("synthetic bars never carry a real name, and AAPL has days only", async () => {
  for (const symbol of ["MSFT", "SYN", "SYN0", "SYNTH1", "syn1"]) {
    await expect(sampleBars({ symbol, timeframe: "1d", seed: 1 })).rejects.toMatchObject({
      code: "WRONG_USAGE",
    });
  }
  await expect(sampleBars({ symbol: "AAPL", timeframe: "1h", seed: 1 })).rejects.toThrow(/daily/);
});

test.each(timeframes)("synthetic %s bars are sound, in order, and of their length", (timeframe) => {
  const bars = syntheticBars({ ...spec, timeframe });
  expect(findViolations(bars)).toEqual([]);
  for (let t = 1; t < bars.time.length; t++) {
    expect(bars.time[t] - bars.time[t - 1]).toBeGreaterThanOrEqual(timeframeMs[timeframe]);
  }
});

test("intraday bars keep to weekdays and to a session, with closed days between", () => {
  const { time } = syntheticBars({ ...spec, timeframe: "1h" });
  const days = new Set<number>();
  for (const when of time) {
    const date = new Date(when);
    expect([1, 2, 3, 4, 5]).toContain(date.getUTCDay());
    expect(date.getUTCHours()).toBeGreaterThanOrEqual(12);
    expect(date.getUTCHours()).toBeLessThan(20);
    days.add(Math.floor(when / 86_400_000));
  }
  const weekdays = ((time[time.length - 1] - time[0]) / 86_400_000) * (5 / 7);
  expect(days.size, "some weekdays are closed").toBeLessThan(weekdays);
});

test("seed and symbol fix every bit, and change every path", () => {
  const first = syntheticBars(spec);
  expect(syntheticBars(spec)).toEqual(first);
  expect(
    syntheticBars({ ...spec, bars: 500 }).close,
    "a shorter series is the beginning of a longer one",
  ).toEqual(first.close.slice(0, 500));
  for (const other of [
    { ...spec, seed: 8 },
    { ...spec, symbol: "SYN2" },
  ]) {
    expect(syntheticBars(other).close).not.toEqual(first.close);
  }
});

test("volatility clusters: squared returns resemble the ones before them", () => {
  const { close } = syntheticBars({ ...spec, bars: 20_000 });
  const squares = Array.from({ length: close.length - 1 }, (_, t) => (close[t + 1] / close[t] - 1) ** 2);
  const mean = squares.reduce((sum, x) => sum + x, 0) / squares.length;
  let [covariance, variance] = [0, 0];
  for (let t = 1; t < squares.length; t++) {
    covariance += (squares[t] - mean) * (squares[t - 1] - mean);
    variance += (squares[t] - mean) ** 2;
  }
  // Of independent returns it would be 0 within 1/sqrt(20000) = 0.007.
  expect(covariance / variance).toBeGreaterThan(0.04);
});

test("a long series stays within the prices of a stock", () => {
  const { close } = syntheticBars({ ...spec, timeframe: "1m", bars: 300_000 });
  const [low, high] = close.reduce(
    ([a, b], price) => [Math.min(a, price), Math.max(b, price)],
    [Infinity, 0],
  );
  expect(low).toBeGreaterThan(5);
  expect(high).toBeLessThan(2000);
});
