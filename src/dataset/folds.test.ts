import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { foldsOf, splitFold, TooFewTimesError, type FoldSymbol } from "./folds.js";

describe("where folds lie", () => {
  test("anchored: equal tests after the first share, all earlier times before each, the last of them for selection", () => {
    expect(foldsOf({ scheme: "anchored", folds: 3, first: 0.4 }, 100, 0.25)).toEqual([
      { train: [{ from: 0, to: 30 }], validation: [{ from: 30, to: 40 }], test: [{ from: 40, to: 60 }] },
      { train: [{ from: 0, to: 45 }], validation: [{ from: 45, to: 60 }], test: [{ from: 60, to: 80 }] },
      { train: [{ from: 0, to: 60 }], validation: [{ from: 60, to: 80 }], test: [{ from: 80, to: 100 }] },
    ]);
  });

  test("rolling: the same number of times before each test", () => {
    const folds = foldsOf({ scheme: "rolling", folds: 3, first: 0.4 }, 100, 0);
    expect(folds.map(({ train }) => train)).toEqual([
      [{ from: 0, to: 40 }],
      [{ from: 20, to: 60 }],
      [{ from: 40, to: 80 }],
    ]);
    expect(folds.map(({ validation }) => validation)).toEqual([[], [], []]);
  });

  test("combinatorial: every choice of two of four groups, groups that touch are one span", () => {
    const folds = foldsOf({ scheme: "combinatorial", groups: 4, tested: 2 }, 40, 0.25);
    expect(folds.map((fold) => fold.test)).toEqual([
      [{ from: 0, to: 20 }],
      [
        { from: 0, to: 10 },
        { from: 20, to: 30 },
      ],
      [{ from: 10, to: 30 }],
      [
        { from: 0, to: 10 },
        { from: 30, to: 40 },
      ],
      [
        { from: 10, to: 20 },
        { from: 30, to: 40 },
      ],
      [{ from: 20, to: 40 }],
    ]);
    expect(folds[1]).toMatchObject({
      train: [
        { from: 10, to: 20 },
        { from: 30, to: 35 },
      ],
      validation: [{ from: 35, to: 40 }],
    });
  });

  test("too few times for the folds are refused", () => {
    expect(() => foldsOf({ scheme: "anchored", folds: 5, first: 0.5 }, 8, 0)).toThrow(TooFewTimesError);
    expect(() => foldsOf({ scheme: "combinatorial", groups: 6, tested: 2 }, 10, 0)).toThrow(/fewer folds/);
  });
});

/** A symbol with a bar at each time, whose labels are known `horizon` bars later. */
function symbolWith(times: readonly number[], horizon: number, warmUp = 0): FoldSymbol {
  const n = times.length;
  const known = Math.max(0, n - horizon);
  return {
    time: Float64Array.from(times),
    from: 0,
    to: n,
    complete: Uint8Array.from({ length: n }, (_, t) => (t < warmUp ? 0 : 1)),
    warmUp,
    labels: {
      classes: Int8Array.from({ length: n }, (_, t) => (t < known ? t % 3 : -1)) as never,
      knownAt: Uint32Array.from({ length: n }, (_, t) => Math.min(n - 1, t + horizon)) as never,
    },
  };
}

describe("purge by label intervals", () => {
  const axis = Array.from({ length: 40 }, (_, t) => t);
  const union = Float64Array.from(axis);
  const fold = {
    train: [
      { from: 0, to: 10 },
      { from: 20, to: 40 },
    ],
    validation: [],
    test: [{ from: 10, to: 20 }],
  };

  test("labels of 3 bars: the last 3 samples before a test go, and the first 3 after it", () => {
    // Test labels reach bar 19 + 3 = 22; the last 3 bars of all have no label.
    const [rows] = splitFold(fold, [symbolWith(axis, 3)], union, 0);
    expect([...rows.train]).toEqual([0, 1, 2, 3, 4, 5, 6, ...axis.slice(23, 37)]);
    expect([...rows.test]).toEqual(axis.slice(10, 20));
    expect(rows.dropped).toEqual({ warm_up: 0, no_label: 3, purged: 6, embargoed: 0 });
  });

  test("an embargo lengthens that at either end", () => {
    const [rows] = splitFold(fold, [symbolWith(axis, 3)], union, 2);
    expect([...rows.train]).toEqual([0, 1, 2, 3, 4, ...axis.slice(25, 37)]);
  });

  test("the longest label of any symbol counts", () => {
    const [short] = splitFold(fold, [symbolWith(axis, 1), symbolWith(axis, 8)], union, 0);
    expect([...short.train]).toEqual([...axis.slice(0, 9), ...axis.slice(28, 39)]);
  });

  test("bars of the test without a label yet are traded, but are no samples", () => {
    const late = { train: [{ from: 0, to: 30 }], validation: [], test: [{ from: 30, to: 40 }] };
    const [rows] = splitFold(late, [symbolWith(axis, 4)], union, 0);
    expect([...rows.test]).toEqual(axis.slice(30, 36));
    expect([...rows.traded]).toEqual(axis.slice(30, 40));
  });

  test("no label interval of one part meets that of another, whatever the plan", () => {
    const arbitrary = fc.record({
      horizon: fc.nat(6),
      embargo: fc.nat(3),
      scheme: fc.constantFrom("anchored", "rolling", "combinatorial"),
      share: fc.constantFrom(0, 0.2, 0.4),
      skip: fc.integer({ min: 2, max: 5 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ horizon, embargo, scheme, share, skip }) => {
        const long = Array.from({ length: 120 }, (_, t) => t);
        const symbols = [
          symbolWith(long, horizon, 5),
          symbolWith(
            long.filter((t) => t % skip !== 0),
            horizon,
          ),
        ];
        const plan =
          scheme === "combinatorial" ? { scheme, groups: 5, tested: 2 } : { scheme, folds: 4, first: 0.4 };
        let trained = 0;
        for (const one of foldsOf(plan, 120, share)) {
          const intervals = {
            train: [] as [number, number][],
            validation: [] as [number, number][],
            test: [] as [number, number][],
          };
          splitFold(one, symbols, Float64Array.from(long), embargo).forEach((rows, s) => {
            const { time, labels } = symbols[s];
            for (const part of ["train", "validation", "test"] as const) {
              for (const t of rows[part]) intervals[part].push([time[t], time[labels.knownAt[t]]]);
            }
          });
          const meets = ([a, b]: [number, number], [c, d]: [number, number]): boolean => b >= c && d >= a;
          const leaks = [
            ...intervals.test.filter((sample) =>
              [...intervals.train, ...intervals.validation].some((other) => meets(sample, other)),
            ),
            ...intervals.validation.filter((sample) => intervals.train.some((other) => meets(sample, other))),
          ];
          expect(leaks).toEqual([]);
          trained += intervals.train.length;
        }
        // Of a single fold, the widest gaps may leave none.
        expect(trained).toBeGreaterThan(0);
      }),
      { numRuns: rounds(200, 30) },
    );
  });
});
