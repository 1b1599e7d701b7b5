import { throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { CanonicalReader, isCanonicalHeader } from "./canonical.js";
import { splitCells } from "./cells.js";
import type { Layout } from "./layout.js";
import { currencySignOf, hasCurrencySign, isBlankValue, parseNumber, parseVolume } from "./numbers.js";
import { checkPrices } from "./price-law.js";
import {
  createRawRows,
  hasTimeOfDay,
  isInstant,
  orderIsGuessed,
  type RawRows,
  type RefusedRow,
  type RepairedRow,
} from "./raw-rows.js";
import { withoutNoise } from "./scale.js";
import { StampReader, type DateOrder } from "./stamps.js";
import type { TextLines } from "./text-lines.js";

/** Lines read between two looks at the token: at some 3 us a line, 1 ms. */
const linesPerCheck = 256;

/** What the rows of a file say, before times are placed and rows ordered. */
export interface ReadRows {
  readonly rows: RawRows;
  /** Rows of the file, refused ones included; blank lines are none. */
  readonly rowsRead: number;
  readonly refused: RefusedRow[];
  readonly repaired: RepairedRow[];
  /** First row whose date only fits this order of day and month. */
  readonly firstRowOf: Partial<Record<DateOrder, number>>;
  /** Different values of the symbol and timeframe columns, at most `mostNames` each. */
  readonly symbols: ReadonlySet<string>;
  readonly timeframes: ReadonlySet<string>;
}

const mostNames = 4;

function describe(cell: string): string {
  return cell === "" ? "empty" : `"${cell.length > 24 ? `${cell.slice(0, 21)}...` : cell}"`;
}

/**
 * Reads every row below the header. Prices are divided by `priceScale`.
 *
 * A row is refused where a cell is missing or no number, a price is not above 0, the date is none, or the prices contradict
 * each other. Repaired and listed: a blank volume or the sentinel -1 becomes 0; a currency sign that not all prices of the row have is
 * left out, unless all rows are written so.
 */
export function readRows(
  lines: TextLines,
  layout: Layout,
  order: DateOrder | null,
  priceScale: number,
  token: CancellationToken,
): ReadRows {
  const { columns, separator, decimal, width, firstRow } = layout;
  const volumeColumns = columns.ticks >= 0 ? [...columns.volumes, columns.ticks] : columns.volumes;
  const rows = createRawRows(lines.count - firstRow, volumeColumns.length, columns.splits >= 0);
  const refused: RefusedRow[] = [];
  const repaired: RepairedRow[] = [];
  const firstRowOf: Partial<Record<DateOrder, number>> = {};
  const symbols = new Set<string>();
  const timeframes = new Set<string>();
  const reader = new StampReader(order);
  const { stamp } = reader;
  const plain = isCanonicalHeader(layout.header) && priceScale === 1 && order === null && separator === ",";
  const canonical = plain ? new CanonicalReader(lines.bytes) : null;
  const prices = [0, 0, 0, 0];
  const priceIndex = [columns.open, columns.high, columns.low, columns.close];
  const priceNames = ["open", "high", "low", "close"];
  /** Rows with currency signs that not all prices have, and which cells have them. */
  const unlike = { rows: [] as RepairedRow[], ways: new Set<string>() };
  let rowsRead = 0;

  function noteSigns(cells: readonly string[], line: number): void {
    const signs = [...priceIndex, ...volumeColumns].map((column) => currencySignOf(cells[column]));
    const signed = [...priceNames, ...volumeColumns.map((column) => layout.header[column] ?? "volume")]
      .map((name, k) => `${name} ${describe(cells[k < 4 ? priceIndex[k] : volumeColumns[k - 4]])}`)
      .filter((_, k) => signs[k] !== "");
    const alike = signs[0] !== "" && signs.slice(0, 4).every((sign) => sign === signs[0]);
    if (signed.length === 0 || alike) return;
    const what = `${signed.join(", ")}: the currency sign, which not all prices of the row have, is left out`;
    unlike.rows.push({ row: line + 1, what });
    unlike.ways.add(signs.join());
  }

  function readRow(line: number): string | null {
    const text = lines.text(line);
    const cells = splitCells(text, separator);
    if (cells === null) return "a quote is not closed";
    while (cells.length > width && cells[cells.length - 1] === "") cells.pop();
    if (cells.length !== width) {
      return `${cells.length} cell${cells.length === 1 ? "" : "s"} where ${layout.header.length > 0 ? "the header has" : "the first row has"} ${width}`;
    }
    const written = cells[columns.time];
    const problems: string[] = [];
    if (written === "") problems.push("the date is empty");
    else if (!reader.read(written)) {
      const kind = /^\d{1,2}:\d{2}/.test(written) ? "is a time of day without a date" : "is no date";
      problems.push(`${describe(written)} ${kind}${order === null ? "" : ` in the order ${order}`}`);
    } else if (columns.clock >= 0 && !reader.readClock(cells[columns.clock])) {
      problems.push(`${describe(cells[columns.clock])} is no time of day`);
    }
    for (let k = 0; k < 4; k++) {
      const cell = cells[priceIndex[k]];
      let price = parseNumber(cell, decimal);
      if (!(price > 0 && price < Infinity)) {
        if (cell === "") problems.push(`${priceNames[k]} is empty`);
        else if (Number.isNaN(price)) problems.push(`${priceNames[k]} ${describe(cell)} is no number`);
        else if (price > 0) problems.push(`${priceNames[k]} ${describe(cell)} is not finite`);
        else problems.push(`${priceNames[k]} ${cell} is not above 0`);
        continue;
      }
      // Scaled back, the noise of the multiplication goes with it: 130583.99999999999 / 100000 is 1.30584.
      if (priceScale > 1) price = withoutNoise(price);
      prices[k] = price / priceScale;
    }
    const i = rows.count;
    for (let v = 0; v < volumeColumns.length; v++) {
      const cell = cells[volumeColumns[v]];
      const name = layout.header[volumeColumns[v]] ?? "volume";
      let volume = NaN;
      if (!isBlankValue(cell)) {
        volume = parseVolume(cell, decimal);
        if (volume === -1) volume = NaN;
        else if (Number.isNaN(volume)) problems.push(`${name} ${describe(cell)} is no number`);
        else if (!(volume >= 0 && volume < Infinity))
          problems.push(`${name} ${describe(cell)} is not 0 or above`);
      }
      rows.volumes[v][i] = volume;
    }
    if (rows.splits !== null) {
      const cell = cells[columns.splits];
      const ratio = isBlankValue(cell) ? 0 : parseNumber(cell, decimal);
      if (!(ratio >= 0 && ratio < Infinity))
        problems.push(`${layout.header[columns.splits]} ${describe(cell)} is no ratio`);
      rows.splits[i] = ratio;
    }
    if (problems.length > 0) return problems.join("; ");
    const law = checkPrices(prices);
    if (law.broken !== null) return law.broken;
    if (law.repaired !== null) repaired.push({ row: line + 1, what: law.repaired });
    if (hasCurrencySign(text)) noteSigns(cells, line);
    if (columns.symbol >= 0 && symbols.size < mostNames) symbols.add(cells[columns.symbol]);
    if (columns.timeframe >= 0 && timeframes.size < mostNames) timeframes.add(cells[columns.timeframe]);
    [rows.open[i], rows.high[i], rows.low[i], rows.close[i]] = prices;
    rows.row[i] = line + 1;
    rows.wall[i] = stamp.wall;
    rows.offset[i] = stamp.offset;
    rows.flags[i] =
      (stamp.hasTime ? hasTimeOfDay : 0) |
      (stamp.isUnix ? isInstant : 0) |
      (stamp.order === "dmy or mdy" ? orderIsGuessed : 0);
    if (stamp.order !== null && stamp.order !== "dmy or mdy") firstRowOf[stamp.order] ??= line + 1;
    rows.count++;
    return null;
  }

  for (let line = firstRow; line < lines.count; line++) {
    if ((line - firstRow) % linesPerCheck === 0) throwIfCancelled(token);
    const from = lines.starts[line];
    const end = lines.end(line);
    if (canonical?.read(from, end, line, rows)) {
      rowsRead++;
      continue;
    }
    if (from === end || lines.text(line).trim() === "") continue;
    rowsRead++;
    const reason = readRow(line);
    if (reason !== null) refused.push({ row: line + 1, reason });
  }
  // Where all rows are written so, it is how the file writes its columns.
  if (unlike.rows.length < rows.count || unlike.ways.size > 1) {
    for (const one of unlike.rows) repaired.push(one);
    repaired.sort((a, b) => a.row - b.row);
  }
  return { rows, rowsRead, refused, repaired, firstRowOf, symbols, timeframes };
}
