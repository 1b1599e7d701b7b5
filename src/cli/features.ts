import { neverCancelled, UsageError } from "../core/index.js";
import type { Bars, Timeframe } from "../data/index.js";
import {
  barsFrom,
  refuseFileFlags,
  storedBars,
  timeframeOf,
  withBarsOptions,
  type BarsOptions,
} from "./bars-input.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import { foldersOf, formatOf, printColumns, splitList, warn } from "./io.js";

interface FeaturesOptions extends BarsOptions {
  strategy: string;
  timeframes?: string[];
  startDate?: string;
  endDate?: string;
}

async function compute(options: FeaturesOptions): Promise<void> {
  const format = formatOf(options);
  const { findStrategy, loadStrategy, withOverrides } = await import("../strategy/index.js");
  const { parseDateRange } = await import("../data/index.js");
  const { completeRows, prepareFeatures } = await import("../features/index.js");
  const range = parseDateRange(options.startDate, options.endDate);
  const file = loadStrategy(findStrategy(options.strategy, foldersOf(options).strategies));
  const timeframes: Timeframe[] = [];
  for (const text of splitList(options.timeframes ?? [])) {
    timeframes.push(await timeframeOf("--timeframes", text));
  }
  if (options.timeframe !== undefined && options.input === undefined)
    timeframes.push(await timeframeOf("--timeframe", options.timeframe));
  const strategy = timeframes.length === 0 ? file : withOverrides(file, { timeframes });

  const series: Bars[] = [];
  if (options.input !== undefined) {
    if (strategy.timeframes.length > 1) {
      throw new UsageError(
        `--input holds one timeframe; the strategy uses ${strategy.timeframes.join(", ")}. ` +
          `Import the bars and use --symbol, or choose one with --timeframes.`,
      );
    }
    series.push(await barsFrom(options, strategy.timeframes));
  } else {
    refuseFileFlags(options);
    if (options.symbol === undefined) throw new UsageError("Give --symbol S, or --input FILE.");
    for (const timeframe of strategy.timeframes) {
      // Only base bars have to lie in the range: the last week may have closed before a range of three days begins.
      const startDate = timeframe === strategy.baseTimeframe ? options.startDate : undefined;
      series.push(await storedBars(options, options.symbol, timeframe, startDate, options.endDate));
    }
  }

  const { table, warnings } = prepareFeatures(strategy, series, neverCancelled);
  const ofFlags = strategy.notices.filter((notice) => !file.notices.includes(notice));
  for (const text of [...ofFlags, ...warnings]) warn(text);
  const complete = completeRows(table);
  const rows = Uint32Array.from(table.time.keys()).filter(
    (t) => complete[t] === 1 && table.time[t] >= range.from && table.time[t] < range.to,
  );
  if (rows.length === 0) {
    const first = complete.indexOf(1);
    const hint =
      first < 0
        ? "No bar has them all"
        : `The first bar that has them is ${new Date(table.time[first]).toISOString()}`;
    warn(`No bar of the range has all ${table.names.length} features. ${hint} (of ${table.rows} bars).`);
  }
  const pick = (column: Float64Array): Float64Array => Float64Array.from(rows, (t) => column[t]);
  const columns = Object.fromEntries(table.names.map((name, j) => [name, pick(table.columns[j])]));
  printColumns(pick(table.time), columns, format);
}

/** `ktrdr features compute`. */
export const registerFeaturesCommands: RegisterCommands = (program) => {
  const features = groupOf(program, "features", "The network's inputs, bar by bar.");
  withBarsOptions(
    withCommonOptions(
      features.command("compute").description("All bars with complete features, as the network sees them."),
    ),
  )
    .requiredOption("--strategy <file>", "strategy file, or a name under config/strategies")
    .option("--timeframes <list...>", "in place of the strategy's")
    .option("--start-date <date>", "first day, included")
    .option("--end-date <date>", "last day, included")
    .action(compute);
};
