import { statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import pc from "picocolors";
import {
  asFileError,
  createCancellation,
  FileError,
  fileProblem,
  KnownError,
  tableRow,
  timestampText,
  UsageError,
  type SharedToken,
  type TableColumn,
} from "../core/index.js";
import { widthOf, wrapText } from "./wrap.js";

/** Where a command finds its folders; all absolute. */
export interface Folders {
  readonly home: string;
  readonly data: string;
  readonly models: string;
  readonly strategies: string;
  /** The SQLite file of operations. */
  readonly operations: string;
}

/** Options that every command has. */
export interface CommonOptions {
  json?: boolean;
  format?: string;
  dataDir?: string;
  modelsDir?: string;
}

/**
 * Folders from flags, then `KTRDR_DATA_DIR`, `KTRDR_MODELS_DIR`, `KTRDR_HOME`, then the current folder. None of them need
 * exist yet.
 *
 * @throws FileError where a file is in the place of one of them
 */
export function foldersOf(options: CommonOptions, env: NodeJS.ProcessEnv = process.env): Folders {
  const home = resolve(env["KTRDR_HOME"] || ".");
  const data = resolve(options.dataDir ?? (env["KTRDR_DATA_DIR"] || join(home, "data")));
  const models = resolve(options.modelsDir ?? (env["KTRDR_MODELS_DIR"] || join(home, "models")));
  refuseFile(home, "KTRDR_HOME");
  refuseFile(data, "--data-dir or KTRDR_DATA_DIR");
  refuseFile(models, "--models-dir or KTRDR_MODELS_DIR");
  return {
    home,
    data,
    models,
    strategies: join(home, "config", "strategies"),
    operations: join(home, ".ktrdr", "operations.db"),
  };
}

function refuseFile(path: string, setBy: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new FileError(path, `it is a file, and a folder is needed (set by ${setBy})`);
  }
}

/** Paths as people type them: relative to the current folder where the file lies below it. */
export function near(path: string): string {
  const short = relative("", path);
  return short.startsWith("..") ? path : short;
}

/** Splits lists given by spaces, commas or both, quoted (`"A B"`) or not; drops empty parts. */
export function splitList(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(/[\s,]+/)).filter((value) => value !== "");
}

/** How a result is printed. */
export type OutputFormat = (typeof formats)[number];

const formats = ["text", "csv", "json"] as const;

/** `--json`, or `--format json|csv|text|table`. @throws UsageError for any other format, and for two that differ */
export function formatOf({ json = false, format: given }: CommonOptions): OutputFormat {
  const format = given?.toLowerCase();
  if (format === undefined) return json ? "json" : "text";
  const known = format === "table" ? "text" : formats.find((name) => name === format);
  if (known === undefined) {
    throw new UsageError(`--format: "${given}" is not known. Allowed: ${formats.join(", ")}.`);
  }
  if (json && known !== "json") {
    throw new UsageError(`--json and --format ${given} exclude each other. Give one of them.`);
  }
  return known;
}

/** True for JSON, false for text. @throws UsageError for csv, which a result without rows does not have */
export function wantsJson(options: CommonOptions): boolean {
  const format = formatOf(options);
  if (format === "csv")
    throw new UsageError("--format: csv is not available for this command. Allowed: text, json.");
  return format === "json";
}

export { timestampText };

let outputLost = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  outputLost = true;
  // The reader of a pipe (`| head`) has gone: that is no failure, and nothing more needs printing.
  if (error.code === "EPIPE") return;
  // A result that cannot be written (`> full.csv`) is one; what the command did besides is done by now.
  const problem =
    error.code === "ENOSPC" ? "the disk is full (ENOSPC)" : (fileProblem(error) ?? error.message);
  note(`error: The output is not complete: ${problem}. Write it somewhere else.`);
  process.exit(1);
});

/** A token that the first Ctrl-C cancels; the second ends the process as it always does. */
export function stoppable(): SharedToken {
  const cancellation = createCancellation();
  process.once("SIGINT", () => cancellation.cancel());
  return cancellation.token;
}

/** Data go to stdout. */
export function printData(text: string): void {
  if (!outputLost) process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Sentences and `name   value` lines on stdout, broken at spaces where a terminal would break words. */
export function printText(text: string): void {
  printData(wrapText(text, widthOf(process.stdout)));
}

/** One JSON document on stdout. Numbers that are not finite become null. */
export function printJson(value: unknown): void {
  printData(JSON.stringify(value, null, 2));
}

/** Everything that is not data goes to stderr, a line at a time. */
export function note(text: string): void {
  process.stderr.write(`${wrapText(text, widthOf(process.stderr))}\n`);
}

/** Something the user should look at. */
export function warn(text: string): void {
  const colours = pc.createColors(Boolean(process.stderr.isTTY) && !process.env["NO_COLOR"]);
  note(`${colours.yellow("warning:")} ${text}`);
}

/**
 * Prints one row per bar: `timestamp`, then the columns. CSV has empty cells and JSON has null where there is no value;
 * numbers in JavaScript's shortest exact form. Text is an aligned table with six significant digits.
 */
export function printColumns(
  time: Float64Array,
  columns: Record<string, TableColumn>,
  format: OutputFormat,
): void {
  const names = Object.keys(columns);
  const cell = (name: string, t: number): string | number | null => {
    const value = columns[name][t];
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    return value === "" ? null : value;
  };
  if (format === "json") {
    if (time.length === 0) printData("[]");
    const entries = Object.entries(columns);
    printRows(time.length, (t) => {
      const row = JSON.stringify(tableRow(time, entries, t));
      return `${t === 0 ? "[\n" : ""}${row}${t === time.length - 1 ? "\n]" : ","}`;
    });
    return;
  }
  if (format === "csv") {
    printData(["timestamp", ...names].join(","));
    printRows(time.length, (t) =>
      [timestampText(time[t]), ...names.map((name) => cell(name, t) ?? "")].join(","),
    );
    return;
  }
  const rows = [["timestamp", ...names]];
  for (let t = 0; t < time.length; t++) {
    rows.push([
      timestampText(time[t]),
      ...names.map((name) => {
        const value = cell(name, t);
        return typeof value === "number" ? String(Number(value.toPrecision(6))) : (value ?? "");
      }),
    ]);
  }
  printData(alignRows(rows));
}

/**
 * Prints a line per row, many at a time: a million rows of fifty numbers are longer than the longest string. Bytes, since
 * texts that wait for a slow pipe are copied together in one piece, which fails beyond 2 GB.
 */
function printRows(rows: number, line: (t: number) => string): void {
  const most = 1000;
  for (let from = 0; from < rows; from += most) {
    const lines: string[] = [];
    for (let t = from; t < Math.min(rows, from + most); t++) lines.push(line(t));
    if (!outputLost) process.stdout.write(Buffer.from(`${lines.join("\n")}\n`));
  }
}

/** A number, perhaps with its unit, or what stands in its place. */
const isFigure = (text: string): boolean =>
  /^(?:[-+]?[\d.]+(?:e[-+]?\d+)?(?: (?:%|B|kB|MB))?|-|too few|)$/.test(text);

/** Rows of texts as an aligned table with a header; columns of numbers right, others left. */
export function alignRows(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((text, j) => (widths[j] = Math.max(widths[j] ?? 0, text.length)));
  const right = widths.map((_, j) => j > 0 && rows.slice(1).every((row) => isFigure(row[j] ?? "")));
  return rows
    .map((row) =>
      row
        .map((text, j) => (right[j] ? text.padStart(widths[j]) : text.padEnd(widths[j])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Prints a failure: JSON on stdout when asked for, and always words on stderr. Returns the exit status. */
export function printFailure(thrown: unknown, json: boolean): number {
  const error = asFileError(thrown);
  const known = error instanceof KnownError;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const code = known ? error.code : "INTERNAL";
    printJson({ error: { code, message, details: known ? error.details : {} } });
  }
  if (known && error.code === "CANCELLED") {
    note(message);
    return 130;
  }
  const colours = pc.createColors(Boolean(process.stderr.isTTY) && !process.env["NO_COLOR"]);
  note(`${colours.red("error:")} ${message}`);
  if (!known) note("This is a bug in ktrdr, not in your input. Please report it with the lines below.");
  if (error instanceof Error && (!known || process.env["KTRDR_DEBUG"] === "1")) note(error.stack ?? "");
  return known && error.isUsage ? 2 : 1;
}
