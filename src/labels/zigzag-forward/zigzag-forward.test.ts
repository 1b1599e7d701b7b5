import fc from "fast-check";
import { expect, test } from "vitest";
import { rounds } from "../../../test/rounds.js";
import { neverCancelled } from "../../core/index.js";
import { BUY, HOLD, SELL } from "../define.js";
import { zigzagForward, zigzagForwardLabel } from "./zigzag-forward.js";

const compute = (prices: readonly number[], threshold: number, horizon: number, minSwing: number) =>
  zigzagForward(Float64Array.from(prices), { threshold, horizon, minSwing }, neverCancelled);

/** The definition, word for word, of a bar whose whole window is there. */
function byDefinition(
  prices: readonly number[],
  t: number,
  threshold: number,
  horizon: number,
  minSwing: number,
): number {
  const ahead = prices.slice(t + 1, t + 1 + horizon);
  const gain = (Math.max(...ahead) - prices[t]) / prices[t];
  const loss = (prices[t] - Math.min(...ahead)) / prices[t];
  if (gain >= threshold && gain > loss) return ahead.indexOf(Math.max(...ahead)) + 1 >= minSwing ? BUY : HOLD;
  if (loss >= threshold && loss > gain)
    return ahead.indexOf(Math.min(...ahead)) + 1 >= minSwing ? SELL : HOLD;
  return HOLD;
}

test("classes are those of the definition, for every bar with a whole window", () => {
  const prices = fc.array(fc.integer({ min: 80, max: 240 }), { minLength: 1, maxLength: 50 });
  const property = fc.property(
    prices,
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 12 }),
    (x, a, b) => {
      const horizon = Math.max(a, b);
      const minSwing = Math.min(a, b);
      const { classes, knownAt } = compute(x, 0.05, horizon, minSwing);
      for (let t = 0; t + horizon < x.length; t++) {
        expect(classes[t], `bar ${t}`).toBe(byDefinition(x, t, 0.05, horizon, minSwing));
        expect(knownAt[t]).toBeLessThanOrEqual(t + horizon);
      }
    },
  );
  fc.assert(property, { numRuns: rounds(500, 100) });
});

test("gain, loss and their tie, worked out by hand", () => {
  //                                          gain 6 % at bar 2, loss 1 %
  expect(compute([100, 99, 106, 100], 0.05, 3, 2).classes[0]).toBe(BUY);
  expect(compute([100, 99, 106, 100], 0.05, 3, 3).classes[0], "the gain comes 2 bars ahead").toBe(HOLD);
  expect(compute([100, 101, 94, 100], 0.05, 3, 2).classes[0], "loss 6 %").toBe(SELL);
  expect(compute([100, 106, 94, 100], 0.05, 3, 1).classes[0], "gain and loss both 6 %").toBe(HOLD);
  expect(compute([100, 104, 97, 100], 0.05, 3, 1).classes[0], "neither reaches 5 %").toBe(HOLD);
});

test("a price that has doubled late enough is a label at once, for no later loss can exceed the gain", () => {
  const doubled = compute([100, 120, 150, 200, 190], 0.05, 10, 3);
  expect([doubled.classes[0], doubled.knownAt[0]]).toEqual([BUY, 3]);
  const almost = compute([100, 120, 150, 199.9, 190], 0.05, 10, 3);
  expect([almost.classes[0], almost.knownAt[0]], "a fall to 0.05 would exceed a gain of 99.9 %").toEqual([
    -1, -1,
  ]);
  const early = compute([100, 300, 250, 250, 250], 0.05, 10, 3);
  expect(early.classes[0], "first reached before min_swing: HOLD unless a higher high follows").toBe(-1);
  const higher = compute([100, 300, 250, 250, 301], 0.05, 10, 3);
  expect([higher.classes[0], higher.knownAt[0]]).toEqual([BUY, 4]);
});

test("a loss that rounds to 100 % does not tie with a gain of 100 %", () => {
  expect(compute([100, 200, 1e-300], 0.05, 2, 1).classes[0]).toBe(BUY);
});

test("a min_swing beyond the horizon is refused", () => {
  expect(zigzagForwardLabel.schema.safeParse({ horizon: 2 }).error?.issues[0]).toMatchObject({
    path: ["min_swing"],
    message: "must not exceed horizon: no label but HOLD could occur",
  });
});
