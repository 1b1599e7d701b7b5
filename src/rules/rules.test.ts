import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CancelledError, createRandom, neverCancelled } from "../core/index.js";
import { addRow, countCommon, emptySet, hasRow, intersection, remove } from "./bits.js";
import { extractRules, firstMatches, type Answers, type RuleList } from "./extract.js";
import { judgeRules } from "./judge.js";
import { termsOf, type Term } from "./terms.js";

const [BUY, HOLD, SELL] = [0, 1, 2];

/** Features by pairs: two sets of the same value. */
const termsFor = (columns: number): Term[] =>
  Array.from({ length: columns }, (_, feature) => ({
    feature,
    group: feature >> 1,
    text: `f${feature >> 1} is ${feature % 2 === 0 ? "low" : "high"}`,
  }));

/** Rows of seeded degrees, of which the second of a pair is the complement of the first, and the answers to them. */
function answers(
  rows: number,
  columns: number,
  seed: number,
  answer: (on: readonly boolean[]) => number,
): Answers {
  const random = createRandom(seed, "rules");
  const features = new Float32Array(rows * columns);
  const classes = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j += 2) {
      const degree = random.uniform();
      features[row * columns + j] = degree;
      features[row * columns + j + 1] = 1 - degree;
    }
    classes[row] = answer(
      [...features.subarray(row * columns, (row + 1) * columns)].map((degree) => degree >= 0.5),
    );
  }
  return { rows, columns, features, classes };
}

const textsOf = ({ rules, otherwise }: RuleList): unknown[] => [
  ...rules.map(({ terms, answer }) => [terms.map(({ text }) => text).join(" and "), answer]),
  otherwise,
];

test("sets of rows count, meet and part as sets do", () => {
  const rowSet = fc.uniqueArray(fc.integer({ min: 0, max: 99 }));
  fc.assert(
    fc.property(rowSet, rowSet, (a, b) => {
      const [left, right] = [a, b].map((rows) => {
        const set = emptySet(100);
        rows.forEach((row) => addRow(set, row));
        return set;
      });
      const both = a.filter((row) => b.includes(row));
      expect(countCommon(left, right)).toBe(both.length);
      expect(both.every((row) => hasRow(intersection(left, right), row))).toBe(true);
      remove(left, right);
      expect(countCommon(left, left)).toBe(a.length - both.length);
    }),
  );
});

describe("extraction", () => {
  test("finds the conjunctions by which the answers were made, and nothing beside them", () => {
    const made = answers(2000, 12, 1, (on) =>
      on[0] && on[4] ? BUY : on[7] && on[8] && on[10] ? SELL : HOLD,
    );
    const list = extractRules(
      made,
      answers(0, 12, 2, () => HOLD),
      termsFor(12),
      neverCancelled,
    );
    const first = firstMatches(list.rules, made, neverCancelled);
    const agreed = first.filter(
      (rule, row) => (rule < 0 ? list.otherwise : list.rules[rule].answer) === made.classes[row],
    );
    expect(agreed.length / made.rows).toBeGreaterThan(0.98);
    const texts = textsOf(list).map(String);
    expect(texts).toContain("f0 is low and f2 is low,0");
    const named = list.rules.flatMap(({ terms }) => terms.map(({ group }) => group));
    expect(new Set(named), "and not f1").toEqual(new Set([0, 2, 3, 4, 5]));
  });

  test("any planted pair of terms is named, whatever the others do", () => {
    const anyPair = fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(anyPair, fc.nat(), ([p, q], seed) => {
        const made = answers(800, 10, seed, (on) => (on[2 * p] && on[2 * q + 1] ? SELL : BUY));
        const list = extractRules(made, made, termsFor(10), neverCancelled);
        const named = list.rules.flatMap(({ terms }) => terms.map(({ group }) => group));
        expect(new Set(named)).toEqual(new Set([p, q]));
        expect(judgeRules(list, made, made.classes, neverCancelled).fidelity).toBe(1);
      }),
      { numRuns: 30 },
    );
  });

  test("support counts the rows on which a rule is the first that holds", () => {
    const made = answers(900, 8, 5, (on) => (on[0] ? BUY : on[2] ? SELL : HOLD));
    const list = extractRules(made, made, termsFor(8), neverCancelled);
    const first = firstMatches(list.rules, made, neverCancelled);
    list.rules.forEach(({ support }, k) => expect(first.filter((rule) => rule === k)).toHaveLength(support));
    expect(list.rules.length).toBeGreaterThan(1);
  });

  test("each class is told by rules of its own, though one of them could be left to the end of the list", () => {
    const made = answers(900, 6, 4, (on) => (on[2] ? BUY : SELL));
    const list = extractRules(made, made, termsFor(6), neverCancelled);
    expect(textsOf(list).slice(0, -1).map(String).sort()).toEqual(["f1 is high,2", "f1 is low,0"]);
  });

  test("one answer everywhere needs no rule", () => {
    const made = answers(300, 6, 3, () => SELL);
    expect(textsOf(extractRules(made, made, termsFor(6), neverCancelled))).toEqual([SELL]);
  });

  test("stops when cancelled", () => {
    const made = answers(300, 6, 3, (on) => Number(on[0]));
    expect(() => extractRules(made, made, termsFor(6), { isCancelled: true })).toThrow(CancelledError);
  });
});

describe("judging", () => {
  const terms = termsFor(4);
  const list: RuleList = {
    rules: [
      { terms: [terms[0]], answer: BUY, support: 7 },
      { terms: [terms[0], terms[2]], answer: SELL, support: 0 },
      { terms: [terms[2]], answer: SELL, support: 5 },
    ],
    otherwise: HOLD,
  };
  // Eight bars: f0 low on the first four, f1 low on bars 2 to 6.
  const low = [1, 1, 1, 1, 0, 0, 0, 0].flatMap((f0, row) => {
    const f1 = row >= 2 && row <= 6 ? 1 : 0;
    return [f0, 1 - f0, f1, 1 - f1];
  });
  const network = [BUY, BUY, BUY, SELL, SELL, SELL, HOLD, HOLD];
  const truth = Uint8Array.of(BUY, SELL, BUY, BUY, SELL, HOLD, SELL, HOLD);
  const heldOut: Answers = {
    rows: 8,
    columns: 4,
    features: Float32Array.from(low),
    classes: Uint8Array.from(network),
  };

  test("counts by hand: the first rule that holds decides", () => {
    const { rules, otherwise, ...rest } = judgeRules(list, heldOut, truth, neverCancelled);
    // Rule 1 speaks on bars 0 to 3, of which three are truly BUY; 3 of 8 bars are BUY. The network says BUY on three of them.
    const { then, ...first } = rules[0];
    expect(then).toBe("BUY");
    expect(first).toEqual({
      if: ["f0 is low"],
      support: 7,
      held_out_bars: 4,
      precision: 0.75,
      lift: 0.75 / 0.375,
      agreement: 0.75,
    });
    expect(rules[1]).toMatchObject({ held_out_bars: 0, precision: null, lift: null, agreement: null });
    // Rule 3 speaks on bars 4, 5, 6: SELL, HOLD, SELL in truth, SELL, SELL, HOLD by the network.
    expect(rules[2]).toMatchObject({
      held_out_bars: 3,
      precision: 2 / 3,
      lift: 2 / 3 / 0.375,
      agreement: 2 / 3,
    });
    expect(otherwise).toEqual({ answer: "HOLD", held_out_bars: 1 });
    // Equal answers on 0, 1, 2, 4, 5, 7. By chance: BUY 3/8 * 4/8, HOLD 2/8 * 1/8, SELL 3/8 * 3/8.
    const chance = (3 * 4 + 2 * 1 + 3 * 3) / 64;
    expect(rest).toMatchObject({
      fidelity: 0.75,
      constant_fidelity: 0.375,
      explained: false,
      held_out_bars: 8,
    });
    expect(rest.kappa).toBeCloseTo((0.75 - chance) / (1 - chance), 12);
    expect(rest.statement).toContain("75.0 % of 8 held-out bars; always saying BUY would on 37.5 %");
    expect(rest.statement).toContain("NOT explained");
  });

  test("a class without held-out bars has no lift", () => {
    const never = judgeRules(list, heldOut, new Uint8Array(8).fill(HOLD), neverCancelled);
    expect(never.rules[0]).toMatchObject({ precision: 0, lift: null });
  });

  test("answers that no short rules tell are said to be unexplained", () => {
    // The answer hangs on the third digit of a degree, on which side of one half it is tells nothing.
    const byDigit = (made: Answers): Answers => ({
      ...made,
      classes: made.classes.map((_, row) =>
        Math.floor(made.features[row * 10] * 1000) % 2 === 0 ? BUY : SELL,
      ),
    });
    const [seen, unseen] = [1, 2].map((seed) => byDigit(answers(2000, 10, seed, () => HOLD)));
    const found = extractRules(seen, seen, termsFor(10), neverCancelled);
    const judged = judgeRules(found, unseen, unseen.classes, neverCancelled);
    expect(judged.fidelity).toBeLessThan(0.6);
    expect(judged.explained).toBe(false);
    expect(judged.statement).toContain("the network is NOT explained by these rules");
  });

  test("agreement that a constant has, too, explains nothing", () => {
    // SELL on one bar in ten, and the rules never say so.
    const made = answers(1000, 4, 9, () => BUY);
    const rare = { ...made, classes: made.classes.map((_, row) => (row % 10 === 0 ? SELL : BUY)) };
    const judged = judgeRules({ rules: [], otherwise: BUY }, rare, rare.classes, neverCancelled);
    expect(judged).toMatchObject({ fidelity: 0.9, constant_fidelity: 0.9, kappa: null, explained: false });
  });
});

test("terms are the strategy's words, with timeframe and lag where there are several", () => {
  const fuzzy = [
    {
      featureId: "macd.hist",
      transform: { type: "identity" } as const,
      sets: ["falling", "rising"].map((name) => ({
        name,
        membership: { type: "sigmoid", parameters: [0, 1] } as const,
      })),
    },
  ];
  const crispOf = (timeframe: "1h" | "1d", lag: number) => ({
    name: "",
    timeframe,
    kind: "indicator" as const,
    column: "",
    lag,
  });
  const layout = {
    features: [],
    inputs: [crispOf("1h", 0), crispOf("1d", 0), crispOf("1h", 1), crispOf("1h", 7)],
    crisp: [0, 1, 2, 3].map((indicator) => ({ spec: fuzzy[0], indicator, price: null })),
  };
  const texts = termsOf(layout).map(({ text }) => text);
  expect(texts.filter((_, k) => k % 2 === 1)).toEqual([
    "macd.hist (1h) is rising",
    "macd.hist (1d) is rising",
    "macd.hist (1h) one bar ago was rising",
    "macd.hist (1h) 7 bars ago was rising",
  ]);
  const single = {
    ...layout,
    inputs: layout.inputs.map((input) => ({ ...input, timeframe: "1d" as const })),
  };
  expect(termsOf(single)[0]).toEqual({ feature: 0, group: 0, text: "macd.hist is falling" });
});
