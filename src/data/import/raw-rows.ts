import { inBlocks, type CancellationToken } from "../../core/index.js";

/** A row that was read after a certain repair. */
export interface RepairedRow {
  /** Line of the file, from 1. */
  readonly row: number;
  readonly what: string;
}

/** A row that cannot be read right. */
export interface RefusedRow {
  /** Line of the file, from 1. */
  readonly row: number;
  readonly reason: string;
}

/** Day and month of the row's date could also stand the other way round. */
export const orderIsGuessed = 1;
/** The row has a time of day. */
export const hasTimeOfDay = 2;
/** The row's time is a count of seconds: an instant. */
export const isInstant = 4;

/** Rows as the file has them, in its order; all columns have room for `capacity` rows, `count` are in use. */
export interface RawRows {
  count: number;
  /** Line of the file, from 1. */
  readonly row: Int32Array;
  /** The time as written, as if it were UTC, epoch ms. */
  readonly wall: Float64Array;
  /** Minutes east of UTC, or `noOffset`. */
  readonly offset: Int16Array;
  /** `orderIsGuessed`, `hasTimeOfDay`, `isInstant`. */
  readonly flags: Uint8Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  /** One column per column of volume, NaN where the cell is blank. */
  readonly volumes: readonly Float64Array[];
  /** The bar's opening, epoch ms UTC; written by `placeTimes`. */
  readonly time: Float64Array;
  /** Written by `chooseVolume`. */
  readonly volume: Float64Array;
  /** New shares per old one where the file has such a column (0 for none), else null. */
  readonly splits: Float64Array | null;
}

/** Columns without rows yet. */
export function createRawRows(capacity: number, volumes: number, splits: boolean): RawRows {
  const column = (): Float64Array => new Float64Array(capacity);
  return {
    count: 0,
    row: new Int32Array(capacity),
    wall: column(),
    offset: new Int16Array(capacity),
    flags: new Uint8Array(capacity),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volumes: Array.from({ length: volumes }, column),
    time: column(),
    volume: column(),
    splits: splits ? column() : null,
  };
}

/** Keeps the rows whose index `keep` accepts, in their order. */
export function filterRows(rows: RawRows, keep: (i: number) => boolean): void {
  const { row, wall, offset, flags, open, high, low, close, volumes, time, volume, splits } = rows;
  const columns = [row, wall, offset, flags, open, high, low, close, ...volumes, time, volume];
  if (splits !== null) columns.push(splits);
  let kept = 0;
  for (let i = 0; i < rows.count; i++) {
    if (!keep(i)) continue;
    if (kept !== i) for (const column of columns) column[kept] = column[i];
    kept++;
  }
  rows.count = kept;
}

/** Columns of rows in order of time, all [n]. */
export interface OrderedColumns {
  readonly row: Int32Array;
  readonly time: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly splits: Float64Array | null;
}

/** The rows with these indices, as columns; views where they are the rows as they stand. */
export function orderedColumns(rows: RawRows, index: Uint32Array, token: CancellationToken): OrderedColumns {
  const n = index.length;
  let inPlace = true;
  inBlocks(n, token, (from, to) => {
    for (let t = from; t < to && inPlace; t++) inPlace = index[t] === t;
  });
  const pick = <T extends Float64Array | Int32Array>(column: T): T => {
    if (inPlace) return column.subarray(0, n) as T;
    const picked = column.slice(0, n) as T;
    inBlocks(n, token, (from, to) => {
      for (let t = from; t < to; t++) picked[t] = column[index[t]];
    });
    return picked;
  };
  return {
    row: pick(rows.row),
    time: pick(rows.time),
    open: pick(rows.open),
    high: pick(rows.high),
    low: pick(rows.low),
    close: pick(rows.close),
    volume: pick(rows.volume),
    splits: rows.splits === null ? null : pick(rows.splits),
  };
}
