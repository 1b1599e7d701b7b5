import { basename } from "node:path";
import { neverCancelled, throwIfCancelled, UsageError, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { isIntraday, type Timeframe } from "../timeframes.js";
import { UnknownTimezoneError } from "../zones.js";
import { ImportOptionsNeededError, type MissingOption } from "./errors.js";
import { checkHeaderlessLaw, checkHeaderlessOrder } from "./headerless.js";
import { identify } from "./identity.js";
import { findLayout } from "./layout.js";
import { sortRows, withoutDuplicates } from "./order.js";
import { orderedColumns, type RefusedRow, type RepairedRow } from "./raw-rows.js";
import { readRows } from "./read-rows.js";
import { findScale } from "./scale.js";
import { checkSpacing, inferTimeframe } from "./spacing.js";
import { findSpikes, findSplits } from "./splits.js";
import { parseDateFormat } from "./stamps.js";
import { readBytes, TextLines } from "./text-lines.js";
import { placeTimes, settleDateOrder } from "./times.js";
import { chooseVolume } from "./volumes.js";
import { WallClock } from "./wall-clock.js";

/** What a file may leave open and the user tells. */
export interface ImportOptions {
  readonly symbol?: string | undefined;
  readonly timeframe?: Timeframe | undefined;
  /** Zone of times without an offset; for daily and coarser bars the zone whose days they are. */
  readonly timezone?: string | undefined;
  /** Order of year, month and day: `DD/MM/YYYY`, `%m/%d/%y`. */
  readonly dateFormat?: string | undefined;
  /** Number that prices are divided by; 1 confirms prices that look scaled. */
  readonly priceScale?: number | undefined;
  /**
   * For bars that are looked at and not stored: a file that does not tell its symbol is called `INPUT`, and one that does not
   * tell its timeframe has the one that the distances between its rows fit.
   */
  readonly infer?: boolean | undefined;
}

/** A file of bars as it was read. Where `refused` is not empty, `bars` lacks these rows and is not to be stored. */
export interface ImportedFile {
  readonly bars: Bars;
  /** Rows of the file, refused ones included. */
  readonly rowsRead: number;
  readonly repaired: readonly RepairedRow[];
  readonly refused: readonly RefusedRow[];
  /** What the user should know about the bars, one sentence each. */
  readonly notices: readonly string[];
}

// Adjusting open, high and low by the close's factor would put numbers into the store that no column of the file has.
const adjustedNotice =
  "Prices are the columns open, high, low and close as they stand (adjusted for splits by the source); the dividend-adjusted close is not used.";

/**
 * Reads a file of bars in any of the usual layouts (`findLayout`, `StampReader`), or refuses it.
 *
 * @throws BarsFileError where the file cannot be read, holds no bars, or not those it is said to hold
 * @throws ImportOptionsNeededError naming every flag that is missing to read it right
 * @throws UsageError where an option itself is wrong
 */
export async function readBarsFile(
  path: string,
  options: ImportOptions,
  token: CancellationToken = neverCancelled,
): Promise<ImportedFile> {
  return readBarsBytes(await readBytes(path, token), path, options, token);
}

/** `readBarsFile` over a text; `name` stands for the file in messages, and may tell symbol and timeframe. */
export function readBarsText(
  text: string,
  name: string,
  options: ImportOptions,
  token: CancellationToken = neverCancelled,
): ImportedFile {
  return readBarsBytes(Buffer.from(text, "utf8"), name, options, token);
}

function wallClock(timezone: string | undefined): WallClock | null {
  if (timezone === undefined) return null;
  try {
    return new WallClock(timezone);
  } catch (error) {
    if (error instanceof UnknownTimezoneError) throw new UsageError(`--timezone: ${error.message}`);
    throw error;
  }
}

function readBarsBytes(
  bytes: Buffer,
  file: string,
  options: ImportOptions,
  token: CancellationToken,
): ImportedFile {
  const { priceScale } = options;
  if (priceScale !== undefined && !(priceScale > 0 && priceScale < Infinity)) {
    throw new UsageError(`--price-scale: ${priceScale} is not a number above 0.`);
  }
  const order = options.dateFormat === undefined ? null : parseDateFormat(options.dateFormat);
  const zone = wallClock(options.timezone);
  const lines = new TextLines(bytes, file, token);
  const layout = findLayout(lines, order, file);
  const read = readRows(lines, layout, order, priceScale ?? 1, token);
  const { rows, rowsRead, refused, repaired } = read;
  if (layout.header.length === 0) checkHeaderlessLaw(read, file);

  const identity = identify({
    file,
    symbolOption: options.symbol,
    timeframeOption: options.timeframe,
    symbols: layout.ticker === null ? [...read.symbols] : [layout.ticker],
    timeframes: [...read.timeframes],
  });
  const symbol = identity.symbol ?? (options.infer ? "INPUT" : null);
  const missing: MissingOption[] = options.infer ? [] : [...identity.missing];
  const dates = settleDateOrder(read, order, file);
  if (dates !== null) missing.push(dates);
  const { utcStatement } = layout;
  // Where the timeframe is asked for, the likely one still tells whether a time zone is missing as well.
  const timeframe = identity.timeframe ?? inferTimeframe(rows);
  const placed = placeTimes({ rows, refused, zone, utcStatement, file, token }, timeframe);
  if (placed.missing !== null) missing.push(placed.missing);
  const scale = priceScale === undefined ? findScale(rows, layout, symbol, token) : null;
  if (scale !== null) missing.push(scale);
  if (symbol === null || missing.length > 0) throw new ImportOptionsNeededError(file, missing);

  throwIfCancelled(token);
  const volumes = chooseVolume(rows, layout, refused, repaired, token);
  const sorted = withoutDuplicates(sortRows(rows, repaired, token), rows, refused, repaired, token);
  let inOrder = orderedColumns(rows, sorted, token);
  if (layout.header.length === 0) checkHeaderlessOrder(inOrder, file);
  const spacing = checkSpacing(inOrder.time, inOrder.row, timeframe, file, token);
  let splits = findSplits(inOrder, token);
  const hasSplits = splits.notices.length + splits.wrong.length > 0;
  if (splits.wrong.length > 0) {
    for (const { index, reason } of splits.wrong) refused.push({ row: inOrder.row[index], reason });
    const wrong = new Set(splits.wrong.map(({ index }) => index));
    const right = sorted.filter((_, t) => !wrong.has(t));
    inOrder = orderedColumns(rows, right, token);
    splits = findSplits(inOrder, token);
  }
  const spikes = findSpikes(inOrder, token);
  const byRow = (a: { row: number }, b: { row: number }): number => a.row - b.row;
  const adjusted = layout.columns.adjustedClose >= 0;
  const { time, open, high, low, close, volume } = inOrder;
  return {
    bars: {
      symbol,
      timeframe,
      time,
      open,
      high,
      low,
      close,
      volume,
      meta: {
        source: basename(file),
        adjustment: adjusted ? (hasSplits ? "unknown" : "splits") : hasSplits ? "none" : "unknown",
        currency: null,
        dayTimezone: zone === null || isIntraday(timeframe) ? null : zone.zone,
      },
    },
    rowsRead,
    repaired: repaired.sort(byRow),
    refused: refused.sort(byRow),
    notices: [
      ...identity.notices,
      ...(identity.timeframe === null
        ? [
            `The file is read as ${timeframe} bars, which the distances between its rows fit; --timeframe says otherwise.`,
          ]
        : []),
      ...placed.notices,
      ...(adjusted ? [adjustedNotice] : []),
      ...volumes,
      ...spacing,
      ...splits.notices,
      ...spikes,
    ],
  };
}
