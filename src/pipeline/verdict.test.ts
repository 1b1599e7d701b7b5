import { expect, test } from "vitest";
import { classificationMetrics } from "../training/index.js";
import { judge } from "./verdict.js";

/** Ten rows, 6 SELL and 4 BUY, of which `hits` of the SELL rows and all BUY rows are answered right. */
function metricsOf(hits: number) {
  const labels = Uint8Array.of(2, 2, 2, 2, 2, 2, 0, 0, 0, 0);
  const answers = Array.from(labels, (label, i) => (label === 2 && i >= hits ? 1 : label));
  const probabilities = Float32Array.from(answers.flatMap((k) => [0, 1, 2].map((j) => (j === k ? 1 : 0))));
  return classificationMetrics(probabilities, labels);
}

const interval = (low: number, high: number) => ({
  difference: (low + high) / 2,
  low,
  high,
  effectiveSamples: 10,
});

test("skill is claimed only where the whole interval lies above 0", () => {
  const claims = judge(metricsOf(6), interval(0.01, 0.3), "10 test bars", 0);
  expect(claims).toMatchObject({ significant: true, interval: [0.01, 0.3], measured_on: "10 test bars" });
  expect(claims.statement).toBe(
    "On 10 test bars, which it had not seen, the model was right 100.0 % of the time; always answering SELL would have " +
      "been right 60.0 %. The difference of +15.5 points is more than chance explains (95 % interval +1.0 to +30.0 points).",
  );
  const open = judge(metricsOf(4), interval(-0.1, 0.3), "10 test bars", 0);
  expect(open.significant).toBe(false);
  expect(open.statement).toContain("may be chance");
  const touching = judge(metricsOf(4), interval(0, 0.3), "10 test bars", 0);
  expect(touching.significant, "0 itself is no skill").toBe(false);
  expect(judge(metricsOf(0), interval(-0.4, -0.1), "10 test bars", 0).statement).toContain("disadvantage");
});

test("bars that the model was fitted to show no skill, however high the accuracy", () => {
  const { significant, statement } = judge(metricsOf(6), interval(0.2, 0.5), "10 bars", 7);
  expect(significant).toBe(false);
  expect(statement).not.toContain("had not seen");
  expect(statement).toContain("7 of these bars lie in the time the model was trained on");
});

test("without samples nothing is claimed", () => {
  expect(judge({ samples: 0 }, null, "no test bars", 0)).toMatchObject({
    significant: false,
    interval: null,
  });
});
