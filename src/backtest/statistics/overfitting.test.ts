import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../../test/rounds.js";
import { createRandom } from "../../core/index.js";
import { overfittingOf, type Overfitting } from "./overfitting.js";

/** Returns with a mean in each of six blocks of 20, and the same variation in all. */
const blocksOf = (...means: number[]): Float64Array =>
  Float64Array.from({ length: 120 }, (_, t) => means[Math.floor(t / 20)] + (t % 2 === 0 ? 1 : -1));

/** Normal returns of candidates whose mean is that share of a deviation. */
function noise(seed: number, edges: readonly number[], observations: number): Float64Array[] {
  const random = createRandom(seed, "noise");
  return edges.map((edge) => Float64Array.from({ length: observations }, () => edge + random.normal()));
}

/** Candidates without any edge. */
const luck = (count: number): number[] => Array.from({ length: count }, () => 0);

const found = (candidates: readonly Float64Array[], longest?: number): Overfitting => {
  const result = overfittingOf(candidates, longest);
  if (result === null) throw new Error("nothing was found");
  return result;
};

describe("worked out by hand", () => {
  test("what is good in one block alone is chosen where that block is, and is then the worse one elsewhere", () => {
    // A earns 0.9 in the first block only, B 0.1 in each. Where the first block is in the chosen half (10 of 20 splits), A has a mean of
    // 0.3 there against 0.1, and 0 against 0.1 in the other half: rank 1 of 2. In the other 10, B is chosen, and A has 0.3 against its 0.1.
    expect(found([blocksOf(0.9, 0, 0, 0, 0, 0), blocksOf(0.1, 0.1, 0.1, 0.1, 0.1, 0.1)])).toEqual({
      probability: 1,
      by_chance: 0.5,
      mean_rank: 0,
      candidates: 2,
      observations: 120,
      blocks: 6,
      splits: 20,
    });
  });

  test("what is better in every block is chosen always, and is the better one always", () => {
    const better = found([blocksOf(0, 0, 0, 0, 0, 0), blocksOf(0.1, 0.2, 0.1, 0.2, 0.1, 0.2)]);
    expect(better).toMatchObject({ probability: 0, mean_rank: 1 });
  });

  test("a share of the splits: the chosen one has the middle place of three, whose logit of 0 counts", () => {
    // B is 0.1 everywhere, C is 0 everywhere, A 0.9 in the first block and -0.1 in the others. With the first block, A's mean is
    // (0.9 - 0.2) / 3 = 0.23: chosen, and in the other half, at -0.1, the last of three. Without it B is chosen, and A has 0.23 in the other
    // half: B is the second of three, w = 2/4, logit 0.
    const three = found([
      blocksOf(0.9, -0.1, -0.1, -0.1, -0.1, -0.1),
      blocksOf(0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
      blocksOf(0, 0, 0, 0, 0, 0),
    ]);
    expect(three.probability).toBe(1);
    expect(three.mean_rank).toBeCloseTo((0 + 0.5) / 2, 12);
    expect(three.by_chance).toBeCloseTo(2 / 3, 12);
    // With a fourth that is always worse B's second place is above the middle: w = 3/5.
    const four = found([
      blocksOf(0.9, -0.1, -0.1, -0.1, -0.1, -0.1),
      blocksOf(0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
      blocksOf(0, 0, 0, 0, 0, 0),
      blocksOf(-0.5, -0.5, -0.5, -0.5, -0.5, -0.5),
    ]);
    // Where A is chosen, it is the third of four in the other half: w = 2/5.
    expect(four.probability).toBe(0.5);
  });

  test("candidates that do not trade have a ratio of 0, and equal ones share choice and place", () => {
    const idle = new Float64Array(120);
    // The loser is never chosen; the two idle ones share the choice and the places 2 and 3: w = 2.5/4.
    const result = found([idle, blocksOf(-0.1, -0.1, -0.1, -0.1, -0.1, -0.1), idle.slice()]);
    expect(result).toMatchObject({ probability: 0, mean_rank: 0.75 });
    // A earns in the first block only. With it A is chosen, and is as good as the idle ones in the other half: the second of three places,
    // logit 0. Without it all three share the choice; in the other half A is the first, and the idle ones share the places 1 and 2.
    const shared = found([idle, blocksOf(0.6, 0, 0, 0, 0, 0), idle.slice()]);
    expect(shared.probability).toBeCloseTo((1 + 2 / 3) / 2, 12);
    expect(shared.mean_rank).toBeCloseTo((0.5 + (1 + 0.25 + 0.25) / 3) / 2, 12);
  });

  test("what counts is the return for its variation: B, with a tenth of A's, is chosen though A earns more, and stays the better one", () => {
    // With the first block A has a mean of 0.6 and a ratio of 0.06, without it -0.6 and -0.06; B has 0.1 and 0.1 always.
    const A = blocksOf(0.3, -0.06, -0.06, -0.06, -0.06, -0.06).map((value) => 10 * value);
    expect(found([A, blocksOf(0.1, 0.1, 0.1, 0.1, 0.1, 0.1)]).probability).toBe(0);
  });
});

describe("when it can be told", () => {
  test("not for one candidate, none, the same ones, or fewer than six blocks", () => {
    const [a, b] = noise(1, [0, 0], 200);
    expect(overfittingOf([a])).toBeNull();
    expect(overfittingOf([])).toBeNull();
    expect(overfittingOf([a, a.slice()])).toBeNull();
    expect(overfittingOf([a.subarray(0, 119), b.subarray(0, 119)])).toBeNull();
    expect(overfittingOf([a, b], 34)).toBeNull();
  });

  test("16 blocks where there are enough observations, an even number of fewer where they have to be long", () => {
    const candidates = noise(1, [0, 0], 1000);
    expect(found(candidates)).toMatchObject({ blocks: 16, splits: 12_870 });
    expect(found(candidates, 120)).toMatchObject({ blocks: 8, splits: 70 });
    expect(found(candidates, 101)).toMatchObject({ blocks: 8 });
  });
});

test("neither the order of the candidates nor the scale of all returns matters; probability and rank are shares", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 2, max: 5 }),
      fc.constantFrom(0.01, 3),
      (seed, count, scale) => {
        const candidates = noise(seed, luck(count), 130);
        const once = found(candidates);
        const again = found(candidates.toReversed().map((one) => one.map((value) => value * scale)));
        expect(again.probability).toBeCloseTo(once.probability, 12);
        expect(again.mean_rank).toBeCloseTo(once.mean_rank, 12);
        for (const share of [once.probability, once.mean_rank]) expect(share >= 0 && share <= 1).toBe(true);
      },
    ),
    { numRuns: rounds(200, 20) },
  );
});

describe("over many histories", () => {
  const histories = rounds(200, 60);
  const each = (edges: readonly number[]): number[] =>
    Array.from({ length: histories }, (_, seed) => found(noise(seed, edges, 500), 50).probability);
  const mean = (values: readonly number[]): number => values.reduce((sum, p) => sum + p, 0) / values.length;

  test.each([2, 3, 5, 8])("%d candidates that differ by luck: as often as by chance, on average", (count) => {
    const p = each(luck(count));
    const { by_chance } = found(noise(1, luck(count), 500));
    const error = Math.sqrt(mean(p.map((one) => (one - mean(p)) ** 2)) / histories);
    expect(Math.abs(mean(p) - by_chance)).toBeLessThan(4 * error);
    // One history says little: the splits of one are made of the same observations.
    expect(error * Math.sqrt(histories)).toBeGreaterThan(0.1);
  });

  test("one truly better candidate among five: hardly ever", () => {
    expect(mean(each([0, 0, 0.3, 0, 0]))).toBeLessThan(0.02);
  });
});
