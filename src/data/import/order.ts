import { throwIfCancelled, inBlocks, type CancellationToken } from "../../core/index.js";
import type { RawRows, RefusedRow, RepairedRow } from "./raw-rows.js";

/** Comparisons, or steps of a search, between two looks at the token: some 2 ms. */
const stepsPerCheck = 16_384;

/** Marks the longest run of entries, gaps allowed, that never descends; O(n log n). */
function longestAscent(values: Float64Array, token: CancellationToken): Uint8Array {
  const n = values.length;
  const tails = new Int32Array(n); // tails[k]: entry with the smallest value that ends an ascent of length k + 1
  const previous = new Int32Array(n);
  let length = 0;
  for (let i = 0; i < n; i++) {
    if (i % stepsPerCheck === 0) throwIfCancelled(token);
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[tails[middle]] <= values[i]) low = middle + 1;
      else high = middle;
    }
    previous[i] = low > 0 ? tails[low - 1] : -1;
    tails[low] = i;
    if (low === length) length++;
  }
  const member = new Uint8Array(n);
  for (let i = length > 0 ? tails[length - 1] : -1; i >= 0; i = previous[i]) member[i] = 1;
  return member;
}

function rowList(rows: readonly number[]): string {
  const shown = rows.slice(0, 5).join(", ");
  return rows.length > 5 ? `${shown}, ...` : shown;
}

/**
 * Indices of the rows, oldest first. Rows that are newest first are turned round; rows out of place (as few as explain the
 * disorder) are put in place; either is listed once. Rows in order cost one pass.
 */
export function sortRows(rows: RawRows, repaired: RepairedRow[], token: CancellationToken): Uint32Array {
  const { count: n, time, row } = rows;
  const index = new Uint32Array(n);
  let rises = 0;
  let falls = 0;
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      index[i] = i;
      if (i === 0) continue;
      if (time[i] > time[i - 1]) rises++;
      else if (time[i] < time[i - 1]) falls++;
    }
  });
  if (falls === 0) return index;
  if (falls > rises) {
    index.reverse();
    repaired.push({ row: row[0], what: `the ${n} rows are newest first; turned round` });
    if (rises === 0) return index;
  }
  const member = longestAscent(
    index.reduce((times, i, k) => ((times[k] = time[i]), times), new Float64Array(n)),
    token,
  );
  const misplaced = index.filter((_, k) => member[k] === 0);
  const moved = Array.from(misplaced, (i) => row[i]).sort((a, b) => a - b);
  repaired.push({
    row: moved[0],
    what: `${moved.length} row${moved.length === 1 ? " is" : "s are"} out of date order (${rowList(moved)}); sorted by time`,
  });
  let comparisons = 0;
  return index.sort((a, b) => {
    if (++comparisons % stepsPerCheck === 0) throwIfCancelled(token);
    return time[a] - time[b] || a - b;
  });
}

/**
 * Takes rows of the same time out of `sorted`: of identical rows the first stays and the others are listed; rows that differ are
 * all refused, since nothing tells which is right.
 */
export function withoutDuplicates(
  sorted: Uint32Array,
  rows: RawRows,
  refused: RefusedRow[],
  repaired: RepairedRow[],
): Uint32Array {
  const { time, row, open, high, low, close, volume } = rows;
  const columns = Object.entries({ open, high, low, close, volume });
  let count = 0;
  for (let from = 0; from < sorted.length;) {
    const first = sorted[from];
    let to = from + 1;
    while (to < sorted.length && time[sorted[to]] === time[first]) to++;
    if (to === from + 1) {
      sorted[count++] = first;
      from = to;
      continue;
    }
    const others = sorted.subarray(from + 1, to);
    const when = new Date(time[first]).toISOString().replace(".000Z", "Z");
    const differs = (i: number): boolean => columns.some(([, column]) => column[i] !== column[first]);
    const differing = others.find(differs);
    if (differing === undefined) {
      for (const i of others) {
        repaired.push({ row: row[i], what: `the same bar as row ${row[first]} (${when}); left out` });
      }
      sorted[count++] = first;
    } else {
      for (const i of [first, ...others]) {
        const other = i === first || !differs(i) ? differing : first;
        const [name, values] = columns.find(([, column]) => column[i] !== column[other]) ?? columns[0];
        refused.push({
          row: row[i],
          reason: `same time as row ${row[other]} (${when}) with other values: ${name} ${values[i]} and ${values[other]}`,
        });
      }
    }
    from = to;
  }
  return sorted.subarray(0, count);
}
