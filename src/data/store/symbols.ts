import { KnownError, UsageError } from "../../core/index.js";
import { isTimeframe, type Timeframe } from "../timeframes.js";

const symbolPattern = /^[A-Za-z0-9^_][A-Za-z0-9_.^=-]{0,39}$/;

/** A symbol that cannot be part of a file name here. */
export class BadSymbolError extends UsageError {
  readonly symbol: string;

  constructor(symbol: string) {
    // A pair is called as the import calls it: BTC/USD is BTCUSD.
    const mended = symbol
      .trim()
      .replaceAll("/", "")
      .replace(/[\\ :]+/g, "-");
    const hint = symbolPattern.test(mended) ? ` Write it as "${mended}".` : "";
    super(
      `"${symbol}" is no symbol: up to 40 letters, digits and _ - . ^ = are allowed, beginning with a letter, digit, ^ or _.${hint}`,
    );
    this.symbol = symbol;
  }
}

/** Refuses what could leave the data folder or hide in it. @throws BadSymbolError */
export function checkSymbol(symbol: string): void {
  if (!symbolPattern.test(symbol)) throw new BadSymbolError(symbol);
}

/** The file formats of a series, in the order in which they are looked for. */
export const seriesFormats = ["parquet", "csv"] as const;

/** How a series lies on disk. */
export type SeriesFormat = (typeof seriesFormats)[number];

/** `AAPL_1d.parquet` -> symbol, timeframe, format; null for any other file. The last `_` separates. */
export function parseSeriesFile(
  name: string,
): { symbol: string; timeframe: Timeframe; format: SeriesFormat } | null {
  const match = /^(.+)_([0-9]+[a-z])\.(parquet|csv)$/.exec(name);
  if (match === null || !symbolPattern.test(match[1]) || !isTimeframe(match[2])) return null;
  return { symbol: match[1], timeframe: match[2], format: match[3] as SeriesFormat };
}

/** A bars file that is there and cannot be used; names the file and the reason. */
export class DamagedSeriesError extends KnownError {
  readonly code = "DAMAGED_SERIES";
  readonly path: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(
      `"${path}" cannot be used: ${reason}. Import the bars again (ktrdr data import FILE --replace), or remove the file.`,
    );
    this.path = path;
    this.cause = cause;
  }
}
