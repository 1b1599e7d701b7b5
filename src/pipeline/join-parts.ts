import type { CancellationToken } from "../core/index.js";
import { combineMultiSymbolData, parts, type CombinedData, type Part } from "../dataset/index.js";
import type { SymbolRowCount } from "./evaluate.js";
import type { LabelledRows } from "./rows.js";

/** The three parts of one symbol as the network will see them; any of them may be empty. */
export interface SymbolParts {
  readonly symbol: string;
  readonly rows: Readonly<Record<Part, LabelledRows>>;
}

/** The three parts of all symbols. */
export interface JoinedParts {
  readonly data: Readonly<Record<Part, CombinedData>>;
  /** The test part again, on the same memory, with times; and whose rows they are. */
  readonly test: LabelledRows;
  readonly testRows: readonly SymbolRowCount[];
}

/**
 * Joins each part over the symbols that have rows in it, in the order given.
 *
 * @throws CancelledError
 */
export function joinParts(symbols: readonly SymbolParts[], token: CancellationToken): JoinedParts {
  const joined = parts.map((part) => [part, joinPart(symbols, part, token)] as const);
  const data = Object.fromEntries(joined) as Record<Part, CombinedData>;
  const { features: matrix, labels } = data.test;
  const timesOf = (name: "opened" | "knownAt"): Float64Array =>
    concatenate(
      symbols.map(({ rows }) => rows.test[name]),
      matrix.rows,
    );
  return {
    data,
    test: { matrix, labels, opened: timesOf("opened"), knownAt: timesOf("knownAt") },
    testRows: symbols.map(({ symbol, rows }) => ({ symbol, rows: rows.test.labels.length })),
  };
}

function joinPart(symbols: readonly SymbolParts[], part: Part, token: CancellationToken): CombinedData {
  const present = symbols.filter(({ rows }) => rows[part].labels.length > 0);
  if (present.length === 0) {
    const { names, columns } = symbols[0].rows[part].matrix;
    return { features: { names, rows: 0, columns, values: new Float32Array(0) }, labels: new Uint8Array(0) };
  }
  if (present.length === 1) {
    const { matrix, labels } = present[0].rows[part]; // nothing to join, so no second copy of a long series
    return { features: matrix, labels };
  }
  return combineMultiSymbolData(
    Object.fromEntries(present.map(({ symbol, rows }) => [symbol, rows[part].matrix])),
    Object.fromEntries(present.map(({ symbol, rows }) => [symbol, rows[part].labels])),
    present.map(({ symbol }) => symbol),
    token,
  );
}

function concatenate(columns: readonly Float64Array[], rows: number): Float64Array {
  const out = new Float64Array(rows);
  let row = 0;
  for (const column of columns) {
    out.set(column, row);
    row += column.length;
  }
  return out;
}
