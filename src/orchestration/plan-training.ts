import { BarStore, dateText, type SeriesEntry } from "../data/index.js";
import { parameterCount } from "../engines/index.js";
import { featureNames, loadStrategy, withOverrides, type Strategy } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";
import { overridesOf } from "./run-training.js";

/** What a training would do, as plain data: nothing is loaded, computed or written for it. */
export interface TrainingPlan {
  readonly strategy: string;
  readonly strategy_file: string;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly base_timeframe: string;
  readonly start_date: string | null;
  readonly end_date: string | null;
  /** Stored series by symbol and timeframe, in words. */
  readonly bars: Readonly<Record<string, string>>;
  readonly inputs: readonly string[];
  readonly network: string;
  readonly parameters_count: number;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly data_split: Readonly<Record<string, unknown>>;
  readonly training: Readonly<Record<string, unknown>>;
  readonly models_folder: string;
  readonly notices: readonly string[];
}

/** The resolved plan of a training. @throws StrategyFileError and the like, as the training itself would */
export async function planTraining(
  context: Omit<TrainingOperationContext, "operationId">,
  modelsFolder: string,
): Promise<TrainingPlan> {
  const strategy = withOverrides(loadStrategy(context.strategyPath), overridesOf(context));
  const inputs = featureNames(strategy);
  const { hidden, activation, dropout } = strategy.architecture;
  const { name, params } = strategy.label;
  const { optimizer, loss, ...training } = strategy.training;
  return {
    strategy: strategy.name,
    strategy_file: context.strategyPath,
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    base_timeframe: strategy.baseTimeframe,
    start_date: strategy.startDate,
    end_date: strategy.endDate,
    bars: describeSeries(strategy, await new BarStore(context.dataFolder).list(), context.dataFolder),
    inputs,
    network: `${inputs.length}-[${hidden.join(",")}]-3 ${activation}, dropout ${dropout}`,
    parameters_count: parameterCount({ inputs: inputs.length, hidden, outputs: 3 }),
    labels: { type: name, ...(params as Record<string, unknown>) },
    data_split: { ...strategy.split },
    training: { optimizer: { ...optimizer }, loss: { ...loss }, ...training },
    models_folder: modelsFolder,
    notices: strategy.notices,
  };
}

function describeSeries(
  strategy: Strategy,
  stored: readonly SeriesEntry[],
  folder: string,
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const symbol of strategy.symbols) {
    const own = stored.some((entry) => entry.symbol === symbol && !entry.sample);
    for (const timeframe of strategy.timeframes) {
      const found = stored.find(
        (entry) => entry.symbol === symbol && entry.timeframe === timeframe && entry.sample !== own,
      );
      const range =
        found && found.from !== null && found.to !== null
          ? `, ${dateText(found.from, timeframe)} to ${dateText(found.to, timeframe)}`
          : "";
      texts[`${symbol} ${timeframe}`] = found
        ? `${found.bars} bars${range}${found.sample ? " (sample)" : ""}`
        : `none in ${folder}`;
    }
  }
  return texts;
}
