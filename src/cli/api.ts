import type { Command } from "commander";
import { existsSync, readFileSync, statSync } from "node:fs";
import { KnownError, UsageError, type TableColumn } from "../core/index.js";
import type { ApiClient } from "../service/manager/api-client.js";
import { near, note, printColumns, stoppable, warn, type CommonOptions, type OutputFormat } from "./io.js";

/**
 * The backend that `KTRDR_API_URL` names; null where commands do their work themselves.
 *
 * @param canWait requests may take long: Ctrl-C gives them up
 * @throws UsageError
 */
export async function apiOf(options: CommonOptions = {}, canWait = false): Promise<ApiClient | null> {
  const { KTRDR_API_URL: url, KTRDR_API_TOKEN: token, KTRDR_TOKEN: common } = process.env;
  if (!url) return null;
  const flag = options.dataDir !== undefined ? "--data-dir" : options.modelsDir && "--models-dir";
  if (flag) {
    throw new UsageError(
      `${flag} names a folder of this machine, and the backend at ${url} has its own. Leave it out, or unset KTRDR_API_URL.`,
    );
  }
  const { ApiClient: Client } = await import("../service/manager/api-client.js");
  return new Client(url, token || common || null, canWait ? stoppable().signal : undefined);
}

/** A command does its work on files of this machine only, and a backend is set. */
class LocalOnlyError extends KnownError {
  readonly code = "LOCAL_ONLY";
  readonly command: string;

  constructor(command: string, url: string) {
    super(
      `${command} works on files of this machine and cannot ask the backend that KTRDR_API_URL names (${url}). ` +
        `Unset the variable to run it here.`,
    );
    this.command = command;
  }
}

const askers = new WeakSet<Command>();

/** Marks a command that asks the backend where `KTRDR_API_URL` is set, or that uses nothing that a backend has. */
export function asksBackend(command: Command): Command {
  askers.add(command);
  return command;
}

/** Refuses commands that would answer from files here although a backend was set. @throws LocalOnlyError */
export function refuseLocalCommand(command: Command): void {
  const url = process.env["KTRDR_API_URL"];
  if (!url) return;
  const { input, strategy, symbol } = command.opts<{ input?: string; strategy?: string; symbol?: string }>();
  if (askers.has(command) && input === undefined) return;
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  // What comes of files that the command line names is the same everywhere; what is recorded as a trial is not.
  const isRecorded = names[0] === "backtest" || names[0] === "walk-forward";
  const isNamed = input !== undefined || (strategy !== undefined && symbol === undefined);
  if (isNamed && !isRecorded && (strategy === undefined || isFile(strategy))) return;
  throw new LocalOnlyError(`ktrdr ${names.join(" ")}`, url);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

/** A strategy as the backend takes it: the text of a file of this machine, or a name that the backend knows. */
export function strategyBody(
  nameOrPath: string,
): { strategy_yaml: string; file_name: string } | { strategy_name: string } {
  if (!isFile(nameOrPath)) return { strategy_name: nameOrPath };
  return { strategy_yaml: readFileSync(nameOrPath, "utf8"), file_name: near(nameOrPath).slice(-100) };
}

/** A model's name in an address: `<strategy>/<timeframe>_v<N>` stays two steps. */
export function modelPath(name: string): string {
  return `/models/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** A reply with the rows of a table over bars. */
interface TablePage {
  readonly sample: boolean;
  readonly notices: readonly string[];
  readonly data: readonly Record<string, string | number | null>[];
}

/** Rows of one request; a reply of so many has some 100 MB. */
const pageRows = 500_000;

/**
 * Asks for a table page by page, the newest rows first, and prints it as commands that compute themselves do.
 *
 * @param page asks for at most `limit` rows after the `skip` newest
 */
export async function printRemoteTable(
  series: string,
  format: OutputFormat,
  page: (rows: { limit: number; skip: number }) => Promise<TablePage>,
): Promise<void> {
  const pages: TablePage["data"][] = [];
  for (let skip = 0; ; skip += pageRows) {
    const { sample, notices, data } = await page({ limit: pageRows, skip });
    if (skip === 0) {
      if (sample) note(`Using sample bars for ${series}: the data folder has none of its own.`);
      for (const text of notices) warn(text);
    }
    pages.unshift(data);
    if (data.length < pageRows) break;
  }
  const rows = pages.flat();
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== "timestamp");
  const columns: Record<string, TableColumn> = {};
  for (const name of names) columns[name] = Float64Array.from(rows, (row) => Number(row[name] ?? NaN));
  printColumns(
    Float64Array.from(rows, ({ timestamp }) => Date.parse(String(timestamp))),
    columns,
    format,
  );
}
