import { UsageError } from "../core/index.js";
import { timeframeOf } from "./bars-input.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import {
  type CommonOptions,
  foldersOf,
  printData,
  printJson,
  splitList,
  timestampText,
  wantsJson,
  warn,
} from "./io.js";

interface SampleOptions extends CommonOptions {
  symbols?: string[];
  timeframe?: string;
  bars?: string;
  seed?: string;
}

/** `ktrdr data sample`. */
export const registerSampleCommand: RegisterCommands = (program) => {
  const data = groupOf(program, "data", "Price bars: import, sample, look at, check, resample, fetch.");
  withCommonOptions(data.command("sample"))
    .description("Write sample bars: real daily bars of AAPL, or seeded synthetic ones of SYN1, SYN2, ...")
    .option("--symbols <symbols...>", "AAPL or SYN1, SYN2, ... (default: AAPL)")
    .option("--timeframe <timeframe>", "timeframe of synthetic bars (default: 1d)")
    .option("--bars <n>", "how many (default: all of AAPL, 1260 synthetic ones)")
    .option("--seed <n>", "seed of synthetic bars (default: 42)")
    .action(writeSamples);
};

function count(flag: string, text: string | undefined, low: number, high: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UsageError(`${flag}: "${text}" is not allowed. Allowed: a whole number from ${low} to ${high}.`);
}

async function writeSamples(options: SampleOptions): Promise<void> {
  const json = wantsJson(options);
  const { BarStore, dateText, isIntraday, sampleBars } = await import("../data/index.js");
  const timeframe = await timeframeOf("--timeframe", options.timeframe ?? "1d");
  const bars = count("--bars", options.bars, 1, 20_000_000);
  const seed = count("--seed", options.seed, 0, 0xffffffff) ?? 42;
  const symbols = options.symbols === undefined ? ["AAPL"] : splitList(options.symbols);
  if (symbols.length === 0) throw new UsageError("--symbols: nothing was named.");
  const store = new BarStore(foldersOf(options).data);
  // All are made before any is written, so that a wrong name leaves nothing half done.
  const made = [];
  for (const symbol of symbols) {
    made.push(await sampleBars({ symbol, timeframe, seed, ...(bars === undefined ? {} : { bars }) }));
  }
  const written = [];
  for (const series of made) {
    const { symbol, time, meta } = series;
    await store.sampleStore.save(series);
    const [from, to] = [time[0], time[time.length - 1]].map((when) =>
      isIntraday(timeframe) ? timestampText(when) : dateText(when, timeframe),
    );
    written.push({ symbol, timeframe, bars: time.length, from, to, source: meta.source });
    if (store.findOwn(symbol, timeframe) !== null) {
      warn(
        `${symbol} ${timeframe}: the data folder has bars of its own, which are used instead of the sample.`,
      );
    }
  }
  if (json) return printJson(written);
  for (const { symbol, bars: n, from, to, source } of written) {
    printData(`${symbol} ${timeframe}: ${n} bars, ${from} to ${to} (${source})`);
  }
}
