import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { CancelledError, neverCancelled } from "../core/index.js";
import { sliceBars, type Bars } from "../data/index.js";
import {
  BUY,
  findLabelType,
  HOLD,
  labelParametersOf,
  labelTypes,
  noLabel,
  SELL,
  type Labels,
} from "./index.js";

/** Bars of a day each, made from what happens in each: close relative to the close before, gap of the open, two wicks. */
interface Move {
  readonly step: number;
  readonly gap: number;
  readonly up: number;
  readonly down: number;
}

function barsOf(moves: readonly Move[]): Bars {
  const n = moves.length;
  const column = (): Float64Array => new Float64Array(n);
  const bars = { open: column(), high: column(), low: column(), close: column() };
  let price = 100;
  moves.forEach(({ step, gap, up, down }, t) => {
    const open = price * gap;
    price *= step;
    bars.open[t] = open;
    bars.close[t] = price;
    bars.high[t] = Math.max(open, price) * up;
    bars.low[t] = Math.min(open, price) * down;
  });
  return {
    symbol: "SYN1",
    timeframe: "1d",
    time: column().map((_, t) => t * 86_400_000),
    ...bars,
    volume: column().fill(1),
    meta: { source: "test", adjustment: "none", currency: null, dayTimezone: null },
  };
}

const quiet: Move = { step: 1, gap: 1, up: 1, down: 1 };

/** Steps on a grid, so that equal prices, exact thresholds and doublings occur; wild ones now and then. */
const move: fc.Arbitrary<Move> = fc.record({
  step: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(0.9, 0.95, 0.97, 0.99, 1, 1, 1.01, 1.03, 1.05, 1.1) },
    { weight: 1, arbitrary: fc.constantFrom(0.25, 0.5, 2, 2.5) },
    { weight: 4, arbitrary: fc.double({ min: 0.93, max: 1.07, noNaN: true }) },
  ),
  gap: fc.constantFrom(0.9, 0.99, 1, 1, 1, 1.01, 1.1),
  up: fc.constantFrom(1, 1, 1.01, 1.08),
  down: fc.constantFrom(1, 1, 0.99, 0.92),
});
const someBars = fc.array(move, { minLength: 1, maxLength: 60 }).map(barsOf);

const cases: [string, Record<string, unknown>][] = [
  ["zigzag", { threshold: 0.05 }],
  ["zigzag", { threshold: 0.6, source: "open" }],
  ["zigzag_forward", { threshold: 0.05, horizon: 6, min_swing: 3 }],
  ["zigzag_forward", { threshold: 0.9, horizon: 4, min_swing: 1 }],
  ["zigzag_forward", { threshold: 0.1, horizon: 1, min_swing: 1 }],
  ["triple_barrier", { horizon: 5, target: 1, stop: 1.5, atr_period: 3 }],
  ["triple_barrier", { horizon: 8, target: 3, stop: 40, atr_period: 2 }],
  ["forward_return", { horizon: 3, threshold: 0.02 }],
  ["forward_return", { horizon: 1, threshold: 0 }],
];

function label(name: string, given: Record<string, unknown>, bars: Bars): Labels {
  const type = findLabelType(name);
  return type.compute(bars, type.schema.parse(given), neverCancelled);
}

/** The bars [0..t] and after them bars whose closes are the given multiples of the last close. */
function continued(bars: Bars, t: number, multiples: readonly number[]): Bars {
  const known = sliceBars(bars, 0, t + 1);
  const last = known.close[t];
  const later = Float64Array.from(multiples, (multiple) => last * multiple);
  const joined = (column: Float64Array, added: Float64Array): Float64Array =>
    Float64Array.from([...column, ...added]);
  return {
    ...known,
    time: joined(
      known.time,
      later.map((_, k) => known.time[t] + (k + 1) * 86_400_000),
    ),
    open: joined(known.open, later),
    high: joined(known.high, later),
    low: joined(known.low, later),
    close: joined(known.close, later),
    volume: joined(
      known.volume,
      later.map(() => 1),
    ),
  };
}

/** Courses that the price may take for ten bars: steady; a leap or a crash at each bar; both; back to where it came from. */
const courses: readonly (readonly number[])[] = (() => {
  const n = 10;
  const all: number[][] = [Array.from({ length: n }, () => 1)];
  for (const extreme of [1e9, 1e-9]) {
    for (let at = 0; at < n; at++) {
      all.push(Array.from({ length: n }, (_, k) => (k === at ? extreme : 1)));
      all.push(Array.from({ length: n }, (_, k) => (k < at ? 1 : k === at ? extreme : 1 / extreme)));
    }
  }
  return all;
})();

describe.each(cases)("%s %j", (name, given) => {
  test("on bars [0..t] exactly the labels known by t exist, and they are those of the full run", () => {
    const property = fc.property(someBars, (bars) => {
      const full = label(name, given, bars);
      for (let t = 0; t < bars.time.length; t++) {
        const early = label(name, given, sliceBars(bars, 0, t + 1));
        for (let s = 0; s <= t; s++) {
          const known = full.knownAt[s] >= 0 && full.knownAt[s] <= t;
          expect(early.classes[s], `bar ${s} on bars [0..${t}]`).toBe(known ? full.classes[s] : noLabel);
          expect(early.knownAt[s]).toBe(known ? full.knownAt[s] : -1);
        }
      }
    });
    fc.assert(property, { numRuns: rounds(500, 40) });
  });

  test("one bar before a label is known, a continuation exists that changes it", () => {
    const property = fc.property(someBars, (bars) => {
      const { classes, knownAt } = label(name, given, bars);
      for (let s = 0; s < classes.length; s++) {
        if (knownAt[s] <= s) continue;
        const others = courses.map((course) => {
          const other = label(name, given, continued(bars, knownAt[s] - 1, course));
          return other.classes[s];
        });
        expect(
          others.some((other) => other !== noLabel && other !== classes[s]),
          `bar ${s}, class ${classes[s]}, known at ${knownAt[s]}`,
        ).toBe(true);
      }
    });
    fc.assert(property, { numRuns: rounds(500, 10) });
  });

  test("no continuation changes a label once it is known", () => {
    const property = fc.property(someBars, fc.nat(), (bars, at) => {
      const t = at % bars.time.length;
      const early = label(name, given, sliceBars(bars, 0, t + 1));
      for (const course of courses) {
        const later = label(name, given, continued(bars, t, course));
        for (let s = 0; s <= t; s++) {
          if (early.classes[s] === noLabel) continue;
          expect([later.classes[s], later.knownAt[s]]).toEqual([early.classes[s], early.knownAt[s]]);
        }
      }
    });
    fc.assert(property, { numRuns: rounds(500, 40) });
  });

  test("a label is BUY, HOLD or SELL, known within the data at its own bar or later", () => {
    fc.assert(
      fc.property(someBars, (bars) => {
        const { classes, knownAt } = label(name, given, bars);
        expect(classes.length).toBe(bars.time.length);
        expect(knownAt.length).toBe(bars.time.length);
        for (let t = 0; t < classes.length; t++) {
          if (classes[t] === noLabel) expect(knownAt[t]).toBe(-1);
          else {
            expect([BUY, HOLD, SELL]).toContain(classes[t]);
            expect(knownAt[t]).toBeGreaterThanOrEqual(t);
            expect(knownAt[t]).toBeLessThan(bars.time.length);
          }
        }
      }),
      { numRuns: rounds(500, 40) },
    );
  });
});

describe.each(Object.values(labelTypes).map((type) => [type.name, type] as const))("%s", (name, type) => {
  test("is found under its name, has defaults for all parameters and refuses unknown ones", () => {
    expect(findLabelType(name.toUpperCase())).toBe(type);
    expect(type.schema.parse({})).toEqual(
      Object.fromEntries(labelParametersOf(type).map((p) => [p.name, p.default])),
    );
    expect(type.schema.safeParse({ thresold: 0.1 }).success).toBe(false);
  });

  test("gives no labels for no bars, and none after the first for one", () => {
    const none = label(name, {}, barsOf([]));
    expect([none.classes.length, none.knownAt.length]).toEqual([0, 0]);
    expect(label(name, {}, barsOf([quiet])).classes).toEqual(
      Int8Array.of(name === "zigzag" ? HOLD : noLabel),
    );
  });

  test("stops when it is cancelled, within 65,536 bars", () => {
    const n = 200_000;
    const bars = barsOf(
      Array.from({ length: n }, (_, t) => ({ ...quiet, step: t % 2 === 0 ? 1.04 : 1 / 1.04 })),
    );
    let looks = 0;
    const token = {
      get isCancelled() {
        looks++;
        return looks > 2;
      },
    };
    expect(() => type.compute(bars, type.schema.parse({}), token)).toThrow(CancelledError);
  });
});

test("an unknown label type names the nearest and all known ones", () => {
  expect(() => findLabelType("zig_zag")).toThrow(
    /No label type is called "zig_zag". Did you mean "zigzag"\? Known: zigzag, /,
  );
  expect(() => findLabelType("constructor")).toThrow(/No label type/);
});
