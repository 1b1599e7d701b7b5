import { beatsBestOfChance } from "../backtest/index.js";
import { classNames } from "../labels/index.js";
import type { ClassificationMetrics, TestMetrics } from "../training/index.js";
import type { AnswerSkill } from "./answer-skill.js";
import type { Verdict } from "./result.js";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const points = (difference: number): string =>
  `${difference >= 0 ? "+" : ""}${(100 * difference).toFixed(1)}`;

/** What controls came to that learnt from shuffled labels: means over them. */
export interface ControlFacts {
  readonly runs: number;
  readonly accuracy: number;
  /** As in `AnswerSkill`. */
  readonly difference: number;
}

/** What the verdict has to know beside the figures. */
export interface AnswerFacts {
  /** Such as `189 test bars from 2017-08-10 to 2018-05-11`. */
  readonly measuredOn: string;
  /** Bars of these from the time the model was fitted to. */
  readonly seen: number;
  /** Runs on the same data, this one included. */
  readonly trials: number;
  /** What a control on shuffled labels came to, where one was trained. */
  readonly control?: ControlFacts | undefined;
}

/**
 * What the answers on bars that the model was not fitted to say about skill, in words that a novice understands.
 *
 * Skill is claimed only where what came had more probability than at random times (`answerSkill`; the whole 95 % interval above 0), by more than the best of `trials` worthless runs would be (expected maximum as for the deflated Sharpe ratio),
 * more often than always giving the commonest answer, and where no control on shuffled labels does as well.
 */
export function judge(
  metrics: ClassificationMetrics,
  skill: AnswerSkill | null,
  facts: AnswerFacts,
): Verdict {
  const { measuredOn, seen, trials, control } = facts;
  const common = { measured_on: measuredOn, deflated_sharpe: null, trials };
  if (!("test_accuracy" in metrics) || skill === null) {
    const statement = "Nothing was measured: there are no test bars, and no evidence of skill.";
    return { significant: false, statement, ...common, interval: null, p_value: null };
  }
  const { test_accuracy: accuracy, majority_class_accuracy: majority } = metrics;
  const { interval, p, chance, difference } = skill;
  const figures =
    `On ${measuredOn}${seen === 0 ? ", which it had not seen," : ""} the model was right ${percent(accuracy)} of the time, always answering ${commonestClass(metrics)} ${percent(majority)}. ` +
    `It gave what came ${percent(chance + difference)} probability; the same probabilities at random times would have given ${percent(chance)}.`;
  const range =
    interval === null ? "" : ` (95 % interval ${points(interval[0])} to ${points(interval[1])} points)`;
  const gap = `The difference of ${points(difference)} points`;
  const [significant, judgement] = judgementOf(metrics, skill, facts);
  const beside =
    control === undefined
      ? ""
      : ` Controls that learnt from shuffled labels (${control.runs}) were right ${percent(control.accuracy)} on average, with a difference of ${points(control.difference)} points.`;
  return {
    significant,
    statement:
      `${figures} ${gap} ${judgement.replace("RANGE", range)}${beside} ` +
      `Costs are not in this, and answers have no returns and no Sharpe ratio: a back-test has.`,
    ...common,
    interval,
    p_value: p,
  };
}

/** Whether there is skill, and the rest of the sentence that begins with the difference. */
function judgementOf(
  { test_accuracy: accuracy, majority_class_accuracy: majority }: TestMetrics,
  { interval, deviations, difference, enough }: AnswerSkill,
  { seen, trials, control }: AnswerFacts,
): [significant: boolean, text: string] {
  const runs = `${trials} ${trials === 1 ? "run" : "runs"} on these data`;
  if (seen > 0) {
    // A test on bars that the model was fitted to shows memory, not skill.
    return [
      false,
      `says nothing about new barsRANGE: ${seen} of these bars lie in the time the model was trained on, and that is no evidence of skill.`,
    ];
  }
  if (interval === null || deviations === null) {
    return [false, "cannot be told from chance on so few bars: no evidence of skill."];
  }
  if (interval[1] < 0) return [false, "is to its disadvantageRANGE: no evidence of skill."];
  if (interval[0] <= 0) return [false, "may be chanceRANGE: no evidence of skill."];
  if (!enough) {
    return [
      false,
      "would be more than chanceRANGE, but these bars are too few for labels that last so long: no evidence of skill.",
    ];
  }
  if (!beatsBestOfChance(deviations, trials)) {
    return [
      false,
      `would be more than chanceRANGE, but after ${runs} the best of so many worthless ones could look as good: no evidence of skill.`,
    ];
  }
  if (control !== undefined && control.difference >= difference) {
    return [
      false,
      "is more than chanceRANGE, but controls that learnt from shuffled labels do as well: no evidence of skill.",
    ];
  }
  if (accuracy <= majority) {
    return [
      false,
      "is more than chanceRANGE, so it follows something, but the constant answer is right as often: no evidence of skill.",
    ];
  }
  return [true, `is more than chance explains, also for the best of ${runs}RANGE: evidence of skill.`];
}

/** The class that most of the rows are of; the first on a tie. */
function commonestClass({ confusion_matrix: confusion }: TestMetrics): string {
  const counts = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  return classNames[counts.indexOf(Math.max(...counts))];
}
