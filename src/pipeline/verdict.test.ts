import { expect, test } from "vitest";
import { classificationMetrics } from "../training/index.js";
import type { AnswerSkill } from "./answer-skill.js";
import { judge } from "./verdict.js";

/** Ten rows, 6 SELL and 4 BUY, of which `hits` of the SELL rows and all BUY rows are answered right. */
function metricsOf(hits: number) {
  const labels = Uint8Array.of(2, 2, 2, 2, 2, 2, 0, 0, 0, 0);
  const answers = Array.from(labels, (label, i) => (label === 2 && i >= hits ? 1 : label));
  const probabilities = Float32Array.from(answers.flatMap((k) => [0, 1, 2].map((j) => (j === k ? 1 : 0))));
  return classificationMetrics(probabilities, labels);
}

const skillOf = (low: number, high: number, more: Partial<AnswerSkill> = {}): AnswerSkill => ({
  chance: 0.52,
  difference: (low + high) / 2,
  interval: [low, high],
  p: 0.01,
  deviations: 2.5,
  enough: true,
  ...more,
});
const facts = { measuredOn: "10 test bars", seen: 0, trials: 1 };

test("skill is claimed only where the whole interval lies above 0", () => {
  const claims = judge(metricsOf(6), skillOf(0.01, 0.3), facts);
  expect(claims).toMatchObject({
    significant: true,
    interval: [0.01, 0.3],
    measured_on: "10 test bars",
    deflated_sharpe: null,
    trials: 1,
    p_value: 0.01,
  });
  expect(claims.statement).toBe(
    "On 10 test bars, which it had not seen, the model was right 100.0 % of the time, always answering SELL 60.0 %. It gave what " +
      "came 67.5 % probability; the same probabilities at random times would have given 52.0 %. The difference of +15.5 points is more than chance " +
      "explains, also for the best of 1 run on these data (95 % interval +1.0 to +30.0 points): evidence of skill. Costs are not " +
      "in this, and answers have no returns and no Sharpe ratio: a back-test has.",
  );
  const open = judge(metricsOf(4), skillOf(-0.1, 0.3), facts);
  expect(open.significant).toBe(false);
  expect(open.statement).toContain("may be chance");
  const touching = judge(metricsOf(4), skillOf(0, 0.3), facts);
  expect(touching.significant, "0 itself is no skill").toBe(false);
  expect(judge(metricsOf(0), skillOf(-0.4, -0.1), facts).statement).toContain("disadvantage");
});

test.each([
  [
    "bars that the model was fitted to",
    6,
    {},
    { seen: 7 },
    "7 of these bars lie in the time the model was trained on",
  ],
  [
    "labels that last too long for so few bars",
    6,
    { enough: false },
    {},
    "too few for labels that last so long",
  ],
  // Φ⁻¹ of 1 - 1/100 and 1 - 1/(100e) make the best of 100 worthless runs 2.53 deviations.
  [
    "the best of many runs",
    6,
    {},
    { trials: 100 },
    "after 100 runs on these data the best of so many worthless ones",
  ],
  ["controls that do as well", 6, {}, { control: { runs: 3, accuracy: 0.9, difference: 0.2 } }, "do as well"],
  [
    "answers that follow something, where the constant answer is right more often",
    1,
    {},
    {},
    "the constant answer",
  ],
] as const)("%s: no evidence, whatever the figures", (_, hits, skill, more, part) => {
  const { significant, statement } = judge(metricsOf(hits), skillOf(0.01, 0.3, skill), { ...facts, ...more });
  expect(significant).toBe(false);
  expect(statement).toContain(part);
  expect(statement).toContain("no evidence of skill");
});

test("bars that the model was fitted to are not called new", () => {
  expect(judge(metricsOf(6), skillOf(0.2, 0.5), { ...facts, seen: 7 }).statement).not.toContain(
    "had not seen",
  );
});

test("controls that do worse are told, and take nothing away", () => {
  const control = { runs: 3, accuracy: 0.51, difference: 0.002 };
  const { significant, statement } = judge(metricsOf(6), skillOf(0.01, 0.3), { ...facts, control });
  expect(significant).toBe(true);
  expect(statement).toContain(
    "Controls that learnt from shuffled labels (3) were right 51.0 % on average, with a difference of +0.2 points",
  );
});

test("without samples, or with too few, nothing is claimed", () => {
  expect(judge({ samples: 0 }, null, { ...facts, measuredOn: "no test bars" })).toMatchObject({
    significant: false,
    interval: null,
    p_value: null,
  });
  const few = judge(
    metricsOf(6),
    skillOf(0, 0, { interval: null, p: null, deviations: null, enough: false }),
    facts,
  );
  expect(few).toMatchObject({ significant: false, interval: null });
  expect(few.statement).toContain("no evidence of skill");
});
