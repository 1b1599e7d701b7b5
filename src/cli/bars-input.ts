import type { Command } from "commander";
import { UsageError } from "../core/index.js";
import type { Bars, Timeframe } from "../data/index.js";
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
    .option("--symbol <symbol>", "stored symbol; with --input, what the file holds")
    .option("--timeframe <timeframe>", "stored timeframe; with --input, what the file holds");
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

/**
 * The bars of `--input`, repairs and notices told on stderr, or those of `--symbol` and `--timeframe`.
 *
 * @param timeframes  the timeframes of the strategy: the only one is the default
 * @throws UsageError without either, and where a file has rows that cannot be read right its own error
 */
export async function barsFrom(options: BarsOptions, timeframes: readonly Timeframe[] = []): Promise<Bars> {
  const only = timeframes.length === 1 ? timeframes[0] : undefined;
  const timeframe =
    options.timeframe === undefined ? undefined : await timeframeOf("--timeframe", options.timeframe);
  if (options.symbol === undefined) throw new UsageError("Give --symbol S and --timeframe T.");
  const stored = timeframe ?? only;
  if (stored === undefined) throw new UsageError("Give --timeframe T with --symbol S.");
  return storedBars(options, options.symbol, stored);
}
