import {
  blockEnd,
  KnownError,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
} from "../core/index.js";
import type { FeatureMatrix } from "../features/index.js";
import { classNames } from "../labels/index.js";

/** Features and labels, row by row, of all symbols together; nothing in them tells symbols apart. */
export interface CombinedData {
  readonly features: FeatureMatrix;
  /** [rows], BUY 0, HOLD 1, SELL 2. */
  readonly labels: Uint8Array;
}

/** Symbols whose data cannot be joined. */
export class CombineError extends KnownError {
  readonly code = "CANNOT_COMBINE";
  /** The symbol at fault; null where none was given. */
  readonly symbol: string | null;

  constructor(symbol: string | null, problem: string) {
    super(symbol === null ? problem : `"${symbol}": ${problem}`);
    this.symbol = symbol;
  }
}

/** Values copied between two looks at the token: 1 MB into fresh memory, less than 1 ms. */
const valuesPerCheck = 262_144;

function checkFeatures(
  symbol: string,
  found: FeatureMatrix,
  first: FeatureMatrix,
  firstSymbol: string,
): void {
  const { names, rows, columns, values } = found;
  if (values.length !== rows * columns || names.length !== columns) {
    throw new CombineError(
      symbol,
      `${values.length} feature values and ${names.length} names do not make ${rows} rows of ${columns} features.`,
    );
  }
  if (rows === 0) throw new CombineError(symbol, "has no rows. Leave it out of this part.");
  if (columns !== first.columns) {
    throw new CombineError(
      symbol,
      `has ${columns} features, "${firstSymbol}" has ${first.columns}. All need the same.`,
    );
  }
  const j = names.findIndex((name, k) => name !== first.names[k]);
  if (j >= 0) {
    throw new CombineError(
      symbol,
      `feature ${j + 1} is "${names[j]}", that of "${firstSymbol}" is "${first.names[j]}". All need the same, in the same order.`,
    );
  }
}

function checkLabels(
  symbol: string,
  labels: ArrayLike<number>,
  rows: number,
  token: CancellationToken,
): void {
  if (labels.length !== rows) {
    throw new CombineError(
      symbol,
      `has ${rows} rows of features and ${labels.length} labels. Each row needs one label.`,
    );
  }
  for (let i = 0; i < rows;)
    for (const end = blockEnd(i, rows, token); i < end; i++) {
      const label = labels[i];
      if (label !== 0 && label !== 1 && label !== 2) {
        throw new CombineError(
          symbol,
          `label ${i + 1} of ${rows} is ${label}; labels are 0..2 (${classNames.join(", ")}). Drop rows without a label.`,
        );
      }
    }
}

function valueOf<Value>(record: Readonly<Record<string, Value>>, symbol: string, what: string): Value {
  if (Object.hasOwn(record, symbol)) return record[symbol];
  throw new CombineError(
    symbol,
    `has no ${what}. There are ${what} of: ${Object.keys(record).join(", ") || "none"}.`,
  );
}

/**
 * Joins the samples of several symbols one after the other, in the given order, each in its own time order. All rows, and
 * nothing but features and labels: the network cannot tell which symbol a row came from. Rows out = sum of rows in.
 *
 * Indicators were computed per symbol, each from its own first bar, so no state crosses from one symbol to the next.
 *
 * @param features  per symbol, the same features in the same order
 * @param labels    per symbol, one of 0, 1, 2 for each row
 * @param symbols   which to join; others are left out
 * @throws CombineError for a missing, repeated or empty symbol, other features than the first symbol's, features and labels of
 *   different length, or a label that is none of the classes
 * @throws CancelledError
 */
export function combineMultiSymbolData(
  features: Readonly<Record<string, FeatureMatrix>>,
  labels: Readonly<Record<string, ArrayLike<number>>>,
  symbols: readonly string[],
  token: CancellationToken = neverCancelled,
): CombinedData {
  if (symbols.length === 0) throw new CombineError(null, "No symbols to combine. Name at least one.");
  const seen = new Set<string>();
  const inOrder = symbols.map((symbol) => {
    if (seen.has(symbol)) throw new CombineError(symbol, "is listed more than once. List each symbol once.");
    seen.add(symbol);
    throwIfCancelled(token);
    const matrix = valueOf(features, symbol, "features");
    const classes = valueOf(labels, symbol, "labels");
    checkFeatures(symbol, matrix, features[symbols[0]], symbols[0]);
    checkLabels(symbol, classes, matrix.rows, token);
    return { matrix, classes };
  });

  const { names, columns } = inOrder[0].matrix;
  const rows = inOrder.reduce((sum, { matrix }) => sum + matrix.rows, 0);
  const values = new Float32Array(rows * columns);
  const joined = new Uint8Array(rows);
  let row = 0;
  for (const { matrix, classes } of inOrder) {
    const offset = row * columns;
    for (let from = 0; from < matrix.values.length; from += valuesPerCheck) {
      throwIfCancelled(token);
      values.set(matrix.values.subarray(from, from + valuesPerCheck), offset + from);
    }
    joined.set(classes, row);
    row += matrix.rows;
  }
  return { features: { names, rows, columns, values }, labels: joined };
}
