import { expect, test } from "vitest";
import type { Bars } from "../data/index.js";
import { transformed, transformSchema } from "./transform.js";

const bars: Bars = {
  symbol: "SYN1",
  timeframe: "1d",
  time: Float64Array.of(0, 1, 2, 3),
  open: Float64Array.of(10, 20, 30, 40),
  high: Float64Array.of(12, 24, 36, 48),
  low: Float64Array.of(9, 18, 27, 36),
  close: Float64Array.of(11, 22, 33, 44),
  volume: Float64Array.of(1, 1, 1, 1),
  meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
};
const scratch = new Float64Array(4);

test("identity gives the indicator's own values", () => {
  const column = Float64Array.of(NaN, 1, 2, 3);
  expect([...transformed({ type: "identity" }, bars, column, 1, 3, scratch)]).toEqual([1, 2]);
});

test("price_ratio is the reference price over the indicator", () => {
  const column = Float64Array.of(8, 16, 60, -11);
  expect([...transformed({ type: "price_ratio", reference: "high" }, bars, column, 0, 3, scratch)]).toEqual([
    1.5, 1.5, 0.6,
  ]);
  expect([...transformed({ type: "price_ratio", reference: "close" }, bars, column, 3, 4, scratch)]).toEqual([
    -4,
  ]);
});

test("a ratio to zero or to nothing is undefined", () => {
  const column = Float64Array.of(0, -0, NaN, 33);
  const ratio = transformed({ type: "price_ratio", reference: "low" }, bars, column, 0, 3, scratch);
  expect([...ratio]).toEqual([NaN, NaN, NaN]);
});

test("the schema knows the two transforms and nothing beside them", () => {
  expect(transformSchema.parse({ type: "price_ratio", reference: "low" })).toEqual({
    type: "price_ratio",
    reference: "low",
  });
  expect(transformSchema.parse({ type: "identity" })).toEqual({ type: "identity" });
  for (const wrong of [
    { type: "price_ratio" },
    { type: "price_ratio", reference: "volume" },
    { type: "zscore" },
    { type: "identity", reference: "close" },
    {},
  ]) {
    expect(transformSchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  }
});
