import { parseDateRange, parseTimeframe } from "../data/index.js";
import {
  loadStrategy,
  parseStrategy,
  strategyFromData,
  withOverrides,
  type Strategy,
  type StrategyOverrides,
} from "../strategy/index.js";
import type { TrainingOperationContext } from "./context.js";

/**
 * The strategy of a request, with what the request says in place of the file.
 *
 * @throws StrategyFileError, UnknownTimeframeError, UsageError for a date that is none
 */
export function strategyOf(context: Omit<TrainingOperationContext, "operationId">): Strategy {
  const { strategyPath, strategyText, checked } = context;
  if (checked !== undefined) return strategyFromData(checked);
  const file =
    strategyText === undefined ? loadStrategy(strategyPath) : parseStrategy(strategyText, strategyPath);
  return withOverrides(file, overridesOf(context));
}

/** What the request says in place of the strategy file. @throws UnknownTimeframeError, UsageError for a date that is none */
function overridesOf(context: Omit<TrainingOperationContext, "operationId">): StrategyOverrides {
  const { symbols, timeframes, startDate, endDate, seed, epochs } = context;
  parseDateRange(startDate, endDate);
  return {
    ...(symbols === undefined ? {} : { symbols }),
    ...(timeframes === undefined ? {} : { timeframes: timeframes.map(parseTimeframe) }),
    ...(startDate === undefined ? {} : { startDate }),
    ...(endDate === undefined ? {} : { endDate }),
    ...(seed === undefined ? {} : { seed }),
    ...(epochs === undefined ? {} : { epochs }),
  };
}
