import type { Timeframe } from "../data/index.js";
import { strategyFromDocument } from "./load.js";
import type { Strategy } from "./strategy.js";

/** What a command may say in place of the file. */
export interface StrategyOverrides {
  readonly symbols?: readonly string[];
  readonly timeframes?: readonly Timeframe[];
  readonly startDate?: string;
  readonly endDate?: string;
  readonly epochs?: number;
  readonly seed?: number;
}

type PlainMap = Record<string, unknown>;

const mapIn = (parent: PlainMap, key: string): PlainMap => ({ ...(parent[key] as PlainMap | undefined) });

/**
 * The strategy as if the file had said what a command says. Its document says so too: it is the strategy as used.
 *
 * A base timeframe that is not among the new timeframes gives way to the finest one, with a notice.
 *
 * @throws StrategyFileError where a value is not allowed
 */
export function withOverrides(strategy: Strategy, overrides: StrategyOverrides): Strategy {
  if (saysTheSame(strategy, overrides)) return strategy;
  const document: PlainMap = { ...strategy.document };
  const notices: string[] = [];
  const { symbols, timeframes, startDate, endDate, epochs, seed } = overrides;

  if (document["data"] !== undefined) {
    document["training_data"] = versionTwo(strategy);
    delete document["data"];
  }
  const data = mapIn(document, "training_data");
  if (symbols !== undefined) data["symbols"] = symbolsSection(symbols);
  if (timeframes !== undefined) {
    const written = mapIn(data, "timeframes")["base_timeframe"];
    const base = timeframes.find((timeframe) => timeframe === written);
    data["timeframes"] = timeframesSection(timeframes, base);
    if (written && base === undefined) {
      notices.push(
        `The file's base_timeframe ${strategy.baseTimeframe} is not among ${timeframes.join(", ")}; the finest of them takes its place.`,
      );
    }
  }
  if (startDate !== undefined) data["start_date"] = startDate;
  if (endDate !== undefined) data["end_date"] = endDate;
  document["training_data"] = data;

  if (epochs !== undefined || seed !== undefined) {
    const model = mapIn(document, "model");
    const training = mapIn(model, "training");
    if (epochs !== undefined) training["epochs"] = epochs;
    if (seed !== undefined) training["seed"] = seed;
    document["model"] = { ...model, training };
  }
  const changed = strategyFromDocument(document, strategy.name, strategy.path);
  return { ...changed, notices: [...changed.notices, ...notices] };
}

/** `withOverrides` of seeds alone, for one strategy and many of them: the rest is checked once, as a seed changes nothing else. */
export function seedVariants(strategy: Strategy): (seed: number) => Strategy {
  let other: Strategy | undefined;
  return (seed) => {
    if (seed === strategy.training.seed) return strategy;
    other ??= withOverrides(strategy, { seed });
    const model = mapIn(other.document, "model");
    const document = {
      ...other.document,
      model: { ...model, training: { ...mapIn(model, "training"), seed } },
    };
    return { ...other, document, training: { ...other.training, seed } };
  };
}

/** Whether nothing of the overrides differs from what the strategy says; its document then says all of it already. */
function saysTheSame(strategy: Strategy, overrides: StrategyOverrides): boolean {
  const { symbols, timeframes, startDate, endDate, epochs, seed } = overrides;
  const equal = (a: readonly string[] | undefined, b: readonly string[]): boolean =>
    a === undefined || (a.length === b.length && a.every((value, i) => value === b[i]));
  return (
    equal(symbols, strategy.symbols) &&
    equal(timeframes, strategy.timeframes) &&
    (startDate === undefined || startDate === strategy.startDate) &&
    (endDate === undefined || endDate === strategy.endDate) &&
    (epochs === undefined || epochs === strategy.training.epochs) &&
    (seed === undefined || seed === strategy.training.seed)
  );
}

function symbolsSection(symbols: readonly string[]): PlainMap {
  return symbols.length === 1
    ? { mode: "single", symbol: symbols[0] }
    : { mode: "multi_symbol", list: [...symbols] };
}

function timeframesSection(timeframes: readonly Timeframe[], base: Timeframe | undefined): PlainMap {
  if (timeframes.length === 1) return { mode: "single", timeframe: timeframes[0] };
  return {
    mode: "multi_timeframe",
    list: [...timeframes],
    ...(base === undefined ? {} : { base_timeframe: base }),
  };
}

/** `data` of the first format as `training_data` says it. */
function versionTwo({ symbols, timeframes, historyRequired }: Strategy): PlainMap {
  return {
    symbols: symbolsSection(symbols),
    timeframes: timeframesSection(timeframes, undefined),
    ...(historyRequired === null ? {} : { history_required: historyRequired }),
  };
}
