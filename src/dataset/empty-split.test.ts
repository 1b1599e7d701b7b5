import { describe, expect, test } from "vitest";
import { assertPartsNotEmpty, EmptySplitError } from "./empty-split.js";
import { labelDistribution, missingClassWarning } from "./label-distribution.js";
import { splitSymbol } from "./split-symbol.js";
import { defaultSplit, sharedBoundaries, type SplitSpec } from "./split.js";

/** Symbol A with `n` bars at times 0, 1, ..., whose labels are known `horizon` bars later. */
function splitOf(n: number, horizon: number, split: SplitSpec, warmUp = 0) {
  const time = Float64Array.from({ length: n }, (_, t) => t);
  const knownAt = Int32Array.from(time, (t) => (t + horizon < n ? t + horizon : -1));
  const labels = { classes: Int8Array.from(knownAt, (t) => (t < 0 ? -1 : 0)), knownAt };
  const complete = Uint8Array.from(time, (t) => (t < warmUp ? 0 : 1));
  const range = { from: -Infinity, to: Infinity };
  return splitSymbol({
    symbol: "A",
    time,
    range,
    complete,
    warmUp,
    labels,
    boundaries: sharedBoundaries([time], split),
  });
}

function failureOf(run: () => void): EmptySplitError {
  try {
    run();
  } catch (error) {
    if (error instanceof EmptySplitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a part without samples", () => {
  test("names part, symbol, counts by cause and what to change", () => {
    const error = failureOf(() => assertPartsNotEmpty([splitOf(100, 15, defaultSplit)], defaultSplit));
    expect(error.message).toBe(
      "The validation part has no samples: A has 15 bars there (15 purged). " +
        "Widen the range, or use labels with a shorter horizon or a smaller threshold.",
    );
    expect([error.code, error.details]).toEqual([
      "EMPTY_SPLIT",
      {
        part: "validation",
        symbols: [{ symbol: "A", bars: 15, dropped: { warm_up: 0, no_label: 0, purged: 15, embargoed: 0 } }],
      },
    ]);
  });

  test("in warm-up asks for earlier bars", () => {
    const error = failureOf(() => assertPartsNotEmpty([splitOf(100, 1, defaultSplit, 90)], defaultSplit));
    expect(error.message).toBe(
      "The train part has no samples: A has 70 bars there (70 in warm-up). " +
        "Store earlier bars, begin later, or use shorter indicator periods or lags.",
    );
  });

  test("without any bars asks for a wider range", () => {
    const error = failureOf(() => assertPartsNotEmpty([splitOf(2, 0, defaultSplit)], defaultSplit));
    expect(error.message).toBe(
      "The validation part has no samples: A has 0 bars there. Widen the range or raise data_split.validation.",
    );
  });

  test("is no error where only one of several symbols lacks it, nor for a validation that was not asked for", () => {
    const none = { ...splitOf(100, 1, defaultSplit), symbol: "B", test: new Uint32Array(0) };
    assertPartsNotEmpty([none, splitOf(100, 1, defaultSplit)], defaultSplit);
    const two = { train: 0.8, validation: 0, test: 0.2, embargo: 0 };
    assertPartsNotEmpty([splitOf(100, 1, two)], two);
  });
});

test("a class that never occurs is named", () => {
  const found = labelDistribution([Uint8Array.of(0, 0, 2), Uint8Array.of(2)]);
  expect(found).toEqual({ BUY: 2, HOLD: 0, SELL: 2 });
  expect(missingClassWarning(found)).toMatch(/^No training sample is HOLD: /);
  expect(missingClassWarning({ BUY: 1, HOLD: 1, SELL: 1 })).toBeNull();
});
