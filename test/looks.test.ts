import { describe, expect, test } from "vitest";
import { CancelledError, neverCancelled, rowsPerCheck } from "../src/core/index.js";
import { computeMemberships, membershipTypes, type FuzzySpec } from "../src/fuzzy/index.js";
import { computeIndicators, indicatorNames, makeIndicatorSpec } from "../src/indicators/index.js";
import { labelTypes } from "../src/labels/index.js";
import { makeBars } from "./bars.js";

/** Looks are counted instead of timed: a look at least every 16,384 bars keeps 20 ns a bar below 0.4 ms. */
const n = 1_000_000;
const fewest = Math.floor(n / (2 * rowsPerCheck));
const bars = makeBars({ count: n, timeframe: "1m", volatility: 0.001 });

/** A token that is cancelled with its `limit`-th look. */
function tokenFor(limit: number): { readonly isCancelled: boolean; readonly looks: () => number } {
  let looks = 0;
  return {
    get isCancelled() {
      return ++looks >= limit;
    },
    looks: () => looks,
  };
}

type Step = (token: { readonly isCancelled: boolean }) => void;

/** Runs a step to its end, then stops it after half the looks. */
function expectLooks(step: Step): void {
  const whole = tokenFor(Infinity);
  step(whole);
  expect(whole.looks()).toBeGreaterThanOrEqual(fewest);
  const half = Math.ceil(whole.looks() / 2);
  const stopped = tokenFor(half);
  expect(() => step(stopped)).toThrow(CancelledError);
  expect(stopped.looks(), "none after the one that said so").toBe(half);
}

describe("over a million bars the token is looked at often, and stops the step in its middle", () => {
  test.each(indicatorNames)("indicator %s", (name) => {
    const specs = [makeIndicatorSpec(name, name)];
    expectLooks((token) => void computeIndicators(bars, specs, token));
  });

  test.each([
    ["sma", { period: n / 2 }],
    ["ema", { period: n - 1 }],
    ["bollingerbands", { period: n / 2 }],
  ] as const)("indicator %s with %j, most of it seed or one window", (name, params) => {
    const specs = [makeIndicatorSpec(name, name, params)];
    const token = tokenFor(Infinity);
    computeIndicators(bars, specs, token);
    // A window's running sum is one pass at 1 ns a value, so only loops with more to do look inside it.
    expect(token.looks()).toBeGreaterThanOrEqual(name === "sma" ? 2 : fewest);
  });

  test.each(Object.keys(labelTypes))("label %s", (name) => {
    const type = Object.values(labelTypes).find((one) => one.name === name)!;
    expectLooks((token) => void type.compute(bars, type.schema.parse({}), token));
  });

  const parameters = {
    triangular: [90, 100, 110],
    trapezoidal: [80, 90, 110, 120],
    gaussian: [100, 5],
    bell: [5, 2, 100],
    sigmoid: [100, 1],
  } as const;
  const columns = computeIndicators(bars, [makeIndicatorSpec("sma", "sma")], neverCancelled);

  test("every membership type is among the next tests", () => {
    expect(Object.keys(parameters)).toEqual(Object.keys(membershipTypes));
  });

  test.each(Object.keys(membershipTypes) as (keyof typeof parameters)[])("membership %s", (type) => {
    const specs: FuzzySpec[] = [
      {
        featureId: "sma",
        transform: { type: "identity" },
        sets: [{ name: "low", membership: { type, parameters: parameters[type] } }],
      },
    ];
    expectLooks((token) => void computeMemberships(bars, columns, specs, token));
  });
});
