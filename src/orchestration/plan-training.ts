import { BarStore, dateText, type SeriesEntry } from "../data/index.js";
import { chooseEngine } from "../engines/index.js";
import { planOf, type Strategy, type StrategyPlan } from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";
import { strategyOf } from "./request-strategy.js";
import { batchWorkOf } from "./run-training.js";

/** What a training would do, as plain data: nothing is loaded, computed or written for it. */
export interface TrainingPlan extends StrategyPlan {
  /** Stored series by symbol and timeframe, in words. */
  readonly bars: Readonly<Record<string, string>>;
  readonly parameters_count: number;
  readonly engine: string;
  readonly models_folder: string;
}

/** The resolved plan of a training. @throws StrategyFileError and the like, as the training itself would */
export async function planTraining(
  context: Omit<TrainingOperationContext, "operationId">,
  modelsFolder: string,
): Promise<TrainingPlan> {
  const strategy = strategyOf(context);
  const work = { ...batchWorkOf(strategy), networks: context.networks ?? 1 };
  return {
    ...planOf(strategy),
    data_mode: context.dataMode ?? strategy.dataMode,
    bars: describeSeries(strategy, await new BarStore(context.dataFolder).list(), context.dataFolder),
    parameters_count: work.parameters,
    engine: chooseEngine(context.engine ?? "auto", 1, work).engine.name,
    models_folder: modelsFolder,
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
