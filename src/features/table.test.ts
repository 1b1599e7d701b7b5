import { expect, test } from "vitest";
import { CancelledError } from "../core/index.js";
import { completeRows, toMatrix, warmUpRows, type FeatureTable } from "./table.js";

function tableOf(columns: number[][]): FeatureTable {
  return {
    names: columns.map((_, j) => `f${j}`),
    time: Float64Array.from(columns[0], (_, t) => t),
    rows: columns[0].length,
    columns: columns.map((column) => Float64Array.from(column)),
    warnings: [],
  };
}

const table = tableOf([
  [NaN, 0.1, 0.2, 0.3, 0.4],
  [NaN, NaN, 0, NaN, 1],
]);

test("a row is complete when every feature exists, 0 included", () => {
  expect([...completeRows(table)]).toEqual([0, 0, 1, 0, 1]);
});

test("warm-up rows are the leading incomplete ones only", () => {
  expect(warmUpRows(table)).toBe(2);
  expect(warmUpRows(tableOf([[0.5, NaN]]))).toBe(0);
  expect(warmUpRows(tableOf([[NaN, NaN, NaN]])), "no complete row").toBe(3);
});

test("a matrix holds the asked rows in the asked order, each value rounded to float32 once", () => {
  const matrix = toMatrix(table, Uint32Array.of(4, 2));
  expect(matrix).toEqual({
    names: ["f0", "f1"],
    rows: 2,
    columns: 2,
    values: Float32Array.of(0.4, 1, 0.2, 0),
  });
});

test("a matrix of more rows than one block equals the table at every place", () => {
  const n = 5_000;
  const wide = tableOf([0, 1, 2].map((j) => Array.from({ length: n }, (_, t) => (t * 31 + j * 7) % 1000)));
  const rows = Uint32Array.from({ length: n }, (_, i) => n - 1 - i);
  const { values } = toMatrix(wide, rows);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < 3; j++)
      if (values[i * 3 + j] !== wide.columns[j][rows[i]]) expect.fail(`row ${i}, column ${j}`);
  }
});

test("no rows are an empty matrix with its columns", () => {
  expect(toMatrix(table, new Uint32Array())).toMatchObject({
    rows: 0,
    columns: 2,
    values: new Float32Array(),
  });
});

test("a cancelled token stops both passes", () => {
  const cancelled = { isCancelled: true };
  expect(() => completeRows(table, cancelled)).toThrow(CancelledError);
  expect(() => toMatrix(table, Uint32Array.of(2), cancelled)).toThrow(CancelledError);
});
