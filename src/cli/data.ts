import type { Command } from "commander";
import {
  createCancellation,
  exp,
  neverCancelled,
  UsageError,
  type CancellationToken,
} from "../core/index.js";
import type { DataMode, LoadedBars } from "../data/index.js";
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

/** Says where bars come from when they are sample bars, and what was repaired. */
function tellAbout({ symbol, timeframe, fromSample, notices }: LoadedBars): void {
  if (fromSample) note(`Using sample bars for ${symbol} ${timeframe}: the data folder has none of its own.`);
  for (const notice of notices) warn(notice);
}

function withRange(command: Command): Command {
  return command
    .option("--start-date <date>", "first day or instant, inclusive (UTC)")
    .option("--end-date <date>", "last day or instant, inclusive (UTC)");
}

async function list(options: CommonOptions): Promise<void> {
  const { BarStore, dateText, seriesColumns, seriesRecord } = await import("../data/index.js");
  const format = formatOf(options);
  const folder = foldersOf(options).data;
  const entries = await new BarStore(folder).list();
  const records = entries.map(seriesRecord);
  if (format === "json") {
    printJson(records);
  } else if (format === "csv") {
    printData(csvOf(seriesColumns, records));
  } else if (entries.length === 0) {
    note(
      `No bars in "${folder}". "ktrdr data sample" writes sample bars, "ktrdr data import FILE" imports yours.`,
    );
  } else {
    const rows = entries.map(({ symbol, timeframe, bars, from, to, meta, sample, error }) => {
      const day = (time: number | null): string => (time === null ? "?" : dateText(time, timeframe));
      const origin = error === null ? `${meta?.source ?? ""}${sample ? " (sample)" : ""}` : "cannot be used";
      return [`${symbol} ${timeframe}`, String(bars), day(from), day(to), meta?.adjustment ?? "", origin];
    });
    printData(alignRows([["series", "bars", "first", "last", "adjustment", "source"], ...rows]));
  }
  for (const { error } of entries) if (error !== null) warn(error);
}

async function show(symbol: string, options: SeriesOptions): Promise<void> {
  const { BarStore, DataManager, firstAtOrAfter, parseDateRange, sliceBars } =
    await import("../data/index.js");
  const format = formatOf(options);
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  const { startDate = null, endDate = null } = options;
  const { from } = parseDateRange(startDate, endDate);
  const manager = new DataManager(new BarStore(foldersOf(options).data));
  const loaded = await manager.load({ symbol, timeframe, startDate, endDate });
  tellAbout(loaded);
  const first = firstAtOrAfter(loaded.time, from);
  const { time, open, high, low, close, volume } = sliceBars(loaded, first, loaded.time.length);
  printColumns(time, { open, high, low, close, volume }, format);
}

function findingLines(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more =
    lines.length > shownFindings ? [`  ... and ${lines.length - shownFindings} more (--json lists all)`] : [];
  return [`${title}:`, ...lines.slice(0, shownFindings).map((line) => `  ${line}`), ...more];
}

async function check(symbol: string, options: SeriesOptions): Promise<void> {
  const { BarStore, checkBars, checkRecord, expectedGaps } = await import("../data/index.js");
  const json = wantsJson(options);
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  const store = new BarStore(foldersOf(options).data);
  const file = await store.inspect(symbol, timeframe, neverCancelled);
  tellAbout({ ...file.bars, fromSample: file.fromSample, notices: file.notices });
  const result = checkBars(file.bars);
  const { sessions, gaps, missing } = result.gaps;
  const { time } = file.bars;
  const expected = expectedGaps(result);
  const unexpected = gaps.filter(({ kind }) => kind === "unexpected");
  const unusable = file.refused.length + result.duplicates.length + result.violations.length;
  if (unusable > 0) process.exitCode = 1;
  if (json) {
    printJson(checkRecord(file, result));
    return;
  }
  const span =
    time.length === 0 ? "" : `, ${timestampText(time[0])} to ${timestampText(time[time.length - 1])}`;
  const hours =
    sessions === null
      ? ""
      : `; trading hours: ${sessions.market}${sessions.timezone ? ` by ${sessions.timezone}` : ""}`;
  const volume =
    result.zeroVolume === 0
      ? "none"
      : result.zeroVolume === result.bars
        ? "all bars (the source has no volume)"
        : `${result.zeroVolume} of ${result.bars} bars`;
  printData(
    [
      `${symbol} ${timeframe}: ${result.bars} bars${span}${hours}`,
      `gaps: ${expected.weekend} weekends, ${expected.session} outside the session, ${expected.holiday} holidays; ${unexpected.length} unexpected (${missing} bars missing)`,
      `refused rows: ${file.refused.length}; duplicates: ${result.duplicates.length}; impossible bars: ${result.violations.length}; outliers: ${result.outliers.length}; zero volume: ${volume}`,
      ...findingLines(
        "refused rows",
        file.refused.map(({ row, reason }) => `row ${row}: ${reason}`),
      ),
      ...findingLines(
        "repaired rows",
        file.repaired.map(({ row, what }) => `row ${row}: ${what}`),
      ),
      ...findingLines(
        "duplicates and impossible bars",
        [...result.duplicates, ...result.violations].map(
          ({ index, what, time: when }) =>
            `bar ${index + 1}${Number.isFinite(when) ? ` (${timestampText(when)})` : ""}: ${what}`,
        ),
      ),
      ...findingLines(
        "unexpected gaps",
        unexpected.map(
          (gap) => `${timestampText(gap.previous)} .. ${timestampText(gap.next)}: ${gap.missing} bars`,
        ),
      ),
      ...findingLines(
        "outliers (may be real), largest first",
        result.outliers.map(
          ({ time: when, kind, size, score, reverts }) =>
            `${timestampText(when)} ${kind} ${(100 * (exp(size) - 1)).toFixed(1)} %, ${Math.abs(score).toFixed(0)} robust deviations${reverts ? ", taken back by the next bar" : ""}`,
        ),
      ),
      unusable === 0 ? "The series can be used." : "The series cannot be used as it is.",
    ].join("\n"),
  );
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

/** First Ctrl-C cancels cleanly, the second ends the process at once. */
async function interruptible(work: (token: CancellationToken) => Promise<void>): Promise<void> {
  const cancellation = createCancellation();
  const cancel = (): void => cancellation.cancel();
  process.once("SIGINT", cancel);
  try {
    await work(cancellation.token);
  } finally {
    process.removeListener("SIGINT", cancel);
  }
}

async function load(symbol: string, options: SeriesOptions & { mode: string }): Promise<void> {
  const { BarStore, dataModes, DataManager, HttpCsvProvider, seriesRecord } =
    await import("../data/index.js");
  const json = wantsJson(options);
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  const mode = dataModes.find((name) => name === options.mode && name !== "local") as DataMode | undefined;
  if (mode === undefined) {
    throw new UsageError(`--mode: "${options.mode}" is not known. Allowed: tail, backfill, full.`);
  }
  const store = new BarStore(foldersOf(options).data);
  const manager = new DataManager(store, HttpCsvProvider.fromEnvironment());
  const { startDate = null, endDate = null } = options;
  const onTerminal = Boolean(process.stderr.isTTY);
  await interruptible(async (token) => {
    let lineOpen = false;
    const report = await manager
      .update({ symbol, timeframe, mode, startDate, endDate }, token, ({ segment, segments, bars }) => {
        if (!onTerminal) return;
        lineOpen = true;
        process.stderr.write(`\r${symbol} ${timeframe}: ${segment}/${segments} requests, ${bars} bars `);
      })
      .finally(() => {
        if (lineOpen) process.stderr.write("\n");
      });
    const entry = (await store.list(token)).find(
      (series) => series.symbol === symbol && series.timeframe === timeframe && !series.sample,
    );
    if (entry === undefined) throw await store.noBars(symbol, timeframe, -Infinity, Infinity);
    if (json) {
      printJson({ ...seriesRecord(entry), mode, requests: report.segments, bars_added: report.added });
    } else {
      printData(`${symbol} ${timeframe}: ${report.added} new bars, ${entry.bars} stored`);
    }
  });
}

/** `ktrdr data list|show|check|resample|load`. */
export const registerDataCommands: RegisterCommands = (program) => {
  const data = groupOf(program, "data", "Price bars: import, sample, look at, check, resample, fetch.");
  withCommonOptions(data.command("list"))
    .description("Stored series, with their first and last bar.")
    .action(list);
  withRange(withCommonOptions(data.command("show <symbol>")))
    .description("The stored bars of a series.")
    .requiredOption("--timeframe <timeframe>", "1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w")
    .action(show);
  withCommonOptions(data.command("check <symbol>"))
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
  withRange(withCommonOptions(data.command("load <symbol>")))
    .description("Fetch bars from the provider that KTRDR_PROVIDER_URL names, and store them.")
    .requiredOption("--timeframe <timeframe>", "1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w")
    .requiredOption(
      "--mode <mode>",
      "tail (after what is stored), backfill (before) or full (both, and gaps)",
    )
    .action(load);
};
