import type { AccuracyInterval, ClassificationMetrics } from "../training/index.js";
import type { Verdict } from "./result.js";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const points = (difference: number): string =>
  `${difference >= 0 ? "+" : ""}${(100 * difference).toFixed(1)}`;

/**
 * One sentence that a novice understands: was anything learnt that always giving the commonest answer does not give?
 * It claims skill only where the whole 95 % interval of the difference lies above 0.
 *
 * @param measuredOn such as `189 test bars from 2017-08-10 to 2018-05-11`
 * @param commonest  the commonest class of these bars
 */
export function judge(
  metrics: ClassificationMetrics,
  interval: AccuracyInterval | null,
  measuredOn: string,
  commonest: string,
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
  const significant = interval.low > 0;
  const range = `95 % interval ${points(interval.low)} to ${points(interval.high)} points`;
  const facts =
    `On ${measuredOn}, which it had not seen, the model was right ${percent(accuracy)} of the time; ` +
    `always answering ${commonest} would have been right ${percent(majority)}.`;
  const judgement = significant
    ? `The difference of ${points(interval.difference)} points is more than chance explains (${range}).`
    : interval.high < 0
      ? `The difference of ${points(interval.difference)} points is to its disadvantage (${range}): it has learnt nothing that helps here.`
      : `The difference of ${points(interval.difference)} points may be chance (${range}), so it is not yet shown to have learnt anything.`;
  return {
    significant,
    statement: `${facts} ${judgement}`,
    measured_on: measuredOn,
    interval: [interval.low, interval.high],
  };
}
