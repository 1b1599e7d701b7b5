import { describe, expect, test } from "vitest";
import { CancelledError, createRandom, log, type Random } from "../core/index.js";
import { rounds } from "../../test/rounds.js";
import { accuracyAgainstMajority, type AccuracyInterval } from "./majority.js";

/** Probabilities that choose these classes. */
function choosing(classes: Uint8Array): Float32Array {
  const probabilities = new Float32Array(classes.length * 3).fill(0.2);
  classes.forEach((chosen, i) => (probabilities[i * 3 + chosen] = 0.6));
  return probabilities;
}

/** The interval for one symbol, or several whose rows are alike, with labels known `span` bars later. */
function interval(chosen: Uint8Array, labels: Uint8Array, span = 1, symbols = 1): AccuracyInterval {
  const repeated = (values: Uint8Array): Uint8Array =>
    Uint8Array.from({ length: values.length * symbols }, (_, i) => values[i % values.length]);
  const time = Float64Array.from({ length: labels.length * symbols }, (_, i) => i % labels.length);
  const found = accuracyAgainstMajority(choosing(repeated(chosen)), repeated(labels), {
    time,
    knownAt: time.map((t) => t + span),
  });
  if (found === null) throw new Error("no samples");
  return found;
}

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

test("a worked example of independent samples", () => {
  // 100 samples alternate in a fixed pattern so that hits have no memory; BUY is commonest (40 of 100).
  const labels = Uint8Array.from({ length: 100 }, (_, i) => [0, 1, 2, 0, 1, 2, 0, 1, 2, 0][i % 10]);
  // The model is right but for every tenth sample, whose BUY it calls SELL.
  const chosen = labels.map((label, i) => (i % 10 === 9 ? 2 : label));
  const { difference, low, high, effectiveSamples } = interval(chosen, labels);
  expect(difference).toBeCloseTo(0.9 - 0.4, 14);
  expect(effectiveSamples).toBe(100);
  // Bonett & Price: 60 wins, 10 losses; p = 61/102, q = 11/102. 13 lags of 100 times: quantile at share 0.14.
  const [p, q] = [61 / 102, 11 / 102];
  const quantile = 1.96 + 2.9694 * 0.14 + 0.416 * 0.14 ** 2 - 0.5324 * 0.14 ** 3;
  const half = quantile * Math.sqrt((p + q - (p - q) ** 2) / 102);
  expect(low).toBeCloseTo(p - q - half, 12);
  expect(high).toBeCloseTo(p - q + half, 12);
});

test("labels that look ten bars ahead count a tenth", () => {
  const random = createRandom(1, "test");
  const labels = legs(random, 200, 0, 3);
  const { effectiveSamples } = interval(labels, labels, 10);
  // Spans are cut at the last sample, so the mean is a little under 10.
  expect(effectiveSamples).toBeGreaterThan(20);
  expect(effectiveSamples).toBeLessThan(21);
});

test("three symbols that move as one count as one", () => {
  const random = createRandom(2, "test");
  const [labels, chosen] = [legs(random, 300, 0, 3), legs(random, 300, 0, 3)];
  const alone = interval(chosen, labels).effectiveSamples;
  const together = interval(chosen, labels, 1, 3).effectiveSamples;
  expect(together).toBeLessThan(1.2 * alone);
});

test("the order of the rows does not matter", () => {
  const random = createRandom(3, "test");
  const [labels, chosen] = [legs(random, 60, 4, 3), legs(random, 60, 4, 3)];
  const time = Float64Array.from(labels, (_, i) => i);
  const forwards = accuracyAgainstMajority(choosing(chosen), labels, {
    time,
    knownAt: time.map((t) => t + 2),
  });
  const backwards = accuracyAgainstMajority(choosing(chosen.toReversed()), labels.toReversed(), {
    time: time.toReversed(),
    knownAt: time.toReversed().map((t) => t + 2),
  });
  expect(backwards?.low).toBeCloseTo(forwards!.low, 12);
  expect(backwards?.high).toBeCloseTo(forwards!.high, 12);
});

test("a model that is the constant answer is no better and no worse", () => {
  const labels = Uint8Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const { difference, low, high } = interval(new Uint8Array(50), labels);
  expect(difference).toBe(0);
  expect(low).toBeLessThan(0);
  expect(high).toBeCloseTo(-low, 14);
});

test("three lucky samples claim nothing", () => {
  expect(interval(Uint8Array.of(0, 1, 2), Uint8Array.of(0, 1, 2)).low).toBeLessThan(0);
});

test("no samples, no interval", () => {
  const none = new Float64Array(0);
  expect(
    accuracyAgainstMajority(new Float32Array(0), new Uint8Array(0), { time: none, knownAt: none }),
  ).toBeNull();
});

test("it can be cancelled", () => {
  const time = Float64Array.of(1, 2, 3);
  const labels = Uint8Array.of(0, 1, 2);
  expect(() =>
    accuracyAgainstMajority(
      choosing(Uint8Array.of(1, 1, 1)),
      labels,
      { time, knownAt: time },
      { isCancelled: true },
    ),
  ).toThrow(CancelledError);
});

describe("guesses that know nothing claim skill in at most 2.5 % of runs", () => {
  const runs = rounds(1000, 200);
  // With 2.5 % of `runs` expected at most, this many are three standard errors more.
  const limit = 0.025 * runs + 3 * Math.sqrt(0.025 * 0.975 * runs);
  test.each([34, 100, 300])("%i bars", (n) => {
    const random = createRandom(n, "guesses");
    const kinds: Record<string, () => AccuracyInterval> = {
      "independent, three classes": () => interval(legs(random, n, 0, 3), legs(random, n, 0, 3)),
      "independent, two classes": () => interval(legs(random, n, 0, 2), legs(random, n, 0, 2)),
      "overlapping labels, lasting guesses": () =>
        interval(legs(random, n, 15, 3), forward(random, n, 10), 10),
      "legs of a trend": () => interval(legs(random, n, 20, 2), legs(random, n, 20, 2)),
      "three symbols in step": () => interval(legs(random, n, 8, 2), legs(random, n, 8, 2), 1, 3),
    };
    for (const [kind, draw] of Object.entries(kinds)) {
      let claims = 0;
      for (let run = 0; run < runs; run++) if (draw().low > 0) claims++;
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
    if (interval(chosen, labels).low > 0) found++;
  }
  expect(found).toBeGreaterThan(45);
});
