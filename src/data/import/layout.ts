import { splitCells, separators, type Separator } from "./cells.js";
import { indexColumns, matchHeader, type BarColumns, type HeaderMatch } from "./columns.js";
import { BarsFileError } from "./errors.js";
import { decimalEvidence, parseNumber, type DecimalSign } from "./numbers.js";
import { StampReader, type DateOrder } from "./stamps.js";
import type { TextLines } from "./text-lines.js";

/** How a file of bars is laid out. */
export interface Layout {
  readonly separator: Separator;
  readonly decimal: DecimalSign;
  readonly columns: BarColumns;
  /** Names of the columns as written; empty where there is no header. */
  readonly header: readonly string[];
  /** Cells of a row. */
  readonly width: number;
  /** Index of the first line that can be a row. */
  readonly firstRow: number;
  /** The line above the rows or the name of the column that says that times are UTC, or null. */
  readonly utcStatement: string | null;
  /** Symbol in a second header line, or null. */
  readonly ticker: string | null;
}

/** Lines that are searched for a header; exports put a line or two of origin above it. */
const preambleLines = 20;

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function quotedList(names: readonly string[]): string {
  return names.map((name) => `"${shorten(name)}"`).join(", ");
}

function isNumber(cell: string): boolean {
  return Number.isFinite(parseNumber(cell)) || Number.isFinite(parseNumber(cell, ","));
}

/** The first line that says UTC or GMT; not as part of a time, which would be when the file was made. */
function utcLine(above: readonly string[]): string | null {
  return above.find((line) => /\b(UTC|GMT)\b/i.test(line) && !/\d:\d\d/.test(line)) ?? null;
}

/** Lines up to `last` that are not blank. */
function* writtenLines(
  lines: TextLines,
  from: number,
  last: number,
): Generator<[line: number, text: string]> {
  for (let line = from; line < lines.count && last > 0; line++) {
    const text = lines.text(line);
    if (text.trim() === "") continue;
    last--;
    yield [line, text];
  }
}

const withoutHeader: BarColumns = {
  time: 0,
  clock: -1,
  open: 1,
  high: 2,
  low: 3,
  close: 4,
  volumes: [],
  ticks: -1,
  adjustedClose: -1,
  splits: -1,
  symbol: -1,
  timeframe: -1,
};

/** Date (and time of day), then numbers only: how many numbers follow, or null for another line. */
function headerless(
  cells: readonly string[],
  reader: StampReader,
): { first: number; numbers: number } | null {
  if (!reader.read(cells[0])) return null;
  const first = !reader.stamp.hasTime && cells.length > 5 && reader.readClock(cells[1]) ? 2 : 1;
  return cells.slice(first).every(isNumber) ? { first, numbers: cells.length - first } : null;
}

/**
 * True for a row of Binance's public bars, which have no header: opening time, open, high, low, close, volume, closing time, turnover,
 * trades, volume and turnover of takers, 0. Two epochs of one precision, the later in the seventh cell, tell them.
 */
function isKline(cells: readonly string[]): boolean {
  const [opening, closing] = [cells[0], cells[6] ?? ""];
  const areEpochs = /^(\d{13}|\d{16})$/.test(opening) && /^\d+$/.test(closing);
  return cells.length === 12 && areEpochs && closing.length === opening.length && closing > opening;
}

/**
 * Finds separator, header and columns. Without a header the columns are date, (time,) open, high, low, close, (volume), or those of
 * `isKline`; `checkHeaderlessOrder` holds the rows against that.
 *
 * @param order order of dates that the user states, or null
 *
 * @throws BarsFileError naming what is there in place of bars
 */
export function findLayout(lines: TextLines, order: DateOrder | null, file: string): Layout {
  const refuse = (reason: string): BarsFileError => new BarsFileError("NOT_A_BARS_FILE", file, reason);
  const reader = new StampReader(order);
  const above: string[] = [];
  let nearest: { line: number; cells: string[]; match: HeaderMatch } | null = null;
  for (const [line, text] of writtenLines(lines, 0, preambleLines)) {
    for (const separator of separators) {
      const cells = splitCells(text, separator);
      if (cells === null || cells.length < 4) continue;
      const match = matchHeader(cells);
      if (match.missing.length === 0) return named(lines, file, reader, line, separator, cells, match, above);
      if (match.missing.length < 4 && match.missing.length < (nearest?.match.missing.length ?? 4)) {
        nearest = { line, cells, match };
      }
      // Rows above any header: a file without one. A decimal comma would fall apart at the separator ",".
      const row = nearest === null ? headerless(cells, reader) : null;
      if (row === null) continue;
      const names = splitCells(above[above.length - 1] ?? "", separator);
      if (names !== null && names.length === cells.length && !names.some(isNumber)) {
        throw refuse(
          `is no file of bars that can be recognised: line ${line} names the columns ${quotedList(names)}, and open, high, low and close are not among them.`,
        );
      }
      const { first, numbers } = row;
      const klines = isKline(cells);
      if (!klines && (numbers < 4 || numbers > 5)) {
        throw refuse(
          `is no file of bars: row ${line + 1} is a date and ${numbers} number${numbers === 1 ? "" : "s"} ("${shorten(text)}"), without a header. Bars are open, high, low, close and perhaps volume${numbers < 4 ? "; this may be a list of adjustment factors or of single prices" : "; add a header line that names the columns"}.`,
        );
      }
      const at = first - 1;
      const columns: BarColumns = {
        ...withoutHeader,
        clock: at === 1 ? 1 : -1,
        open: at + 1,
        high: at + 2,
        low: at + 3,
        close: at + 4,
        volumes: numbers >= 5 ? [at + 5] : [],
      };
      const utcStatement = utcLine(above);
      const layout = {
        separator,
        columns,
        header: [],
        width: cells.length,
        firstRow: line,
        utcStatement,
        ticker: null,
      };
      return { ...layout, decimal: decimalSign(lines, layout, file) };
    }
    above.push(text);
  }
  if (above.length === 0) throw refuse("is empty.");
  if (nearest !== null) {
    const { line, cells, match } = nearest;
    throw refuse(
      `is no file of bars: line ${line + 1} names the columns ${quotedList(cells)}; missing: ${match.missing.join(", ")}.`,
    );
  }
  throw refuse(
    `is no file of bars: no header with open, high, low and close, and no row of date and prices. It begins with "${shorten(above[0])}".`,
  );
}

function named(
  lines: TextLines,
  file: string,
  reader: StampReader,
  line: number,
  separator: Separator,
  header: string[],
  match: HeaderMatch,
  above: readonly string[],
): Layout {
  const refuse = (reason: string): BarsFileError => new BarsFileError("NOT_A_BARS_FILE", file, reason);
  if (match.doubled.length > 0) {
    throw refuse(
      `has more than one column "${match.doubled[0]}" (line ${line + 1}); keep the columns of one symbol.`,
    );
  }
  const { open, high, low, close } = match.columns;
  let ticker: string | null = null;
  let time = match.columns.time;
  let { clock } = match.columns;
  let firstRow = line + 1;
  let sawRow = false;
  for (const [next, text] of writtenLines(lines, line + 1, 4)) {
    const cells = splitCells(text, separator);
    if (cells === null) break;
    const prices = [open, high, low, close].map((j) => cells[j] ?? "");
    const label = time >= 0 ? (cells[time] ?? "") : (cells[0] ?? "");
    const isTickerRow = prices.every((cell) => cell !== "" && !isNumber(cell)) && !reader.read(label);
    // A second and third header line, as saved from a table whose columns are (price, ticker) pairs.
    if (isTickerRow && ticker === null && /^(|ticker|date|datetime)$/i.test(label)) {
      const different = prices.find((name) => name !== prices[0]);
      if (different !== undefined) {
        throw refuse(
          `has a second header line (${next + 1}) with "${prices[0]}" and "${different}": one file holds one symbol.`,
        );
      }
      ticker = prices[0];
      firstRow = next + 1;
    } else if (/^(date|datetime|timestamp|time)$/i.test(cells[0]) && prices.every((cell) => cell === "")) {
      if (time < 0) time = 0;
      firstRow = next + 1;
    } else {
      sawRow = true;
      if (time < 0) time = indexColumns(header, match.columns).find((j) => reader.read(cells[j] ?? "")) ?? -1;
      // A column "time" beside "date" adds the time of day, unless the date already has it.
      if (clock >= 0 && reader.read(cells[time] ?? "") && reader.stamp.hasTime) clock = -1;
      break;
    }
  }
  if (!sawRow) throw refuse(`has a header (line ${line + 1}) and no rows.`);
  if (time < 0) {
    throw refuse(
      `is no file of bars: line ${line + 1} names the columns ${quotedList(header)}; none is a date or time.`,
    );
  }
  const utcStatement = match.utc ? header[time] : utcLine(above);
  const columns = { ...match.columns, time, clock };
  const layout = { separator, columns, header, width: header.length, firstRow, utcStatement, ticker };
  return { ...layout, decimal: decimalSign(lines, layout, file) };
}

/** Rows that are looked at for the decimal sign; a sign that shows up later is then read or refused cell by cell. */
const rowsForDecimal = 10_000;

/**
 * The file's decimal sign, decided by all its cells together. Where `,` separates cells it is the point; in other files a
 * comma may be either sign, and `1,234` alone does not tell.
 */
function decimalSign(lines: TextLines, layout: Omit<Layout, "decimal">, file: string): DecimalSign {
  const { separator, columns, firstRow } = layout;
  if (separator === "," || !lines.bytes.includes(",", lines.starts[firstRow])) return ".";
  const numeric = [columns.open, columns.high, columns.low, columns.close, ...columns.volumes];
  const seen: Partial<Record<DecimalSign, string>> = {};
  let undecided: string | undefined;
  for (const [line, text] of writtenLines(lines, firstRow, rowsForDecimal)) {
    const cells = splitCells(text, separator) ?? [];
    for (const j of numeric) {
      const cell = cells[j];
      if (cell === undefined || !isNumber(cell)) continue;
      const sign = decimalEvidence(cell);
      if (sign !== null) seen[sign] ??= `"${cell}" in row ${line + 1}`;
      else if (cell.includes(",")) undecided ??= `"${cell}" in row ${line + 1}`;
    }
  }
  if (seen["."] !== undefined && seen[","] !== undefined) {
    throw new BarsFileError(
      "NOT_A_BARS_FILE",
      file,
      `cannot be read right: ${seen["."]} has a decimal point and ${seen[","]} a decimal comma.`,
    );
  }
  if (seen[","] !== undefined) return ",";
  if (seen["."] !== undefined || undecided === undefined) return ".";
  if (separator === ";") return ","; // written with ";" because the comma is taken
  throw new BarsFileError(
    "NOT_A_BARS_FILE",
    file,
    `cannot be read right: nothing tells whether ${undecided} has a decimal comma or groups thousands.`,
  );
}
