import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, KnownError, messageOf, UsageError } from "../core/index.js";
import type { ImportedFile, ImportOptions } from "../data/index.js";
import { priceScaleOf, timeframeOf } from "./bars-input.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import { type CommonOptions, foldersOf, note, printData, printJson, wantsJson, warn } from "./io.js";

interface ImportFlags extends CommonOptions {
  symbol?: string;
  timeframe?: string;
  timezone?: string;
  dateFormat?: string;
  priceScale?: string;
  replace?: boolean;
}

/** `ktrdr data import`. */
export const registerImportCommand: RegisterCommands = (program) => {
  const data = groupOf(program, "data", "Price bars: import, sample, look at, check, resample, fetch.");
  withCommonOptions(data.command("import"))
    .description("Read a file of bars, or all files of a folder, right or not at all, and store them.")
    .argument("<file>", "file, or folder of .csv, .tsv and .txt files")
    .option("--symbol <symbol>", "what the file holds, where it does not say so itself")
    .option("--timeframe <timeframe>", "length of its bars, likewise")
    .option("--timezone <zone>", "zone of intraday times without offset, as Area/City")
    .option("--date-format <format>", "order of year, month and day, where the file leaves it open")
    .option("--price-scale <n>", "number that prices are divided by")
    .option("--replace", "put the file in place of a stored series that it does not agree with")
    .action(importBars);
};

/** What became of one file; field names as in `--json`. */
interface ImportReport {
  readonly file: string;
  readonly symbol: string | null;
  readonly timeframe: string | null;
  readonly rows_read: number;
  readonly rows_imported: number;
  readonly repaired: ImportedFile["repaired"];
  readonly refused: ImportedFile["refused"];
  readonly notices: readonly string[];
  /** Why nothing of the file was stored. */
  readonly error?: ReportedError;
}

interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly details: Record<string, unknown>;
}

async function importBars(path: string, flags: ImportFlags): Promise<void> {
  const json = wantsJson(flags);
  const options = await optionsOf(flags);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder) {
    const [report] = await importFiles([path], options, flags, true);
    if (json) {
      const { file: _file, ...fields } = report;
      printJson(fields);
    }
    finish([report], json);
    return;
  }
  if (options.symbol !== undefined) {
    throw new UsageError("--symbol: the files of a folder cannot all be one symbol. Import them one by one.");
  }
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && tableFile.test(entry.name))
    .map((entry) => join(path, entry.name))
    .sort();
  if (files.length === 0) throw new NothingToImportError(path);
  const reports = await importFiles(files, options, flags, false);
  if (json) printJson(reports);
  finish(reports, json);
}

/** Files of a folder that are taken for tables: a README beside them is not one. */
const tableFile = /^[^.].*\.(csv|tsv|txt)$/i;

/** A folder without tables. */
class NothingToImportError extends KnownError {
  readonly code = "NOTHING_TO_IMPORT";
  readonly folder: string;

  constructor(folder: string) {
    super(`"${folder}" has no files to import: none ends in .csv, .tsv or .txt.`);
    this.folder = folder;
  }
}

async function optionsOf(flags: ImportFlags): Promise<ImportOptions> {
  const { checkSymbol } = await import("../data/index.js");
  const { symbol, timezone, dateFormat, priceScale } = flags;
  if (symbol !== undefined) checkSymbol(symbol);
  const timeframe =
    flags.timeframe === undefined ? undefined : await timeframeOf("--timeframe", flags.timeframe);
  return { symbol, timeframe, timezone, dateFormat, priceScale: priceScaleOf(priceScale) };
}

/**
 * Reads all files first and stores afterwards, so that two files of one series are seen before either is stored.
 *
 * @param alone a single file: what is wrong with it is thrown
 */
async function importFiles(
  files: readonly string[],
  options: ImportOptions,
  { replace = false, ...common }: ImportFlags,
  alone: boolean,
): Promise<ImportReport[]> {
  const { BarStore, readBarsFile } = await import("../data/index.js");
  const store = new BarStore(foldersOf(common).data);
  const read: { file: string; imported: ImportedFile | null; error: unknown }[] = [];
  for (const file of files) {
    try {
      read.push({ file, imported: await readBarsFile(file, options), error: null });
    } catch (error) {
      if (alone || !(error instanceof KnownError)) throw error;
      read.push({ file, imported: null, error });
    }
  }
  const bySeries = new Map<string, string[]>();
  for (const { file, imported } of read) {
    if (imported === null) continue;
    bySeries.set(seriesOf(imported), [...(bySeries.get(seriesOf(imported)) ?? []), file]);
  }
  const outcomes: ImportReport[] = [];
  for (const { file, imported, error } of read) {
    if (imported === null) {
      outcomes.push({ ...emptyReport(file), error: errorOf(error) });
      continue;
    }
    const rivals = bySeries.get(seriesOf(imported)) ?? [];
    if (rivals.length > 1) {
      const names = rivals.map((rival) => `"${rival}"`).join(" and ");
      const message = `${names} are both ${seriesOf(imported)}. Import the right one by itself.`;
      const error_ = { code: "SAME_SERIES", message, details: { files: rivals } };
      outcomes.push({ ...reportOf(file, imported, 0), error: error_ });
    } else if (imported.refused.length > 0) {
      const n = imported.refused.length;
      const message = `"${file}" is not imported: ${n} row${n === 1 ? "" : "s"} cannot be read right. Mend or remove ${n === 1 ? "it" : "them"} and import again.`;
      outcomes.push({
        ...reportOf(file, imported, 0),
        error: { code: "ROWS_REFUSED", message, details: {} },
      });
    } else {
      try {
        const merged = await store.merge(imported.bars, { replace });
        const report = reportOf(file, imported, imported.bars.time.length);
        outcomes.push({ ...report, notices: [...report.notices, ...merged.notices] });
      } catch (failure) {
        if (alone || !(failure instanceof KnownError)) throw failure;
        outcomes.push({ ...reportOf(file, imported, 0), error: errorOf(failure) });
      }
    }
  }
  return outcomes;
}

const seriesOf = ({ bars }: ImportedFile): string => `${bars.symbol} ${bars.timeframe}`;

const errorOf = (error: unknown): ReportedError => ({
  code: codeOf(error) ?? "INTERNAL",
  message: messageOf(error),
  details: error instanceof KnownError ? error.details : {},
});

function emptyReport(file: string): ImportReport {
  return {
    file,
    symbol: null,
    timeframe: null,
    rows_read: 0,
    rows_imported: 0,
    repaired: [],
    refused: [],
    notices: [],
  };
}

function reportOf(
  file: string,
  { bars, rowsRead, repaired, refused, notices }: ImportedFile,
  stored: number,
): ImportReport {
  const { symbol, timeframe } = bars;
  return { file, symbol, timeframe, rows_read: rowsRead, rows_imported: stored, repaired, refused, notices };
}

/** Lines of rows that are printed for one file; `--json` has all of them. */
const shownRows = 20;

/** Says on stderr what was repaired, refused and noticed, on stdout what was imported, and sets the exit status. */
function finish(reports: readonly ImportReport[], json: boolean): void {
  for (const { file, symbol, timeframe, rows_imported, repaired, refused, notices, error } of reports) {
    for (const { row, what } of repaired.slice(0, shownRows)) note(`${file}, row ${row}: repaired: ${what}`);
    if (repaired.length > shownRows)
      note(`${file}: ... and ${repaired.length - shownRows} more repairs (--json lists all)`);
    for (const text of notices) warn(`${file}: ${text}`);
    if (error !== undefined) note(`error: ${error.message}`);
    for (const { row, reason } of refused.slice(0, shownRows)) note(`  row ${row}: ${reason}`);
    if (refused.length > shownRows) note(`  ... and ${refused.length - shownRows} more (--json lists all)`);
    if (error !== undefined) process.exitCode = 1;
    else if (!json) printData(`${symbol} ${timeframe}: ${rows_imported} bars imported from "${file}"`);
  }
}
