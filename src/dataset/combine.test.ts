import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { CancelledError } from "../core/index.js";
import type { FeatureMatrix } from "../features/index.js";
import { combineMultiSymbolData, CombineError } from "./combine.js";
import { dataHash } from "./data-hash.js";

const matrix = (rows: number[][], names = rows[0].map((_, j) => `f${j}`)): FeatureMatrix => ({
  names,
  rows: rows.length,
  columns: names.length,
  values: Float32Array.from(rows.flat()),
});

test("symbols follow one another in the given order, each in its own", () => {
  const features = {
    B: matrix([[5, 6]]),
    A: matrix([
      [1, 2],
      [3, 4],
    ]),
    C: matrix([[9, 9]]),
  };
  const labels = { B: Uint8Array.of(2), A: Uint8Array.of(0, 1), C: Uint8Array.of(1) };
  const joined = combineMultiSymbolData(features, labels, ["A", "B"]);
  expect(joined).toEqual({
    features: { names: ["f0", "f1"], rows: 3, columns: 2, values: Float32Array.of(1, 2, 3, 4, 5, 6) },
    labels: Uint8Array.of(0, 1, 2),
  });
});

test("rows out are the rows in, each with its label, and nothing else comes out", () => {
  const row = fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true }), fc.integer({ min: 0, max: 2 }));
  const symbols = fc.dictionary(fc.string({ minLength: 1 }), fc.array(row, { minLength: 1, maxLength: 30 }), {
    minKeys: 1,
    maxKeys: 5,
  });
  const property = fc.property(symbols, (given) => {
    const names = Object.keys(given);
    const features = Object.fromEntries(
      names.map((name) => [name, matrix(given[name].map(([a, b]) => [a, b]))]),
    );
    const labels = Object.fromEntries(
      names.map((name) => [name, Uint8Array.from(given[name], ([, , label]) => label)]),
    );
    const reversed = names.toReversed();
    const joined = combineMultiSymbolData(features, labels, reversed);
    const rows = reversed.flatMap((name) => given[name]);
    expect(Object.keys(joined)).toEqual(["features", "labels"]);
    expect(Object.keys(joined.features)).toEqual(["names", "rows", "columns", "values"]);
    expect([joined.features.rows, joined.features.columns]).toEqual([rows.length, 2]);
    expect(joined.features.values).toEqual(Float32Array.from(rows.flatMap(([a, b]) => [a, b])));
    expect(joined.labels).toEqual(Uint8Array.from(rows, ([, , label]) => label));
  });
  fc.assert(property, { numRuns: rounds(500, 50) });
});

describe("data that cannot be joined is refused with symbol and numbers", () => {
  const one = matrix([[1, 2]]);
  const label = Uint8Array.of(0);
  const cases: [
    string,
    Record<string, FeatureMatrix>,
    Record<string, ArrayLike<number>>,
    string[],
    string,
  ][] = [
    ["no symbols", {}, {}, [], "No symbols to combine. Name at least one."],
    [
      "missing features",
      { A: one },
      { A: label, B: label },
      ["A", "B"],
      '"B": has no features. There are features of: A.',
    ],
    ["missing labels", { A: one }, {}, ["A"], '"A": has no labels. There are labels of: none.'],
    ["an inherited name", { A: one }, { A: label }, ["constructor"], '"constructor": has no features.'],
    ["a repeated symbol", { A: one }, { A: label }, ["A", "A"], '"A": is listed more than once.'],
    ["an empty symbol", { A: matrix([], ["f0"]) }, { A: new Uint8Array(0) }, ["A"], '"A": has no rows.'],
    [
      "other counts",
      { A: one, B: matrix([[1, 2, 3]]) },
      { A: label, B: label },
      ["A", "B"],
      '"B": has 3 features, "A" has 2.',
    ],
    [
      "other names",
      { A: one, B: matrix([[1, 2]], ["f0", "g1"]) },
      { A: label, B: label },
      ["A", "B"],
      '"B": feature 2 is "g1", that of "A" is "f1".',
    ],
    [
      "other lengths",
      { A: one },
      { A: Uint8Array.of(0, 1) },
      ["A"],
      '"A": has 1 rows of features and 2 labels.',
    ],
    [
      "no label",
      { A: one },
      { A: Int8Array.of(-1) },
      ["A"],
      '"A": label 1 of 1 is -1; labels are 0..2 (BUY, HOLD, SELL).',
    ],
    [
      "a torn matrix",
      { A: { ...one, rows: 2 } },
      { A: Uint8Array.of(0, 0) },
      ["A"],
      '"A": 2 feature values and 2 names do not make 2 rows of 2',
    ],
  ];
  test.each(cases)("%s", (_, features, labels, symbols, message) => {
    expect(() => combineMultiSymbolData(features, labels, symbols)).toThrow(CombineError);
    expect(() => combineMultiSymbolData(features, labels, symbols)).toThrow(message);
  });
});

test("joining and hashing stop when they are cancelled", () => {
  const isCancelled = true;
  const data = { features: matrix([[1, 2]]), labels: Uint8Array.of(0) };
  expect(() =>
    combineMultiSymbolData({ A: data.features }, { A: data.labels }, ["A"], { isCancelled }),
  ).toThrow(CancelledError);
  expect(() => dataHash([data], { isCancelled })).toThrow(CancelledError);
});

describe("the hash of the data", () => {
  const train = {
    features: matrix([
      [0.5, 1],
      [0.25, 0],
    ]),
    labels: Uint8Array.of(0, 2),
  };
  const test1 = { features: matrix([[0.75, 1]]), labels: Uint8Array.of(1) };

  test("is SHA-256 of names, shapes, features and labels", () => {
    // printf '["f0","f1"]' + u32 2,2 + f32 0.5 1 0.25 0 + 00 02 + u32 1,2 + f32 0.75 1 + 01, through Python's hashlib.
    expect(dataHash([train, test1])).toBe("e00c568089f5b2bec566fa8031a883462c3de84f5c990eaad25d49045c70c0de");
  });

  test("changes with a value, a label, a name, and with the part in which a row lies", () => {
    const all = [
      [train, test1],
      [test1, train],
      [train],
      [{ ...train, labels: Uint8Array.of(0, 1) }, test1],
      [
        {
          ...train,
          features: matrix([
            [0.5, 1],
            [0.25, 1e-45],
          ]),
        },
        test1,
      ],
      [{ ...train, features: { ...train.features, names: ["f0", "f2"] } }, test1],
    ];
    expect(new Set(all.map((data) => dataHash(data))).size).toBe(all.length);
  });
});
