import { didYouMean, KnownError, nearestName, throwIfCancelled } from "../core/index.js";
import type { CancellationToken } from "../core/index.js";
import type { Bars } from "../data/index.js";
import type { IndicatorColumns } from "../indicators/index.js";
import { CoverageCount, type InputCoverage } from "./coverage.js";
import { membershipDegrees } from "./membership.js";
import { membershipNames, type FuzzySpec } from "./spec.js";
import { transformed } from "./transform.js";

/** Degrees of one fuzzy set, named `<feature_id>_<set>`; [bars], 0..1, NaN where the crisp value is NaN. */
export interface MembershipColumn {
  readonly name: string;
  readonly column: Float64Array;
}

/** The degrees of one timeframe, in the order of the specs and their sets, and how the sets cover the values. */
export interface MembershipColumns {
  readonly bars: number;
  readonly columns: readonly MembershipColumn[];
  /** One entry per spec, in order. */
  readonly coverage: readonly InputCoverage[];
}

/** Fuzzy sets for an indicator column that was not computed. */
export class MissingIndicatorColumnError extends KnownError {
  readonly code = "MISSING_INDICATOR_COLUMN";
  readonly featureId: string;

  constructor(featureId: string, known: readonly string[]) {
    const nearest = nearestName(featureId, known);
    const hint = didYouMean(nearest);
    super(
      `There are fuzzy sets for "${featureId}", but no such indicator column. Known: ${known.join(", ")}.${hint}`,
    );
    this.featureId = featureId;
  }
}

/** Two fuzzy sets whose feature would have the same name, e.g. `a` + `b_c` and `a_b` + `c`. */
export class DuplicateFeatureError extends KnownError {
  readonly code = "DUPLICATE_FEATURE";
  readonly feature: string;

  constructor(feature: string) {
    super(`Two fuzzy sets give a feature of the same name "${feature}". Rename one of the sets.`);
    this.feature = feature;
  }
}

/** A set and a look at the token take about 1 ms of this (an exponential costs up to 80 ns); a block stays in the cache. */
const blockRows = 16_384;

/**
 * Degrees of all fuzzy sets over all bars of one symbol and timeframe. Each value depends on its own bar's crisp value
 * and prices only.
 *
 * @param columns  the indicators of the same bars
 * @throws MissingIndicatorColumnError, DuplicateFeatureError, CancelledError
 */
export function computeMemberships(
  bars: Bars,
  columns: IndicatorColumns,
  specs: readonly FuzzySpec[],
  token: CancellationToken,
): MembershipColumns {
  const n = bars.time.length;
  const names = new Set<string>();
  for (const name of membershipNames(specs)) {
    if (names.has(name)) throw new DuplicateFeatureError(name);
    names.add(name);
  }
  const scratch = new Float64Array(Math.min(n, blockRows));
  const result: MembershipColumn[] = [];
  const coverage: InputCoverage[] = [];
  for (const spec of specs) {
    const column = columns.column(spec.featureId);
    if (column === undefined) throw new MissingIndicatorColumnError(spec.featureId, columns.ids);
    const degrees = spec.sets.map(() => new Float64Array(n));
    const count = new CoverageCount(spec);
    for (let from = 0; from < n; from += blockRows) {
      const to = Math.min(n, from + blockRows);
      const crisp = transformed(spec.transform, bars, column, from, to, scratch);
      const block = spec.sets.map((set, k) => {
        throwIfCancelled(token);
        return membershipDegrees(set.membership, crisp, degrees[k].subarray(from, to));
      });
      count.add(crisp, block);
    }
    spec.sets.forEach((set, k) => result.push({ name: `${spec.featureId}_${set.name}`, column: degrees[k] }));
    coverage.push(count.result());
  }
  return { bars: n, columns: result, coverage };
}
