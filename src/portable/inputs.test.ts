import { expect, test } from "vitest";
import type { FuzzySpec } from "../fuzzy/index.js";
import { cornerRows } from "./corner-rows.js";
import { portableLayout } from "./inputs.js";

const set = (name: string, ...parameters: number[]): FuzzySpec["sets"][number] => ({
  name,
  membership: { type: "trapezoidal", parameters },
});
const rsi: FuzzySpec = {
  featureId: "rsi_14",
  transform: { type: "identity" },
  sets: [set("low", 0, 0, 30, 40), set("high", 60, 70, 100, 100)],
};
const sma: FuzzySpec = {
  featureId: "sma_20",
  transform: { type: "price_ratio", reference: "close" },
  sets: [set("near", 0.95, 1, 1, 1.05)],
};
const lower: FuzzySpec = { ...sma, featureId: "bbands.lower" };

test("one input per column, timeframe and lag, in the order of the features; prices stand once", () => {
  const recipe = { timeframes: ["1d", "1h"] as const, fuzzy: [rsi, sma, lower], lookback: 1 };
  const { inputs, crisp, features } = portableLayout(recipe);
  const once = ["rsi_14", "sma_20", "close", "bbands.lower"];
  expect(inputs.map(({ name }) => name)).toEqual([
    ...once.map((name) => `1h_${name}`),
    ...once.map((name) => `1d_${name}`),
    ...once.map((name) => `1h_${name}_lag_1`),
    ...once.map((name) => `1d_${name}_lag_1`),
  ]);
  expect(inputs[6]).toEqual({ name: "1d_close", timeframe: "1d", kind: "price", column: "close", lag: 0 });
  expect(crisp.slice(0, 3).map(({ indicator, price }) => [indicator, price])).toEqual([
    [0, null],
    [1, 2],
    [3, 2],
  ]);
  expect(features).toHaveLength(16);
  expect(features[8]).toBe("1h_rsi_14_low_lag_1");
});

test("a feature id that looks like a lag keeps a name of its own", () => {
  const fuzzy = [rsi, { ...rsi, featureId: "rsi_14_lag_1" }];
  const names = portableLayout({ timeframes: ["1d"], fuzzy, lookback: 1 }).inputs.map(({ name }) => name);
  expect(new Set(names).size).toBe(4);
});

test("corner rows put every crisp value at every foot and shoulder, ratios to the bit", () => {
  const layout = portableLayout({ timeframes: ["1d"], fuzzy: [rsi, sma], lookback: 0 });
  const rows = cornerRows(layout, [NaN, NaN, 173.57]);
  expect(rows.map(([value]) => value)).toEqual([0, 30, 40, 60, 70, 100]);
  expect(rows.map(([, average, price]) => price / average)).toEqual([0.95, 1, 1.05, 0.95, 1, 1.05]);
});
