import { throwIfCancelled, inBlocks, type CancellationToken } from "../../core/index.js";
import type { RawRows, RefusedRow, RepairedRow } from "./raw-rows.js";

/** Comparisons between two looks at the token: some 2 ms. */
const stepsPerCheck = 16_384;

function rowList(rows: readonly number[]): string {
  const shown = rows.slice(0, 5).join(", ");
  return rows.length > 5 ? `${shown}, ...` : shown;
}

/**
 * Indices of the rows, oldest first. Rows that are newest first are turned round, rows earlier than the row before them put in
 * place; either is listed once. Rows in order cost one pass.
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
  const newestFirst = falls > rises;
  if (newestFirst) {
    index.reverse();
    repaired.push({ row: row[0], what: `the ${n} rows are newest first; turned round` });
    if (rises === 0) return index;
  }
  const misplaced: number[] = [];
  for (let i = 1; i < n; i++) {
    if (newestFirst ? time[i] > time[i - 1] : time[i] < time[i - 1]) misplaced.push(row[i]);
  }
  const count = `${misplaced.length} row${misplaced.length === 1 ? " is" : "s are"}`;
  const place = `${newestFirst ? "later" : "earlier"} than the row before (${rowList(misplaced)})`;
  repaired.push({ row: misplaced[0], what: `${count} ${place}; sorted by time` });
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
  token: CancellationToken,
): Uint32Array {
  const { time, row, open, high, low, close, volume } = rows;
  const columns = Object.entries({ open, high, low, close, volume });
  let count = 0;
  let repeats = false;
  inBlocks(sorted.length, token, (from, to) => {
    for (let t = Math.max(1, from); t < to; t++) if (time[sorted[t]] === time[sorted[t - 1]]) repeats = true;
  });
  if (!repeats) return sorted;
  for (let from = 0; from < sorted.length;) {
    if (from % stepsPerCheck === 0) throwIfCancelled(token);
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
