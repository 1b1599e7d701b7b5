import { KnownError } from "../core/index.js";
import { dateText, firstAtOrAfter, fromWallTime, isIntraday, type Bars } from "../data/index.js";

/** A row of a signals file that cannot be read right. */
export interface RefusedSignal {
  /** Line of the file, from 1. */
  readonly row: number;
  readonly reason: string;
}

const shownRows = 10;

/** A file of signals that cannot be followed as it is. */
export class SignalsFileError extends KnownError {
  readonly code = "SIGNALS_REFUSED";
  readonly file: string;
  readonly refused: readonly RefusedSignal[];

  constructor(file: string, refused: readonly RefusedSignal[], rows: number) {
    const shown = refused.slice(0, shownRows).map(({ row, reason }) => `\n  row ${row}: ${reason}`);
    const more = refused.length > shownRows ? `\n  ... and ${refused.length - shownRows} more` : "";
    super(
      rows === 0
        ? `"${file}" is empty. It needs the header "timestamp,signal" and a row for each signal.`
        : `${refused.length} of ${rows} rows of "${file}" cannot be followed:${shown.join("")}${more}`,
    );
    this.file = file;
    this.refused = refused;
  }
}

/** What a signals file says about some bars. */
export interface ReadSignals {
  /** 1 BUY, 0 HOLD or no row, -1 SELL, [bars]. */
  readonly signals: Int8Array;
  /** Rows in the file. */
  readonly rows: number;
  /** Rows before the first or after the last bar; they are left out. */
  readonly outside: number;
}

const names: Readonly<Record<string, 1 | 0 | -1>> = { buy: 1, hold: 0, sell: -1 };

function signalOf(text: string): 1 | 0 | -1 | undefined {
  const named = names[text.toLowerCase()];
  if (named !== undefined) return named;
  if (!/^[+-]?[01](?:\.0*)?$/.test(text)) return undefined;
  return Math.trunc(Number(text)) as 1 | 0 | -1;
}

/**
 * The opening of a bar as written: a date, or an ISO instant. Without offset it is a time in `zone`. Of daily and coarser bars
 * only the date as written counts, if the time of day is midnight. NaN for anything else.
 */
function timeOf(text: string, intraday: boolean, zone: string | null): number {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i.exec(
      text,
    );
  if (match === null) return NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const date = Date.UTC(year, month - 1, day);
  const back = new Date(date);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return NaN;
  if (hour > 23 || minute > 59 || second > 59) return NaN;
  const millis = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  const wall = date + ((hour * 60 + minute) * 60 + second) * 1000 + millis;
  if (!intraday || match[4] === undefined) return wall;
  const offset = match[8]?.toUpperCase();
  if (offset === undefined) return zone === null ? wall : fromWallTime(wall, zone);
  if (offset === "Z") return wall;
  const digits = offset.slice(1).replace(":", "").padEnd(4, "0");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return wall - (offset.startsWith("-") ? -1 : 1) * minutes * 60_000;
}

/**
 * Reads a file of signals for some bars: columns `timestamp` and `signal` (others are ignored), separated by commas,
 * semicolons or tabs, in any order of rows. Rows outside the bars' range are counted and left out; a row inside it
 * whose time is no bar's opening is refused, as are times and signals that are none, and a second row for one bar. A header
 * alone says HOLD of every bar.
 *
 * @param file name for messages
 * @param zone zone of times without offset; null for UTC
 * @throws SignalsFileError with row and reason
 */
export function readSignals(
  text: string,
  file: string,
  bars: Pick<Bars, "time" | "timeframe">,
  zone: string | null = null,
): ReadSignals {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n?|\n/);
  const { timeColumn, signalColumn, separator, first } = layoutOf(lines, file);
  const { time, timeframe } = bars;
  const n = time.length;
  const intraday = isIntraday(timeframe);
  const signals = new Int8Array(n);
  const rowOf = new Uint32Array(n);
  const refused: RefusedSignal[] = [];
  let rows = 0;
  let outside = 0;
  for (let line = first; line < lines.length; line++) {
    if (lines[line].trim() === "") continue;
    rows++;
    const refuse = (reason: string): unknown => refused.push({ row: line + 1, reason });
    const cells = lines[line].split(separator).map(unquoted);
    const written = cells[timeColumn] ?? "";
    const at = timeOf(written, intraday, zone);
    const signal = signalOf(cells[signalColumn] ?? "");
    if (Number.isNaN(at)) {
      refuse(`"${written}" is no date or ISO time, such as 2024-01-31 or 2024-01-31T15:30:00Z`);
      continue;
    }
    if (signal === undefined) {
      refuse(`"${cells[signalColumn] ?? ""}" is no signal. Allowed: BUY, SELL, HOLD, or 1, -1, 0`);
      continue;
    }
    if (n === 0 || at < time[0] || at > time[n - 1]) {
      outside++;
      continue;
    }
    const t = firstAtOrAfter(time, at);
    if (time[t] !== at) {
      const near = [t - 1, t].map((index) => dateText(time[index], timeframe)).join(" and ");
      refuse(`no ${timeframe} bar opens at ${written}; the nearest open at ${near}`);
    } else if (rowOf[t] !== 0) refuse(`it repeats the bar of row ${rowOf[t]}, ${written}`);
    else {
      rowOf[t] = line + 1;
      signals[t] = signal;
    }
  }
  if (refused.length > 0) throw new SignalsFileError(file, refused, rows);
  return { signals, rows, outside };
}

const unquoted = (cell: string): string =>
  cell
    .trim()
    .replace(/^"(.*)"$/, "$1")
    .trim();

const timeNames = ["timestamp", "time", "date", "datetime"];

/** Where the two columns are; a file without header has them first and second. @throws SignalsFileError */
function layoutOf(
  lines: readonly string[],
  file: string,
): { timeColumn: number; signalColumn: number; separator: string; first: number } {
  const at = lines.findIndex((line) => line.trim() !== "");
  if (at < 0) throw new SignalsFileError(file, [], 0);
  const separator = [",", ";", "\t"].find((candidate) => lines[at].includes(candidate)) ?? ",";
  const header = lines[at].split(separator).map((cell) => unquoted(cell).toLowerCase());
  const timeColumn = header.findIndex((name) => timeNames.includes(name));
  const signalColumn = header.indexOf("signal");
  if (timeColumn >= 0 && signalColumn >= 0) return { timeColumn, signalColumn, separator, first: at + 1 };
  if (
    header.length >= 2 &&
    signalOf(header[1]) !== undefined &&
    !Number.isNaN(timeOf(header[0], true, null))
  ) {
    return { timeColumn: 0, signalColumn: 1, separator, first: at };
  }
  const reason = `the header is "${lines[at].trim()}", and the columns "timestamp" and "signal" are needed`;
  throw new SignalsFileError(file, [{ row: at + 1, reason }], 1);
}
