/** Sets of rows as bits, 32 rows a word: a conjunction is a bitwise and, its support a count of bits. */
export type RowSet = Int32Array;

/** An empty set over `rows` rows. */
export function emptySet(rows: number): RowSet {
  return new Int32Array(Math.ceil(rows / 32));
}

/** Puts a row into a set. */
export function addRow(set: RowSet, row: number): void {
  set[row >>> 5] |= 1 << (row & 31);
}

/** True where the row is in the set. */
export function hasRow(set: RowSet, row: number): boolean {
  return ((set[row >>> 5] >>> (row & 31)) & 1) === 1;
}

/** Rows in both sets. */
export function intersection(a: RowSet, b: RowSet): RowSet {
  return a.map((word, w) => word & b[w]);
}

/** Takes the rows of `b` out of `a`. */
export function remove(a: RowSet, b: RowSet): void {
  for (let w = 0; w < a.length; w++) a[w] &= ~b[w];
}

/** Number of rows in both sets. */
export function countCommon(a: RowSet, b: RowSet): number {
  let count = 0;
  for (let w = 0; w < a.length; w++) count += bitCount(a[w] & b[w]);
  return count;
}

/** Number of ones of a 32-bit word (Warren, Hacker's Delight, section 5.1). */
function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
