import type { Command } from "commander";
import { exp, neverCancelled, UsageError } from "../core/index.js";
import type { CheckRecord, DataMode, LoadedBars, seriesRecord } from "../data/index.js";
import { apiOf, asksBackend, printRemoteTable } from "./api.js";
import { timeframeOf } from "./bars-input.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import { csvOf } from "./csv.js";
import {
  alignRows,
  foldersOf,
  formatOf,
  note,
  printColumns,
  printData,
  printJson,
  stoppable,
  timestampText,
  wantsJson,
  warn,
  type CommonOptions,
} from "./io.js";

interface SeriesOptions extends CommonOptions {
  timeframe: string;
  startDate?: string;
  endDate?: string;
}

/** Instants of rows in text: findings beyond these many are counted, not listed; `--json` has all. */
const shownFindings = 10;

function sampleText(symbol: string, timeframe: string): string {
  return `Using sample bars for ${symbol} ${timeframe}: the data folder has none of its own.`;
}

/** Says where bars come from when they are sample bars, and what was repaired. */
function tellAbout({ symbol, timeframe, fromSample, notices }: LoadedBars): void {
  if (fromSample) note(sampleText(symbol, timeframe));
  for (const notice of notices) warn(notice);
}

function withRange(command: Command): Command {
  return command
    .option("--start-date <date>", "first day or instant, inclusive (UTC)")
    .option("--end-date <date>", "last day or instant, inclusive (UTC)");
}

type SeriesRecord = ReturnType<typeof seriesRecord>;

async function list(options: CommonOptions): Promise<void> {
  const { BarStore, dateText, seriesColumns, seriesRecord: recordOf } = await import("../data/index.js");
  const format = formatOf(options);
  const api = await apiOf(options, true);
  const folder = foldersOf(options).data;
  const records =
    api === null
      ? (await new BarStore(folder).list()).map(recordOf)
      : await api.data<SeriesRecord[]>("/data");
  if (format === "json") {
    printJson(records);
  } else if (format === "csv") {
    printData(csvOf(seriesColumns, records));
  } else if (records.length === 0) {
    const where = api === null ? `in "${folder}"` : "on the backend";
    note(`No bars ${where}. "ktrdr data sample" writes sample bars, "ktrdr data import FILE" imports yours.`);
  } else {
    const rows = records.map(
      ({ symbol, timeframe, bars, start_date, end_date, source, adjustment, sample, error }) => {
        const day = (time: string | null): string =>
          time === null ? "?" : dateText(Date.parse(time), timeframe);
        const origin = error === null ? `${source ?? ""}${sample ? " (sample)" : ""}` : "cannot be used";
        return [
          `${symbol} ${timeframe}`,
          String(bars),
          day(start_date),
          day(end_date),
          adjustment ?? "",
          origin,
        ];
      },
    );
    printData(alignRows([["series", "bars", "first", "last", "adjustment", "source"], ...rows]));
  }
  for (const { error } of records) if (error !== null) warn(error);
}

async function show(symbol: string, options: SeriesOptions): Promise<void> {
  const { BarStore, DataManager, firstAtOrAfter, parseDateRange, sliceBars } =
    await import("../data/index.js");
  const format = formatOf(options);
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  const { startDate = null, endDate = null } = options;
  const { from } = parseDateRange(startDate, endDate);
  const api = await apiOf(options, true);
  if (api !== null) {
    return printRemoteTable(`${symbol} ${timeframe}`, format, (rows) => {
      const query = new URLSearchParams({ limit: String(rows.limit), skip: String(rows.skip) });
      if (startDate !== null) query.set("start_date", startDate);
      if (endDate !== null) query.set("end_date", endDate);
      return api.call(`${seriesPath(symbol, timeframe)}?${query.toString()}`);
    });
  }
  const manager = new DataManager(new BarStore(foldersOf(options).data));
  const loaded = await manager.load({ symbol, timeframe, startDate, endDate });
  tellAbout(loaded);
  const first = firstAtOrAfter(loaded.time, from);
  const { time, open, high, low, close, volume } = sliceBars(loaded, first, loaded.time.length);
  printColumns(time, { open, high, low, close, volume }, format);
}

function seriesPath(symbol: string, timeframe: string): string {
  return `/data/${encodeURIComponent(symbol)}/${timeframe}`;
}

function findingLines(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more =
    lines.length > shownFindings ? [`  ... and ${lines.length - shownFindings} more (--json lists all)`] : [];
  return [`${title}:`, ...lines.slice(0, shownFindings).map((line) => `  ${line}`), ...more];
}

async function checked(symbol: string, options: SeriesOptions): Promise<CheckRecord> {
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  const api = await apiOf(options, true);
  if (api !== null) return api.data(`${seriesPath(symbol, timeframe)}/check`);
  const { BarStore, checkBars, checkRecord } = await import("../data/index.js");
  const store = new BarStore(foldersOf(options).data);
  const file = await store.inspect(symbol, timeframe, neverCancelled);
  return checkRecord(file, checkBars(file.bars));
}

async function check(symbol: string, options: SeriesOptions): Promise<void> {
  const json = wantsJson(options);
  const record = await checked(symbol, options);
  const { timeframe, bars, sample, notices, refused, duplicates, violations } = record;
  if (sample) note(sampleText(symbol, timeframe));
  for (const notice of notices) warn(notice);
  const isUsable = refused.length + duplicates.length + violations.length === 0;
  if (!isUsable) process.exitCode = 1;
  if (json) printJson(record);
  else printData(checkText(symbol, record, isUsable, bars));
}

function checkText(symbol: string, record: CheckRecord, isUsable: boolean, bars: number): string {
  const { timeframe, start_date, end_date, market, session_timezone, expected_gaps: expected } = record;
  const { unexpected_gaps, missing_bars, refused, repaired, duplicates, violations, outliers } = record;
  const span = start_date === null ? "" : `, ${start_date} to ${end_date}`;
  const hours =
    market === null ? "" : `; trading hours: ${market}${session_timezone ? ` by ${session_timezone}` : ""}`;
  const volume =
    record.zero_volume === 0
      ? "none"
      : record.zero_volume === bars
        ? "all bars (the source has no volume)"
        : `${record.zero_volume} of ${bars} bars`;
  return [
    `${symbol} ${timeframe}: ${bars} bars${span}${hours}`,
    `gaps: ${expected.weekend} weekends, ${expected.session} outside the session, ${expected.holiday} holidays; ${unexpected_gaps.length} unexpected (${missing_bars} bars missing)`,
    `refused rows: ${refused.length}; duplicates: ${duplicates.length}; impossible bars: ${violations.length}; outliers: ${outliers.length}; zero volume: ${volume}`,
    ...findingLines(
      "refused rows",
      refused.map(({ row, reason }) => `row ${row}: ${reason}`),
    ),
    ...findingLines(
      "repaired rows",
      repaired.map(({ row, what }) => `row ${row}: ${what}`),
    ),
    ...findingLines(
      "duplicates and impossible bars",
      [...duplicates, ...violations].map(
        ({ bar, what, timestamp }) => `bar ${bar}${timestamp === null ? "" : ` (${timestamp})`}: ${what}`,
      ),
    ),
    ...findingLines(
      "unexpected gaps",
      unexpected_gaps.map((gap) => `${gap.after} .. ${gap.before}: ${gap.missing_bars} bars`),
    ),
    ...findingLines(
      "outliers (may be real), largest first",
      outliers.map(
        ({ timestamp, kind, log_size, score, reverts }) =>
          `${timestamp} ${kind} ${(100 * (exp(log_size) - 1)).toFixed(1)} %, ${Math.abs(score).toFixed(0)} robust deviations${reverts ? ", taken back by the next bar" : ""}`,
      ),
    ),
    isUsable ? "The series can be used." : "The series cannot be used as it is.",
  ].join("\n");
}

async function resampleSeries(
  symbol: string,
  options: CommonOptions & { from: string; to: string; timezone?: string; replace?: boolean },
): Promise<void> {
  const { BarStore, isResampled, resample, SeriesExistsError, UnknownTimezoneError } =
    await import("../data/index.js");
  const json = wantsJson(options);
  const { timezone } = options;
  const from = await timeframeOf("--from", options.from);
  const to = await timeframeOf("--to", options.to);
  const root = new BarStore(foldersOf(options).data);
  const source = await root.load(symbol, from);
  tellAbout(source);
  let made: ReturnType<typeof resample>;
  try {
    made = resample(source, to, timezone === undefined ? {} : { timezone });
  } catch (error) {
    throw error instanceof UnknownTimezoneError ? new UsageError(`--timezone: ${error.message}`) : error;
  }
  const { bars, notices } = made;
  // Bars made of sample bars are sample bars.
  const store = source.fromSample ? root.sampleStore : root;
  if (options.replace !== true && store.findOwn(symbol, to) !== null) {
    const stored = await store.load(symbol, to);
    if (!isResampled(stored)) throw new SeriesExistsError(stored);
  }
  await store.save(bars);
  for (const notice of notices) warn(notice);
  const n = bars.time.length;
  if (json) {
    printJson({
      symbol,
      from,
      to,
      day_timezone: bars.meta.dayTimezone,
      source_bars: source.time.length,
      bars: n,
      start_date: timestampText(bars.time[0]),
      end_date: timestampText(bars.time[n - 1]),
      sample: source.fromSample,
      notices,
    });
  } else {
    const span = `${timestampText(bars.time[0])} to ${timestampText(bars.time[n - 1])}`;
    printData(`${symbol} ${to}: ${n} bars made of ${source.time.length} ${from} bars, ${span}`);
  }
}

/** What `data load --json` prints. */
type LoadReport = SeriesRecord & { mode: DataMode; requests: number; bars_added: number };

async function fetched(symbol: string, options: SeriesOptions, mode: DataMode): Promise<LoadReport> {
  const { BarStore, DataManager, HttpCsvProvider, seriesRecord: recordOf } = await import("../data/index.js");
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  const { startDate = null, endDate = null } = options;
  const api = await apiOf(options, true);
  if (api !== null) {
    const range = {
      ...(startDate === null ? {} : { start_date: startDate }),
      ...(endDate === null ? {} : { end_date: endDate }),
    };
    return api.data("/data/load", { method: "POST", body: { symbol, timeframe, mode, ...range } });
  }
  const manager = new DataManager(new BarStore(foldersOf(options).data), HttpCsvProvider.fromEnvironment());
  const onTerminal = Boolean(process.stderr.isTTY);
  let lineOpen = false;
  const request = { symbol, timeframe, mode, startDate, endDate };
  const report = await manager
    .updateSeries(request, stoppable(), ({ segment, segments, bars }) => {
      if (!onTerminal) return;
      lineOpen = true;
      process.stderr.write(`\r${symbol} ${timeframe}: ${segment}/${segments} requests, ${bars} bars `);
    })
    .finally(() => {
      if (lineOpen) process.stderr.write("\n");
    });
  return { ...recordOf(report.series), mode, requests: report.segments, bars_added: report.added };
}

async function load(symbol: string, options: SeriesOptions & { mode: string }): Promise<void> {
  const { dataModes } = await import("../data/index.js");
  const json = wantsJson(options);
  const mode = dataModes.find((name) => name === options.mode && name !== "local");
  if (mode === undefined) {
    throw new UsageError(`--mode: "${options.mode}" is not known. Allowed: tail, backfill, full.`);
  }
  const report = await fetched(symbol, options, mode);
  if (json) printJson(report);
  else printData(`${symbol} ${report.timeframe}: ${report.bars_added} new bars, ${report.bars} stored`);
}

/** `ktrdr data list|show|check|resample|load`. */
export const registerDataCommands: RegisterCommands = (program) => {
  const data = groupOf(program, "data", "Price bars: import, sample, look at, check, resample, fetch.");
  asksBackend(withCommonOptions(data.command("list")))
    .description("Stored series, with their first and last bar.")
    .action(list);
  asksBackend(withRange(withCommonOptions(data.command("show <symbol>"))))
    .description("The stored bars of a series.")
    .requiredOption("--timeframe <timeframe>", "1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w")
    .action(show);
  asksBackend(withCommonOptions(data.command("check <symbol>")))
    .description(
      "Gaps, duplicates, impossible bars, outliers, zero volume; exit 1 where the series cannot be used.",
    )
    .requiredOption("--timeframe <timeframe>", "1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w")
    .action(check);
  withCommonOptions(data.command("resample <symbol>"))
    .description("Make coarser bars out of stored finer ones, and store them.")
    .requiredOption("--from <timeframe>", "timeframe of the stored bars")
    .requiredOption("--to <timeframe>", "coarser timeframe to make")
    .option("--timezone <zone>", "days of this zone (America/New_York) in place of UTC")
    .option("--replace", "drop a series of that timeframe that was not made by resampling")
    .action(resampleSeries);
  asksBackend(withRange(withCommonOptions(data.command("load <symbol>"))))
    .description("Fetch bars from the provider that KTRDR_PROVIDER_URL names, and store them.")
    .requiredOption("--timeframe <timeframe>", "1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w")
    .requiredOption(
      "--mode <mode>",
      "tail (after what is stored), backfill (before) or full (both, and gaps)",
    )
    .action(load);
};
