import { expect, test } from "vitest";
import { neverCancelled } from "../../core/index.js";
import { BUY, HOLD, noLabel, SELL } from "../define.js";
import { forwardReturn } from "./forward-return.js";

test("the return over the horizon beyond the threshold decides; it is known at the horizon's end", () => {
  // Returns over 2 bars: +3 %, exactly +2 %, -5 %, none for the last two.
  const labels = forwardReturn(
    Float64Array.of(100, 100, 103, 102, 97.85),
    { horizon: 2, threshold: 0.02 },
    neverCancelled,
  );
  expect([...labels.classes]).toEqual([BUY, HOLD, SELL, noLabel, noLabel]);
  expect([...labels.knownAt]).toEqual([2, 3, 4, -1, -1]);
});

test("with a threshold of 0 only an unchanged price is HOLD", () => {
  const labels = forwardReturn(
    Float64Array.of(100, 101, 101, 100),
    { horizon: 1, threshold: 0 },
    neverCancelled,
  );
  expect([...labels.classes]).toEqual([BUY, HOLD, SELL, noLabel]);
});

test("a horizon beyond the data leaves every bar without a label", () => {
  const labels = forwardReturn(Float64Array.of(100, 101), { horizon: 2, threshold: 0 }, neverCancelled);
  expect([...labels.classes]).toEqual([noLabel, noLabel]);
});
