import { inBlocks, log, type CancellationToken } from "../../core/index.js";
import type { Layout } from "./layout.js";
import { filterRows, type RawRows, type RefusedRow, type RepairedRow } from "./raw-rows.js";

/** Largest |log| by which one volume times the price may miss the other volume: rounding, and an average price in a wild bar. */
const fits = 0.7;

/**
 * Of two volumes of a bar one may be the quantity and one its value: value = quantity * price. Returns 1 or 2 for the one that is
 * the quantity, 0 where that cannot be told (one of them is 0, or the price is near 1), -1 where it is neither.
 */
function quantityOf(first: number, second: number, price: number): -1 | 0 | 1 | 2 {
  if (!(first > 0 && second > 0)) return 0;
  const ratio = log(second / first);
  const expected = log(price);
  const asFirst = Math.abs(ratio - expected);
  const asSecond = Math.abs(-ratio - expected);
  if (Math.min(asFirst, asSecond) > fits) return -1;
  if (Math.abs(asFirst - asSecond) < 0.2) return 0;
  return asFirst < asSecond ? 1 : 2;
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(" and ");
}

/**
 * Two columns, told apart row by row by value = quantity * price. The column that is the quantity in most rows is the file's
 * volume; rows in which the two hold each other's values take the other one and are listed. A row that does not tell follows the
 * rows around it, and is refused where these differ. Null where the columns are no such pair.
 */
function quantityColumn(
  rows: RawRows,
  names: readonly string[],
  refused: RefusedRow[],
  repaired: RepairedRow[],
  token: CancellationToken,
): string | null {
  const { volume } = rows;
  const [first, second] = rows.volumes;
  const n = rows.count;
  const verdict = new Int8Array(n);
  let known = 0;
  let tested = 0;
  let asFirst = 0;
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      verdict[i] = quantityOf(first[i], second[i], rows.close[i]);
      if (first[i] > 0 && second[i] > 0) tested++;
      if (verdict[i] <= 0) continue;
      known++;
      if (verdict[i] === 1) asFirst++;
    }
  });
  if (known === 0 || known < 0.5 * tested) return null;
  const usual = 2 * asFirst >= known ? 1 : 2;
  // What the nearest row that tells says, after each row and, in the loop below, before it.
  const after = new Int8Array(n);
  let next = 0;
  for (let i = n - 1; i >= 0; i--) {
    after[i] = next;
    if (verdict[i] > 0) next = verdict[i];
  }
  const wrong = new Uint8Array(n);
  let before = 0;
  for (let i = 0; i < n; i++) {
    let choice = verdict[i];
    if (choice > 0) before = choice;
    else if (choice === 0) {
      const agreed = before === 0 ? after[i] : after[i] === 0 || after[i] === before ? before : 0;
      if (agreed !== 0) choice = agreed as 1 | 2;
      else if (first[i] === second[i]) choice = usual;
    }
    if (choice <= 0) {
      wrong[i] = 1;
      refused.push({
        row: rows.row[i],
        reason: `the volumes ${first[i]} (${names[0]}) and ${second[i]} (${names[1]}) do not fit the price ${rows.close[i]}: one should be the other times the price`,
      });
      continue;
    }
    volume[i] = choice === 1 ? first[i] : second[i];
    if (choice !== usual && first[i] !== second[i]) {
      const row = rows.row[i];
      repaired.push({ row, what: `${list(names)} hold each other's values; the volume is ${volume[i]}` });
    }
  }
  filterRows(rows, (i) => wrong[i] === 0);
  return `There are two volumes, ${list(names)}; "${names[usual - 1]}" is used: it is a quantity, the other one its value.`;
}

/** Blank cells (and the sentinel -1) become 0 and are listed. */
function fill(rows: RawRows, column: Float64Array, repaired: RepairedRow[], token: CancellationToken): void {
  const { count, row, volume } = rows;
  inBlocks(count, token, (from, to) => {
    for (let i = from; i < to; i++) {
      volume[i] = column[i];
      if (!Number.isNaN(column[i])) continue;
      volume[i] = 0;
      repaired.push({ row: row[i], what: "volume is blank or -1; taken as 0" });
    }
  });
}

/**
 * Decides which column is the volume and writes `rows.volume`: the only one; of a quantity and a value the quantity; else the one
 * called just "volume", or the first. Tick counts serve where there is no other volume above 0. None: 0 in every bar.
 *
 * @returns what was decided where that was not plain
 */
export function chooseVolume(
  rows: RawRows,
  layout: Layout,
  refused: RefusedRow[],
  repaired: RepairedRow[],
  token: CancellationToken,
): string[] {
  const { columns, header } = layout;
  const names = columns.volumes.map((j) => header[j] ?? "volume");
  const ticks = columns.ticks >= 0 ? rows.volumes[names.length] : null;
  if (names.length === 2) {
    const notice = quantityColumn(rows, names, refused, repaired, token);
    if (notice !== null) return [notice];
  }
  const plain = names.findIndex((name) => /^<?vol(ume)?>?$/i.test(name));
  const chosen = rows.volumes[Math.max(0, plain)];
  if (
    ticks !== null &&
    (names.length === 0 || !chosen.subarray(0, rows.count).some((volume) => volume > 0))
  ) {
    fill(rows, ticks, repaired, token);
    return [`The volume is "${header[columns.ticks]}": a count of price changes, not of traded units.`];
  }
  if (names.length === 0) return ["There is no volume column: volume is 0 in every bar."];
  fill(rows, chosen, repaired, token);
  if (names.length === 1) return [];
  return [`There are ${names.length} volumes, ${list(names)}; "${names[Math.max(0, plain)]}" is used.`];
}
