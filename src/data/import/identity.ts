import { basename } from "node:path";
import { checkSymbol } from "../store/symbols.js";
import { isTimeframe, timeframes, type Timeframe } from "../timeframes.js";
import { BarsFileError, type MissingOption } from "./errors.js";

/** What is known about which series a file holds. */
export interface Clues {
  readonly file: string;
  readonly symbolOption: string | undefined;
  readonly timeframeOption: Timeframe | undefined;
  /** Different values of the symbol column, or the ticker of a second header line. */
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
}

/** The series of a file; null where an option must tell. */
export interface Identity {
  readonly symbol: string | null;
  readonly timeframe: Timeframe | null;
  readonly missing: readonly MissingOption[];
  readonly notices: readonly string[];
}

function list(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(", ");
}

function isSymbol(text: string): boolean {
  try {
    checkSymbol(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Decides symbol and timeframe: by option, else by a column (or the ticker in a second header line), else by a name of the form
 * SYMBOL_TIMEFRAME.csv. There SYMBOL has no `_`: `no_volume_VIX_1d.csv` does not tell where the symbol begins, though it ends with
 * the timeframe. A pair `BTC/USD` in a column becomes `BTCUSD`, since a symbol is part of a file name.
 *
 * @throws BarsFileError where the file holds more than one symbol or timeframe
 * @throws BadSymbolError where the option is no symbol
 */
export function identify({
  file,
  symbolOption,
  timeframeOption,
  symbols,
  timeframes: frames,
}: Clues): Identity {
  const missing: MissingOption[] = [];
  const notices: string[] = [];
  if (symbols.length > 1) {
    throw new BarsFileError(
      "NOT_A_BARS_FILE",
      file,
      `holds more than one symbol: ${list(symbols)}. Split it into one file each.`,
    );
  }
  if (frames.length > 1) {
    throw new BarsFileError(
      "NOT_A_BARS_FILE",
      file,
      `holds more than one timeframe: ${list(frames)}. Split it into one file each.`,
    );
  }
  const name = /^(?:([^_]+)|.*)_([0-9]+[a-z])\.(?:csv|tsv|txt)$/i.exec(basename(file));
  const written = symbols[0] ?? "";
  const inFile = written.replaceAll("/", "");
  let symbol: string | null = null;
  if (symbolOption !== undefined) {
    checkSymbol(symbolOption);
    symbol = symbolOption;
    if (
      inFile !== "" &&
      inFile.toLowerCase() !== symbol.replaceAll(/[-_.]/g, "").toLowerCase() &&
      written !== symbol
    ) {
      notices.push(`The file itself calls its symbol "${written}"; it is taken as ${symbol}, as asked.`);
    }
  } else if (written !== "") {
    if (isSymbol(inFile)) {
      symbol = inFile;
      if (inFile !== written) notices.push(`The symbol "${written}" is called ${inFile} here.`);
    } else
      missing.push({ flag: "--symbol S", why: `"${written}" in the file is no symbol that can be stored` });
  } else if (name?.[1] !== undefined && isSymbol(name[1])) {
    symbol = name[1];
  } else {
    missing.push({
      flag: "--symbol S",
      why: "neither a column nor a name of the form SYMBOL_TIMEFRAME.csv tells the symbol",
    });
  }
  let timeframe: Timeframe | null = null;
  if (timeframeOption !== undefined) timeframe = timeframeOption;
  else if (frames.length === 1 && isTimeframe(frames[0])) [timeframe] = frames as [Timeframe];
  else if (name?.[2] !== undefined && isTimeframe(name[2])) timeframe = name[2];
  else {
    const known = `one of ${timeframes.join(", ")}`;
    missing.push({
      flag: "--timeframe T",
      why: `neither a column nor the file's name tells the timeframe (${known})`,
    });
  }
  return { symbol, timeframe, missing, notices };
}
