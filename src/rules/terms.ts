import type { PortableLayout } from "../portable/index.js";

/** A word of a strategy about one bar: a feature whose degree is at least one half. */
export interface Term {
  /** Position among the network's features. */
  readonly feature: number;
  /** Terms of one group speak of the same value, as "rsi_14 is oversold" and "rsi_14 is neutral" do. */
  readonly group: number;
  /** `rsi_14 is oversold`; with several timeframes `rsi_14 (1h) is oversold`; lags `rsi_14 two bars ago was oversold`. */
  readonly text: string;
}

/** Degree from which a bar counts as belonging to a set: the set describes it at least as well as its complement does. */
export const termThreshold = 0.5;

const counts = ["", "one bar", "two bars", "three bars", "four bars", "five bars"];

/** One term per feature, in the network's order, in the strategy's own words. */
export function termsOf({ inputs, crisp }: PortableLayout): Term[] {
  const several = new Set(inputs.map(({ timeframe }) => timeframe)).size > 1;
  const terms: Term[] = [];
  crisp.forEach(({ spec, indicator }, group) => {
    const { timeframe, lag } = inputs[indicator];
    const where = several ? ` (${timeframe})` : "";
    const when = lag === 0 ? "is" : `${counts[lag] ?? `${lag} bars`} ago was`;
    for (const { name } of spec.sets) {
      terms.push({ feature: terms.length, group, text: `${spec.featureId}${where} ${when} ${name}` });
    }
  });
  return terms;
}
