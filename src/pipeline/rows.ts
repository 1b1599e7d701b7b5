import { inBlocks, type CancellationToken } from "../core/index.js";
import { toMatrix, type FeatureMatrix, type FeatureTable } from "../features/index.js";
import type { Labels } from "../labels/index.js";

/** Rows as the network reads them, with their labels and times (epoch ms UTC, [rows]). */
export interface LabelledRows {
  readonly matrix: FeatureMatrix;
  /** BUY 0, HOLD 1, SELL 2. */
  readonly labels: Uint8Array;
  /** Opening of each row's bar. */
  readonly opened: Float64Array;
  /** Opening of the bar with whose close the label became known. */
  readonly knownAt: Float64Array;
}

/**
 * The given rows of a feature table with their labels.
 *
 * @param rowIndices rows that have all features and a label, [n]
 * @throws CancelledError
 */
export function labelledRows(
  table: FeatureTable,
  { classes, knownAt }: Labels,
  rowIndices: Uint32Array,
  token: CancellationToken,
): LabelledRows {
  const n = rowIndices.length;
  const rows: LabelledRows = {
    matrix: toMatrix(table, rowIndices, token),
    labels: new Uint8Array(n),
    opened: new Float64Array(n),
    knownAt: new Float64Array(n),
  };
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      const t = rowIndices[i];
      rows.labels[i] = classes[t];
      rows.opened[i] = table.time[t];
      rows.knownAt[i] = table.time[knownAt[t]];
    }
  });
  return rows;
}
