import { classNames } from "../labels/index.js";
import type { AccuracyInterval, ClassificationMetrics, TestMetrics } from "../training/index.js";
import type { Verdict } from "./result.js";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const points = (difference: number): string =>
  `${difference >= 0 ? "+" : ""}${(100 * difference).toFixed(1)}`;

/**
 * One sentence that a novice understands: was anything learnt that always giving the commonest answer does not give?
 * It claims skill only where the whole 95 % interval of the difference lies above 0, on bars that the model was not
 * fitted to. The interval allows for labels that overlap and for symbols that move together (`accuracyAgainstMajority`).
 *
 * @param measuredOn such as `189 test bars from 2017-08-10 to 2018-05-11`
 * @param seen       bars of these from the time the model was fitted to
 */
export function judge(
  metrics: ClassificationMetrics,
  interval: AccuracyInterval | null,
  measuredOn: string,
  seen: number,
): Verdict {
  if (!("test_accuracy" in metrics) || interval === null) {
    return {
      significant: false,
      statement: "Nothing was measured: there are no test bars.",
      measured_on: measuredOn,
      interval: null,
    };
  }
  const { test_accuracy: accuracy, majority_class_accuracy: majority } = metrics;
  const range = `95 % interval ${points(interval.low)} to ${points(interval.high)} points`;
  const facts =
    `On ${measuredOn}${seen === 0 ? ", which it had not seen," : ""} the model was right ${percent(accuracy)} of the time; ` +
    `always answering ${commonestClass(metrics)} would have been right ${percent(majority)}.`;
  return {
    significant: seen === 0 && interval.low > 0,
    statement: `${facts} ${judgement(interval, range)}${seen === 0 ? "" : ` ${memoryNotice(seen)}`}`,
    measured_on: measuredOn,
    interval: [interval.low, interval.high],
  };
}

function judgement({ difference, low, high }: AccuracyInterval, range: string): string {
  const gap = `The difference of ${points(difference)} points`;
  if (low > 0) return `${gap} is more than chance explains (${range}).`;
  if (high < 0) return `${gap} is to its disadvantage (${range}): it has learnt nothing that helps here.`;
  return `${gap} may be chance (${range}), so it is not yet shown to have learnt anything.`;
}

/** A test on bars that the model was fitted to shows memory, not skill. */
function memoryNotice(seen: number): string {
  return `But ${seen} of these bars lie in the time the model was trained on, so this says nothing about new bars.`;
}

/** The class that most of the rows are of; the first on a tie, as in the interval. */
function commonestClass({ confusion_matrix: confusion }: TestMetrics): string {
  const counts = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  return classNames[counts.indexOf(Math.max(...counts))];
}
