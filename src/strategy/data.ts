import { findIndicator, type IndicatorSpec } from "../indicators/index.js";
import { findLabelType } from "../labels/index.js";
import type { Strategy, StrategyLabel } from "./strategy.js";

/**
 * A checked strategy as plain data, fit to cross to another thread: its indicators and its label by name, without their
 * functions.
 */
export interface StrategyData extends Omit<Strategy, "indicators" | "label"> {
  readonly indicators: readonly (Omit<IndicatorSpec, "indicator"> & { readonly indicator: string })[];
  readonly label: Omit<StrategyLabel, "type">;
}

/** The plain data of a strategy. */
export function strategyToData({ indicators, label, ...rest }: Strategy): StrategyData {
  return {
    ...rest,
    indicators: indicators.map((spec) => ({ ...spec, indicator: spec.indicator.name })),
    label: { name: label.name, params: label.params },
  };
}

/** The strategy again. Nothing is checked, as it was when the strategy was made. */
export function strategyFromData({ indicators, label, ...rest }: StrategyData): Strategy {
  return {
    ...rest,
    indicators: indicators.map((spec) => ({ ...spec, indicator: findIndicator(spec.indicator) })),
    label: { ...label, type: findLabelType(label.name) },
  };
}
