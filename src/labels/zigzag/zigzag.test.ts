import { describe, expect, test } from "vitest";
import { neverCancelled } from "../../core/index.js";
import { zigzagLabel, zigzagSegments } from "./zigzag.js";

/** Per bar: class letter (B, H, S or . for none) and the bar with which it is known. */
function labelled(
  prices: readonly number[],
  threshold: number,
): { letters: string; known: number[]; pivots: string } {
  const { classes, knownAt, pivots } = zigzagSegments(Float64Array.from(prices), threshold, neverCancelled);
  return {
    letters: [...classes].map((c) => (c < 0 ? "." : "BHS"[c])).join(""),
    known: [...knownAt],
    pivots: [...pivots].map((p) => (p === 0 ? "." : p > 0 ? "H" : "L")).join(""),
  };
}

describe("zigzag segments of 5 %", () => {
  test("a rise, a fall and a rise, worked out by hand", () => {
    //              0    1    2    3    4    5    6    7   8   9   10
    const prices = [100, 102, 106, 105, 110, 108, 104, 98, 99, 97, 103];
    // Bar 2 is 6 % above bar 0: rising. Bar 4 is a new high. Bar 6 is 5.45 % below it: bar 4 is a high, falling. Bars 7 and 9 are new
    // lows. Bar 10 is 6.2 % above bar 9: bar 9 is a low, rising; bar 10 is the running extreme and has no label.
    expect(labelled(prices, 0.05)).toEqual({
      letters: "HBBBHSSSSH.",
      known: [0, 2, 4, 4, 6, 6, 7, 9, 9, 10, -1],
      pivots: "L...H....L.",
    });
  });

  test("a move of exactly the threshold counts, one just below does not", () => {
    expect(labelled([100, 105], 0.05).pivots).toBe("L.");
    expect(labelled([100, 104.99], 0.05).pivots).toBe("..");
    expect(labelled([100, 95], 0.05).pivots).toBe("H.");
    expect(labelled([100, 120, 114], 0.05).pivots).toBe("LH.");
    expect(labelled([100, 120, 114.01], 0.05).pivots).toBe("L..");
  });

  test("the first bar is the reference until a price is far enough from it", () => {
    // From 104 down to 96 is more than 5 %, but neither is 5 % from bar 0; bar 4 is.
    expect(labelled([100, 104, 96, 103, 106, 107], 0.05)).toEqual({
      letters: "HBBBB.",
      known: [0, 4, 4, 4, 5, -1],
      pivots: "L.....",
    });
  });

  test("of equal highs the first is the pivot; the others lie in the falling leg", () => {
    expect(labelled([100, 110, 110, 110, 100], 0.05)).toEqual({
      letters: "HHSS.",
      known: [0, 4, 4, 4, -1],
      pivots: "LH...",
    });
  });

  test("without a move of the threshold only the first bar has a label", () => {
    expect(labelled([100, 101, 99, 100], 0.05)).toEqual({
      letters: "H...",
      known: [0, -1, -1, -1],
      pivots: "....",
    });
  });

  test("the opposite turn at every bar makes every bar a pivot", () => {
    expect(labelled([100, 110, 100, 110, 100], 0.05)).toEqual({
      letters: "HHHH.",
      known: [0, 2, 3, 4, -1],
      pivots: "LHLH.",
    });
  });
});

test("thresholds outside (0, 1) and unknown sources are refused", () => {
  for (const threshold of [0, 1, -0.1, NaN, "0.05"]) {
    expect(zigzagLabel.schema.safeParse({ threshold }).success, `threshold ${threshold}`).toBe(false);
  }
  expect(zigzagLabel.schema.safeParse({ source: "volume" }).success).toBe(false);
});
