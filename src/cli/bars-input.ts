import type { Command } from "commander";
import { KnownError, nearestName, UsageError } from "../core/index.js";
import type { Bars, ImportedFile, Timeframe } from "../data/index.js";
import { foldersOf, note, warn, type CommonOptions } from "./io.js";

/** The options that say which bars a computing command works on. */
export interface BarsOptions extends CommonOptions {
  input?: string;
  symbol?: string;
  timeframe?: string;
  timezone?: string;
  dateFormat?: string;
  priceScale?: string;
}

/** `--input FILE` and how to read it, or `--symbol S --timeframe T` for stored bars. */
export function withBarsOptions(command: Command): Command {
  return command
    .option("--input <file>", "file of bars, in any layout that `data import` takes")
    .option("--symbol <symbol>", "stored symbol; with --input, what the file holds")
    .option("--timeframe <timeframe>", "stored timeframe; with --input, what the file holds")
    .option("--timezone <zone>", "with --input: zone of times without offset (Area/City)")
    .option("--date-format <format>", "with --input: order of year, month and day")
    .option("--price-scale <n>", "with --input: number that prices are divided by");
}

/** A timeframe given by a flag. @throws UsageError */
export async function timeframeOf(flag: string, text: string): Promise<Timeframe> {
  const { isTimeframe, timeframes } = await import("../data/timeframes.js");
  if (isTimeframe(text)) return text;
  const nearest = nearestName(text, timeframes);
  const hint = nearest?.toLowerCase() === text.toLowerCase() ? ` Did you mean "${nearest}"?` : "";
  throw new UsageError(`${flag}: "${text}" is no timeframe. Known: ${timeframes.join(", ")}.${hint}`);
}

/** Bars of the data folder up to the end date, saying so when they are sample bars. @throws NoBarsError */
export async function storedBars(
  options: CommonOptions,
  symbol: string,
  timeframe: Timeframe,
  startDate: string | null = null,
  endDate: string | null = null,
): Promise<Bars> {
  const { BarStore, DataManager } = await import("../data/index.js");
  const manager = new DataManager(new BarStore(foldersOf(options).data));
  const bars = await manager.load({ symbol, timeframe, startDate, endDate });
  if (bars.fromSample)
    note(`Using sample bars for ${symbol} ${timeframe}: the data folder has none of its own.`);
  for (const notice of bars.notices) warn(notice);
  return bars;
}

/** Rows of an input file that cannot be read right; nothing is computed without them. */
class RefusedRowsError extends KnownError {
  readonly code = "ROWS_REFUSED";
  readonly file: string;
  readonly refused: ImportedFile["refused"];

  constructor(file: string, { refused, rowsRead }: ImportedFile) {
    const rows = refused.slice(0, shownRows).map(({ row, reason }) => `\n  row ${row}: ${reason}`);
    const more = refused.length > shownRows ? `\n  ... and ${refused.length - shownRows} more` : "";
    super(`${refused.length} of ${rowsRead} rows of "${file}" cannot be read right:${rows.join("")}${more}`);
    this.file = file;
    this.refused = refused;
  }
}

const shownRows = 10;

/** Flags that say how to read a file. @throws UsageError where no file is named, rather than ignoring them */
export function refuseFileFlags({ timezone, dateFormat, priceScale }: BarsOptions): void {
  const given = Object.entries({
    "--timezone": timezone,
    "--date-format": dateFormat,
    "--price-scale": priceScale,
  });
  const flag = given.find(([, value]) => value !== undefined)?.[0];
  if (flag !== undefined) throw new UsageError(`${flag} says how to read a file: use it with --input FILE.`);
}

/** The number that `--price-scale` gives. @throws UsageError */
export function priceScaleOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const scale = Number(text);
  if (scale > 0 && Number.isFinite(scale)) return scale;
  throw new UsageError(`--price-scale: "${text}" is not allowed. Allowed: a number above 0, such as 10000.`);
}

/**
 * The stored series that the flags name, without `--input`.
 *
 * @param only the timeframe without `--timeframe`; undefined for one that has to be given
 * @throws UsageError
 */
export async function storedSeriesOf(
  options: BarsOptions,
  only?: Timeframe,
): Promise<{ symbol: string; timeframe: Timeframe }> {
  refuseFileFlags(options);
  const timeframe =
    options.timeframe === undefined ? only : await timeframeOf("--timeframe", options.timeframe);
  if (options.symbol === undefined) {
    throw new UsageError("Give --input FILE, or --symbol S and --timeframe T.");
  }
  if (timeframe === undefined) throw new UsageError("Give --timeframe T with --symbol S.");
  return { symbol: options.symbol, timeframe };
}

/**
 * The bars of `--input`, repairs and notices told on stderr, or those of `--symbol` and `--timeframe`.
 *
 * @param timeframes  the timeframes of the strategy: the only one is the default
 * @throws UsageError without either
 * @throws RefusedRowsError, and the errors of `readBarsFile`
 */
export async function barsFrom(options: BarsOptions, timeframes: readonly Timeframe[] = []): Promise<Bars> {
  const only = timeframes.length === 1 ? timeframes[0] : undefined;
  const { input, symbol, timezone, dateFormat } = options;
  if (input === undefined) {
    const stored = await storedSeriesOf(options, only);
    return storedBars(options, stored.symbol, stored.timeframe);
  }
  const timeframe =
    options.timeframe === undefined ? undefined : await timeframeOf("--timeframe", options.timeframe);
  const priceScale = priceScaleOf(options.priceScale);
  const { readBarsFile } = await import("../data/index.js");
  // Nothing is stored, so the file need not tell its symbol and timeframe.
  const infer = true;
  const read = await readBarsFile(input, { symbol, timeframe, timezone, dateFormat, priceScale, infer });
  if (read.refused.length > 0) throw new RefusedRowsError(input, read);
  for (const { row, what } of read.repaired.slice(0, shownRows)) note(`repaired row ${row}: ${what}`);
  if (read.repaired.length > shownRows) note(`... and ${read.repaired.length - shownRows} more repairs`);
  for (const notice of read.notices) warn(notice);
  return read.bars;
}
