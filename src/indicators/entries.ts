import { indicators } from "./registry.js";
import { parametersOf } from "./spec.js";

/** An indicator as lists show it. */
export interface IndicatorEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly params: ReturnType<typeof parametersOf>;
  readonly outputs: readonly { readonly name: string; readonly primary: boolean }[];
  readonly needs_volume: boolean;
  /** Which published definition, first value and smoothing it is. */
  readonly definition: string;
}

/** All indicators as lists show them. */
export function indicatorEntries(): IndicatorEntry[] {
  return Object.values(indicators).map((indicator) => ({
    name: indicator.name,
    aliases: indicator.aliases,
    params: parametersOf(indicator),
    outputs: indicator.outputs.map((name) => ({ name, primary: name === indicator.primary })),
    needs_volume: indicator.needsVolume(indicator.schema.parse({})),
    definition: indicator.definition,
  }));
}
