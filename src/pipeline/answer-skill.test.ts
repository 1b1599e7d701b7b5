import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { CancelledError, createRandom, log, type Random } from "../core/index.js";
import { answerSkill, type AnswerSkill } from "./answer-skill.js";

/** Probabilities that choose these classes. */
function choosing(classes: Uint8Array): Float32Array {
  const probabilities = new Float32Array(classes.length * 3).fill(0.25);
  classes.forEach((chosen, i) => (probabilities[i * 3 + chosen] = 0.5));
  return probabilities;
}

/** The skill on one symbol, or several whose rows are alike, with labels known `span` bars later. */
function skillOf(chosen: Uint8Array, labels: Uint8Array, span = 1, symbols = 1): AnswerSkill {
  const repeated = (values: Uint8Array): Uint8Array =>
    Uint8Array.from({ length: values.length * symbols }, (_, i) => values[i % values.length]);
  const time = Float64Array.from({ length: labels.length * symbols }, (_, i) => i % labels.length);
  const knownAt = time.map((t) => t + span);
  const found = answerSkill(choosing(repeated(chosen)), repeated(labels), { time, knownAt });
  if (found === null) throw new Error("no samples");
  return found;
}
const lowOf = ({ interval, enough }: AnswerSkill): number => (enough && interval !== null ? interval[0] : -1);
const widthOf = ({ interval }: AnswerSkill): number => interval![1] - interval![0];

/** Classes that last for exponentially distributed stretches, like the legs of a trend. */
function legs(random: Random, n: number, mean: number, classes: number): Uint8Array {
  const values = new Uint8Array(n);
  for (let i = 0; i < n;) {
    const value = random.integer(0, classes - 1);
    for (let left = 1 - Math.floor(mean * log(1 - random.uniform())); left > 0 && i < n; left--)
      values[i++] = value;
  }
  return values;
}

/** Classes of the sum of the next `horizon` returns, which are pure noise. */
function forward(random: Random, n: number, horizon: number): Uint8Array {
  const returns = Float64Array.from({ length: n + horizon }, () => random.normal());
  return Uint8Array.from({ length: n }, (_, i) => {
    const sum = returns.subarray(i, i + horizon).reduce((a, b) => a + b, 0) / Math.sqrt(horizon);
    return sum > 0.4 ? 0 : sum < -0.4 ? 2 : 1;
  });
}

test("a worked example", () => {
  // Labels BUY and SELL in turn, always foreseen with 1/2 against 1/4 and 1/4. What came had 1/2; at random times BUY and SELL have
  // (1/2 + 1/4) / 2 = 3/8 on average. Of 4 samples the last label lies before each: the correction adds Σ_k (p_k - mean p_k)(l_k - 1/2) of
  // neighbours, -1/8 each for all but the first, divided by 4 bars: -3/4 · 1/8 · 1/4 · 4 samples / 4.
  const labels = Uint8Array.of(0, 2, 0, 2);
  const { chance, difference, interval, enough } = skillOf(labels, labels);
  expect(chance).toBeCloseTo(3 / 8, 12);
  expect(difference).toBeCloseTo(1 / 8 - (3 / 4) * (1 / 8) * (1 / 4), 12);
  expect([interval, enough], "four samples are too few for an interval").toEqual([null, false]);
});

test("constant answers know nothing, whatever the labels", () => {
  const labels = Uint8Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const { difference, interval, p } = skillOf(new Uint8Array(200), labels);
  expect([difference, interval, p]).toEqual([0, [0, 0], null]);
});

test("labels that reach further, and symbols that move as one, widen the interval", () => {
  const random = createRandom(2, "test");
  const [labels, chosen] = [forward(random, 600, 10), legs(random, 600, 15, 3)];
  expect(widthOf(skillOf(chosen, labels, 10))).toBeGreaterThan(1.1 * widthOf(skillOf(chosen, labels, 1)));
  expect(widthOf(skillOf(chosen, labels, 10, 3))).toBeCloseTo(widthOf(skillOf(chosen, labels, 10)), 6);
});

test("telling symbols apart is no timing", () => {
  // One symbol always rises, the other always falls; the model knows which is which.
  const labels = Uint8Array.from({ length: 400 }, (_, i) => (i < 200 ? 0 : 2));
  const time = Float64Array.from({ length: 400 }, (_, i) => i % 200);
  const found = answerSkill(choosing(labels), labels, { time, knownAt: time.map((t) => t + 1) });
  expect(found?.difference).toBeCloseTo(0, 12);
});

test("three lucky samples claim nothing; no samples, nothing", () => {
  expect(lowOf(skillOf(Uint8Array.of(0, 1, 2), Uint8Array.of(0, 1, 2)))).toBeLessThan(0);
  const none = new Float64Array(0);
  expect(answerSkill(new Float32Array(0), new Uint8Array(0), { time: none, knownAt: none })).toBeNull();
});

test("it can be cancelled", () => {
  const time = Float64Array.of(1, 2, 3);
  const labels = Uint8Array.of(0, 1, 2);
  expect(() => answerSkill(choosing(labels), labels, { time, knownAt: time }, { isCancelled: true })).toThrow(
    CancelledError,
  );
});

describe("guesses that know nothing claim skill in hardly more than 2.5 % of runs", () => {
  const runs = rounds(1000, 200);
  // 4 %, as an interval of few blocks is one of its estimates; and three standard errors.
  const limit = 0.04 * runs + 3 * Math.sqrt(0.04 * 0.96 * runs);
  test.each([34, 60, 100, 300])("%i bars", (n) => {
    const random = createRandom(n, "guesses");
    const kinds: Record<string, () => AnswerSkill> = {
      "independent, three classes": () => skillOf(legs(random, n, 0, 3), legs(random, n, 0, 3)),
      "independent, two classes": () => skillOf(legs(random, n, 0, 2), legs(random, n, 0, 2)),
      "lasting guesses": () => skillOf(legs(random, n, 20, 2), legs(random, n, 0, 2)),
      "overlapping labels, lasting guesses": () =>
        skillOf(legs(random, n, 15, 3), forward(random, n, 10), 10),
      "legs of a trend that are known at their ends": () =>
        skillOf(legs(random, n, 20, 2), legs(random, n, 20, 2), 20),
      "three symbols in step": () => skillOf(legs(random, n, 0, 2), legs(random, n, 0, 2), 1, 3),
    };
    for (const [kind, draw] of Object.entries(kinds)) {
      let claims = 0;
      for (let run = 0; run < runs; run++) if (lowOf(draw()) > 0) claims++;
      expect(claims, kind).toBeLessThanOrEqual(limit);
    }
  });
});

test("real skill is found: 45 % right of three equal classes, in 1000 samples", () => {
  const random = createRandom(9, "skill");
  let found = 0;
  for (let run = 0; run < 50; run++) {
    const labels = legs(random, 1000, 0, 3);
    const chosen = labels.map((label) => (random.uniform() < 0.175 ? label : random.integer(0, 2)));
    if (lowOf(skillOf(chosen, labels)) > 0) found++;
  }
  expect(found).toBeGreaterThan(45);
});
