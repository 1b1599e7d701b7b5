import type { MembershipSpec } from "./membership.js";
import type { TransformSpec } from "./transform.js";

/** One fuzzy set of a feature: its name and its membership function. */
export interface FuzzySetSpec {
  readonly name: string;
  readonly membership: MembershipSpec;
}

/** The fuzzy sets of one feature. */
export interface FuzzySpec {
  /** The indicator column: a feature id (`"rsi_14"`), or one output of it (`"bbands_20_2.lower"`). */
  readonly featureId: string;
  readonly transform: TransformSpec;
  readonly sets: readonly FuzzySetSpec[];
}

/** Feature names without timeframe, in the order of the specs and their sets: `rsi_14_oversold`. */
export function membershipNames(specs: readonly FuzzySpec[]): string[] {
  return specs.flatMap(({ featureId, sets }) => sets.map((set) => `${featureId}_${set.name}`));
}
