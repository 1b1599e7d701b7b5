import { inBlocks, neverCancelled, rowsPerCheck, throwIfCancelled } from "../core/index.js";
import type { CancellationToken } from "../core/index.js";

/**
 * What the network could see at each base bar of one symbol, by columns, in float64.
 *
 * Columns may be views on shared memory (a lag is its column read k rows earlier): read them, never write to them.
 */
export interface FeatureTable {
  /** Feature names in the network's order. */
  readonly names: readonly string[];
  /** Opening times of the base bars, epoch ms UTC, [rows]. */
  readonly time: Float64Array;
  readonly rows: number;
  /** Degrees 0..1, [names][rows]; NaN where a feature does not exist at that bar. */
  readonly columns: readonly Float64Array[];
  /** What a person should know about the joins over timeframes. */
  readonly warnings: readonly string[];
}

/** Rows of a feature table as the network reads them. */
export interface FeatureMatrix {
  readonly names: readonly string[];
  readonly rows: number;
  readonly columns: number;
  /** Float32, row-major, [rows * columns]. */
  readonly values: Float32Array;
}

/** 1 for each row whose features all exist, else 0; [rows]. */
export function completeRows(table: FeatureTable, token: CancellationToken = neverCancelled): Uint8Array {
  const complete = new Uint8Array(table.rows).fill(1);
  for (const column of table.columns) {
    inBlocks(table.rows, token, (from, to) => {
      // Nearly every block has all values, and the built-in search is fast from its first call on.
      if (!column.subarray(from, to).includes(NaN)) return;
      for (let t = from; t < to; t++) if (column[t] !== column[t]) complete[t] = 0;
    });
  }
  return complete;
}

/** Leading rows without a complete set of features; all rows where none is complete. */
export function warmUpRows(table: FeatureTable, token: CancellationToken = neverCancelled): number {
  const first = completeRows(table, token).indexOf(1);
  return first < 0 ? table.rows : first;
}

/**
 * The given rows of a table in float32, in the given order. Each value is rounded once.
 *
 * @param rowIndices  rows of the table, [n]; complete ones, since NaN stays NaN
 */
export function toMatrix(
  table: FeatureTable,
  rowIndices: Uint32Array,
  token: CancellationToken = neverCancelled,
): FeatureMatrix {
  const columns = table.columns.length;
  const rows = rowIndices.length;
  const values = new Float32Array(rows * columns);
  // Whole rows at a time, so that the part of the matrix being written stays in the cache.
  const step = Math.max(1, Math.min(1024, Math.floor(rowsPerCheck / Math.max(1, columns))));
  for (let from = 0; from < rows; from += step) {
    throwIfCancelled(token);
    const to = Math.min(rows, from + step);
    for (let j = 0; j < columns; j++) {
      const column = table.columns[j];
      for (let i = from; i < to; i++) values[i * columns + j] = column[rowIndices[i]];
    }
  }
  return { names: table.names, rows, columns, values };
}
