import { inBlocks, log, neverCancelled, type CancellationToken } from "../core/index.js";
import { classNames, type ClassName } from "../labels/index.js";

/** A class with fewer test samples than this gets no figures: one hit more would move them by 20 points or more. */
export const fewestSamples = 5;

/** Figures of one class; without figures where it has too few samples. */
export type ClassMetrics =
  | {
      readonly precision: number;
      readonly recall: number;
      readonly f1_score: number;
      /** Samples that are of this class. */
      readonly support: number;
    }
  | {
      readonly precision: null;
      readonly recall: null;
      readonly f1_score: null;
      readonly support: number;
      readonly note: "too few";
    };

/** How well probabilities fit labels, under the names of files and HTTP. */
export interface TestMetrics {
  readonly samples: number;
  readonly test_accuracy: number;
  /** Mean cross-entropy, unweighted. */
  readonly test_loss: number;
  /** Of precision, recall and F1 the means over classes weighted by support; a class never predicted has precision 0. */
  readonly precision: number;
  readonly recall: number;
  readonly f1_score: number;
  /** Mean recall of the classes that occur: chance is one over their number, however unequal they are. */
  readonly balanced_accuracy: number;
  /** Accuracy of always giving the class that is commonest in these very samples: the best a constant answer can do. */
  readonly majority_class_accuracy: number;
  readonly per_class: Readonly<Record<ClassName, ClassMetrics>>;
  /** Rows are true classes, columns predicted ones; order BUY, HOLD, SELL. */
  readonly confusion_matrix: readonly (readonly number[])[];
}

/** What stands in place of metrics where there is nothing to test on. */
export interface NoTestMetrics {
  readonly samples: 0;
}

/** Metrics of a part, or that it has no samples. */
export type ClassificationMetrics = TestMetrics | NoTestMetrics;

/** Index of the largest of the three probabilities of row `i`; the first on a tie. */
export function predictedClass(probabilities: Float32Array, i: number): number {
  const buy = probabilities[i * 3];
  const hold = probabilities[i * 3 + 1];
  const sell = probabilities[i * 3 + 2];
  if (buy >= hold && buy >= sell) return 0;
  return hold >= sell ? 1 : 2;
}

/** The smallest float32 above 0: a probability that was rounded to 0 costs 103 nats, not infinitely many. */
const smallest = 2 ** -149;

/** -log p of the label of row `i`. */
export function crossEntropy(probabilities: Float32Array, labels: Uint8Array, i: number): number {
  return -log(Math.max(probabilities[i * 3 + labels[i]], smallest));
}

/**
 * Accuracy, loss, precision, recall, F1 and confusion of predictions.
 *
 * @param probabilities [n × 3], as `Network.predict` gives them
 * @param labels        [n], BUY 0, HOLD 1, SELL 2
 * @throws CancelledError
 */
export function classificationMetrics(
  probabilities: Float32Array,
  labels: Uint8Array,
  token: CancellationToken = neverCancelled,
): ClassificationMetrics {
  const n = labels.length;
  if (n === 0) return { samples: 0 };
  const confusion = classNames.map(() => classNames.map(() => 0));
  let lossSum = 0;
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      confusion[labels[i]][predictedClass(probabilities, i)]++;
      lossSum += crossEntropy(probabilities, labels, i);
    }
  });
  const classes = classNames.map((_, k) => scoresOf(confusion, k));
  const occurring = classes.filter(({ support }) => support > 0);
  const weighted = (score: "precision" | "recall" | "f1_score"): number =>
    sumOf(classes, (scores) => scores[score] * scores.support) / n;
  const perClass = classNames.map((name, k) => [name, withoutFewSamples(classes[k])] as const);
  return {
    samples: n,
    test_accuracy: sumOf(confusion, (row, k) => row[k]) / n,
    test_loss: lossSum / n,
    precision: weighted("precision"),
    recall: weighted("recall"),
    f1_score: weighted("f1_score"),
    balanced_accuracy: sumOf(occurring, ({ recall }) => recall) / occurring.length,
    majority_class_accuracy: Math.max(...classes.map(({ support }) => support)) / n,
    per_class: Object.fromEntries(perClass) as Record<ClassName, ClassMetrics>,
    confusion_matrix: confusion,
  };
}

interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1_score: number;
  readonly support: number;
}

/** Scores of class `k`; 0 where the division has no denominator. */
function scoresOf(confusion: readonly (readonly number[])[], k: number): Scores {
  const hits = confusion[k][k];
  const support = sumOf(confusion[k], (count) => count);
  const predicted = sumOf(confusion, (row) => row[k]);
  return {
    precision: predicted === 0 ? 0 : hits / predicted,
    recall: support === 0 ? 0 : hits / support,
    f1_score: support + predicted === 0 ? 0 : (2 * hits) / (support + predicted),
    support,
  };
}

function withoutFewSamples(scores: Scores): ClassMetrics {
  const { support } = scores;
  if (support >= fewestSamples) return scores;
  return { precision: null, recall: null, f1_score: null, support, note: "too few" };
}

function sumOf<Item>(items: readonly Item[], value: (item: Item, index: number) => number): number {
  return items.reduce((sum, item, index) => sum + value(item, index), 0);
}
