import type { Command } from "commander";
import { KnownError, UsageError } from "../core/index.js";
import type { Bars, ImportedFile, ImportOptions, Timeframe } from "../data/index.js";
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
  const { isTimeframe, timeframes } = await import("../data/index.js");
  if (isTimeframe(text)) return text;
  throw new UsageError(`${flag}: "${text}" is no timeframe. Known: ${timeframes.join(", ")}.`);
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

/**
 * Reads a file whose name and columns need not tell symbol and timeframe, since nothing is stored: the timeframe is then the
 * strategy's, or the one that the distances between the bars fit.
 */
async function readInput(
  file: string,
  options: ImportOptions,
  strategyTimeframe: Timeframe | undefined,
): Promise<ImportedFile> {
  const { BarsFileError, ImportOptionsNeededError, readBarsFile } = await import("../data/index.js");
  try {
    return await readBarsFile(file, options);
  } catch (error) {
    if (!(error instanceof ImportOptionsNeededError)) throw error;
    const lacks = (flag: string): boolean => error.needed.some((needed) => needed.flag.startsWith(flag));
    const named = lacks("--symbol") ? { ...options, symbol: "INPUT" } : options;
    if (!lacks("--timeframe")) {
      if (named === options) throw error;
      return readBarsFile(file, named);
    }
    let unknown: unknown = error;
    for (const timeframe of new Set([
      ...(strategyTimeframe ? [strategyTimeframe] : []),
      ...likelyTimeframes,
    ])) {
      try {
        const read = await readBarsFile(file, { ...named, timeframe });
        if (read.refused.length > 0) continue;
        note(
          `"${file}" is read as ${timeframe} bars, which their distances fit; --timeframe says otherwise.`,
        );
        return read;
      } catch (reason) {
        if (reason instanceof ImportOptionsNeededError) unknown = reason;
        else if (!(reason instanceof BarsFileError)) throw reason;
      }
    }
    throw unknown;
  }
}

const likelyTimeframes: readonly Timeframe[] = ["1d", "1h", "1m", "5m", "15m", "30m", "4h", "1w"];

/**
 * The bars of `--input`, repairs and notices told on stderr, or those of `--symbol` and `--timeframe`.
 *
 * @param timeframes  the timeframes of the strategy: the only one is the default
 * @throws UsageError without either
 * @throws RefusedRowsError, and the errors of `readBarsFile`
 */
export async function barsFrom(options: BarsOptions, timeframes: readonly Timeframe[] = []): Promise<Bars> {
  const only = timeframes.length === 1 ? timeframes[0] : undefined;
  const timeframe =
    options.timeframe === undefined ? undefined : await timeframeOf("--timeframe", options.timeframe);
  const { input, symbol, timezone, dateFormat } = options;
  if (input === undefined) {
    if (symbol === undefined) throw new UsageError("Give --input FILE, or --symbol S and --timeframe T.");
    const stored = timeframe ?? only;
    if (stored === undefined) throw new UsageError("Give --timeframe T with --symbol S.");
    return storedBars(options, symbol, stored);
  }
  const priceScale = options.priceScale === undefined ? undefined : Number(options.priceScale);
  const read = await readInput(input, { symbol, timeframe, timezone, dateFormat, priceScale }, only);
  if (read.refused.length > 0) throw new RefusedRowsError(input, read);
  for (const { row, what } of read.repaired.slice(0, shownRows)) note(`repaired row ${row}: ${what}`);
  if (read.repaired.length > shownRows) note(`... and ${read.repaired.length - shownRows} more repairs`);
  for (const notice of read.notices) warn(notice);
  return read.bars;
}
