import type { Command } from "commander";
import { UsageError } from "../core/index.js";
import type { BacktestSettings } from "../backtest/index.js";
import type { DecisionOverrides } from "../pipeline/index.js";
import { withBarsOptions, type BarsOptions } from "./bars-input.js";

/** Flags that say how decisions are traded. */
export interface TradingOptions {
  capital: number;
  commission: number;
  slippage: number;
  size?: number;
  fractional?: boolean;
  shorts?: boolean;
  fill: BacktestSettings["fill"];
  stopLoss?: number;
  takeProfit?: number;
  endOfData: BacktestSettings["endOfData"];
  confidenceThreshold?: number;
  minSignalSeparation?: number;
  positionAwareness?: boolean;
}

/** Flags of `ktrdr backtest run`. */
export interface BacktestOptions extends BarsOptions, TradingOptions {
  model?: string;
  signals?: string;
  startDate?: string;
  endDate?: string;
  seed: number;
  tradesCsv?: string;
  equityCsv?: string;
  report?: string;
}

/** A number within bounds that are said in words. */
export function number(
  flag: string,
  allowed: string,
  fits: (value: number) => boolean,
): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (Number.isFinite(value) && fits(value)) return value;
    throw new UsageError(`${flag}: "${text}" is not allowed. Allowed: ${allowed}.`);
  };
}

/** One of some words, in any case. */
export function oneOf<Name extends string>(flag: string, names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const name = names.find((known) => known === text.toLowerCase());
    if (name !== undefined) return name;
    throw new UsageError(`${flag}: "${text}" is not known. Allowed: ${names.join(", ")}.`);
  };
}

const costShare = "a share from 0 to below 1, such as 0.001 for 0.1 %";
const isCost = (value: number): boolean => value >= 0 && value < 1;

/**
 * Adds the flags of `TradingOptions`.
 *
 * @param when what stands before the flags that are about a model's predictions only
 */
export function withTradingOptions(command: Command, when: string): Command {
  return command
    .option(
      "--capital <money>",
      "money at the beginning",
      number("--capital", "a number above 0", (value) => value > 0),
      100_000,
    )
    .option(
      "--commission <share>",
      "of each fill's value, per side",
      number("--commission", costShare, isCost),
      0,
    )
    .option("--slippage <share>", "of the price, per side", number("--slippage", costShare, isCost), 0)
    .option(
      "--size <share>",
      "of the equity in a position (default: the model's strategy file, else 1.0)",
      number("--size", "a share above 0, at most 1", (value) => value > 0 && value <= 1),
    )
    .option("--fractional", "hold parts of a unit (crypto, currencies); default: whole units")
    .option("--shorts", "SELL opens short positions; default: it only closes long ones")
    .option(
      "--fill <rule>",
      "next-open or close",
      oneOf("--fill", ["next-open", "close"] as const),
      "next-open",
    )
    .option(
      "--stop-loss <share>",
      "leave when the price is this far against the position",
      number("--stop-loss", "a share above 0 and below 1, such as 0.05", (value) => value > 0 && value < 1),
    )
    .option(
      "--take-profit <share>",
      "leave when the price is this far in favour of the position",
      number("--take-profit", "a share above 0, such as 0.1", (value) => value > 0),
    )
    .option(
      "--end-of-data <rule>",
      "close or keep the position that is open at the last bar",
      oneOf("--end-of-data", ["close", "keep"] as const),
      "close",
    )
    .option(
      "--confidence-threshold <p>",
      `${when}lowest probability that counts as a signal (default: the strategy file)`,
      number("--confidence-threshold", "a probability from 0 to 1", (value) => value >= 0 && value <= 1),
    )
    .option(
      "--min-signal-separation <bars>",
      `${when}bars from one signal to the next (default: the strategy file, which says hours)`,
      number(
        "--min-signal-separation",
        "a whole number of bars from 0",
        (value) => Number.isInteger(value) && value >= 0,
      ),
    )
    .option(
      "--position-awareness",
      `${when}a signal for the side that is held is none (default: the strategy file)`,
    )
    .option("--no-position-awareness", `${when}such a signal counts, and the separation begins anew`);
}

/** A whole number from 0 to 4294967295. */
export function seedOf(text: string): number {
  const fits = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
  return number("--seed", "a whole number from 0 to 4294967295", fits)(text);
}

/** Adds the flags to `ktrdr backtest run`. */
export function withBacktestOptions(command: Command): Command {
  const what = command
    .option("--model <name>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
    .option("--signals <file>", "in place of a model: CSV of timestamp,signal (BUY, SELL, HOLD or 1, -1, 0)");
  const which = withBarsOptions(what)
    .option("--start-date <date>", "first day, included (default: all bars)")
    .option("--end-date <date>", "last day, included whole");
  return withTradingOptions(which, "with --model: ")
    .option("--seed <n>", "seed of random entries and bootstrap", seedOf, 42)
    .option("--trades-csv <file>", "write the trades to a file")
    .option("--equity-csv <file>", "write the equity of each bar to a file")
    .option("--report <file>", "write a page with charts (HTML, opens without network)");
}

/** @throws UsageError where flags do not go together */
export function checkTogether(options: BacktestOptions): void {
  const { model, signals, input, symbol } = options;
  if (model !== undefined && signals !== undefined) {
    throw new UsageError("--model and --signals exclude each other. Give one of them.");
  }
  if (model === undefined && signals === undefined) {
    throw new UsageError("Give --model NAME, or --signals FILE.");
  }
  if (input === undefined && symbol === undefined) {
    throw new UsageError("Give --symbol S and --timeframe T, or --input FILE.");
  }
  if (signals === undefined) return;
  const modelOnly = {
    "--confidence-threshold": options.confidenceThreshold,
    "--min-signal-separation": options.minSignalSeparation,
    "--position-awareness": options.positionAwareness,
  };
  const flag = Object.entries(modelOnly).find(([, value]) => value !== undefined)?.[0];
  if (flag !== undefined) {
    throw new UsageError(
      `${flag} applies to a model's predictions, not to --signals: those are followed as they are.`,
    );
  }
}

/** The settings that flags alone decide. */
export function settingsOf(
  options: TradingOptions,
): Omit<BacktestSettings, "minSeparation" | "positionAwareness" | "size"> {
  const { capital, commission, slippage, fill, stopLoss, takeProfit, endOfData } = options;
  return {
    capital,
    commission,
    slippage,
    fractional: options.fractional ?? false,
    shorts: options.shorts ?? false,
    fill,
    stopLoss: stopLoss ?? null,
    takeProfit: takeProfit ?? null,
    endOfData,
  };
}

/** What is decided in place of the strategy file. */
export function decisionsFrom(options: TradingOptions): DecisionOverrides {
  const { confidenceThreshold, minSignalSeparation, positionAwareness, size } = options;
  return {
    ...(confidenceThreshold === undefined ? {} : { confidenceThreshold }),
    ...(minSignalSeparation === undefined ? {} : { minSeparation: minSignalSeparation }),
    ...(positionAwareness === undefined ? {} : { positionAwareness }),
    ...(size === undefined ? {} : { size }),
  };
}

/** Settings as results show them; field names as in JSON. */
export function settingsData(settings: BacktestSettings): object {
  return {
    capital: settings.capital,
    commission: settings.commission,
    slippage: settings.slippage,
    size: settings.size,
    fractional: settings.fractional,
    shorts: settings.shorts,
    fill: settings.fill,
    stop_loss: settings.stopLoss,
    take_profit: settings.takeProfit,
    end_of_data: settings.endOfData,
  };
}

/** Warns where trades cost nothing. */
export function costWarnings({ commission, slippage }: BacktestSettings): string[] {
  if (commission > 0 || slippage > 0) return [];
  return [
    "No costs were set, and real trades have some: see --commission and --slippage (0.001 and 0.0005, say).",
  ];
}
