import { expect, test } from "vitest";
import { classificationMetrics, type TestMetrics } from "./metrics.js";

/** Probabilities that choose these classes with probability `p`, the rest shared by the others. */
function choosing(classes: readonly number[], p = 0.5): Float32Array {
  return Float32Array.from(
    classes.flatMap((chosen) => [0, 1, 2].map((k) => (k === chosen ? p : (1 - p) / 2))),
  );
}

const labels = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2);
const chosen = [0, 0, 0, 0, 1, 2, 1, 1, 0, 0, 2, 2];

test("a worked example", () => {
  const metrics = classificationMetrics(choosing(chosen), labels) as TestMetrics;
  expect(metrics.confusion_matrix).toEqual([
    [4, 1, 1],
    [2, 2, 1],
    [0, 0, 1],
  ]);
  // BUY: 4 of 6 found, 4 of 6 right. HOLD: 2 of 5 found, 2 of 3 right. SELL: 1 of 1 found, 1 of 3 right.
  expect(metrics.per_class.BUY).toEqual({ precision: 4 / 6, recall: 4 / 6, f1_score: 8 / 12, support: 6 });
  expect(metrics.per_class.HOLD).toEqual({ precision: 2 / 3, recall: 2 / 5, f1_score: 4 / 8, support: 5 });
  expect(metrics.samples).toBe(12);
  expect(metrics.test_accuracy).toBe(7 / 12);
  expect(metrics.precision).toBeCloseTo((6 * (4 / 6) + 5 * (2 / 3) + 1 / 3) / 12, 14);
  expect(metrics.recall, "weighted recall is accuracy").toBeCloseTo(7 / 12, 14);
  expect(metrics.f1_score).toBeCloseTo((6 * (8 / 12) + 5 * 0.5 + 0.5) / 12, 14);
  expect(metrics.balanced_accuracy).toBeCloseTo((4 / 6 + 2 / 5 + 1) / 3, 14);
  expect(metrics.majority_class_accuracy).toBe(0.5);
  // 7 hits at -log 0.5, 5 misses at -log 0.25
  expect(metrics.test_loss).toBeCloseTo((7 * Math.log(2) + 5 * Math.log(4)) / 12, 12);
});

test("a class with fewer than five samples says too few instead of figures", () => {
  const { per_class: classes } = classificationMetrics(choosing(chosen), labels) as TestMetrics;
  expect(classes.SELL).toEqual({
    precision: null,
    recall: null,
    f1_score: null,
    support: 1,
    note: "too few",
  });
  const five = classificationMetrics(choosing([2, 2, 2, 2, 2]), Uint8Array.of(2, 2, 2, 2, 2)) as TestMetrics;
  expect(five.per_class.SELL.precision).toBe(1);
  expect(five.per_class.BUY).toMatchObject({ support: 0, note: "too few" });
});

test("a class that is never predicted has precision 0; one that never occurs does not count", () => {
  const always = classificationMetrics(choosing([0, 0, 0, 0]), Uint8Array.of(0, 0, 1, 1)) as TestMetrics;
  expect(always).toMatchObject({
    test_accuracy: 0.5,
    precision: 0.25,
    recall: 0.5,
    balanced_accuracy: 0.5,
    majority_class_accuracy: 0.5,
  });
  expect(always.f1_score).toBeCloseTo(0.5 * (4 / 6), 14);
});

test("no samples, no metrics", () => {
  expect(classificationMetrics(new Float32Array(0), new Uint8Array(0))).toEqual({ samples: 0 });
});

test("a probability that was rounded to 0 costs a finite loss", () => {
  const { test_loss: loss } = classificationMetrics(
    Float32Array.of(1, 0, 0),
    Uint8Array.of(1),
  ) as TestMetrics;
  expect(loss).toBeCloseTo(149 * Math.log(2), 10);
});

test("on a tie the first class is predicted", () => {
  const metrics = classificationMetrics(Float32Array.of(0.25, 0.375, 0.375), Uint8Array.of(1)) as TestMetrics;
  expect(metrics.test_accuracy).toBe(1);
});
