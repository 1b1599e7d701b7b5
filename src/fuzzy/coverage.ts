import { membershipTypes } from "./membership.js";
import type { FuzzySpec } from "./spec.js";

/** Some values and the range they lie in; `from` and `to` are NaN without values. */
export interface ValueRange {
  count: number;
  from: number;
  to: number;
}

/** How the fuzzy sets of one feature cover the crisp values that occurred. Infinite and NaN values are not counted. */
export interface InputCoverage {
  readonly featureId: string;
  /** All finite crisp values. */
  readonly observed: ValueRange;
  /** Values in no set, by where they lie: below all sets, between sets, above all sets. */
  readonly below: ValueRange;
  readonly between: ValueRange;
  readonly above: ValueRange;
  /** The highest degree that occurred in each set, in order; 0 without values. */
  readonly highest: readonly { readonly set: string; readonly degree: number }[];
}

/**
 * Degrees up to this count as "in no set". Gaussians, bells and sigmoids never quite reach 0, and a degree of a
 * millionth tells the network nothing (it moves a weighted sum of float32 terms by a few of their last bits).
 */
export const noDegree = 1e-6;

const emptyRange = (): ValueRange => ({ count: 0, from: NaN, to: NaN });

function include(range: ValueRange, value: number): void {
  range.count++;
  if (!(value >= range.from)) range.from = value;
  if (!(value <= range.to)) range.to = value;
}

/** Gathers the coverage of one feature, block by block. */
export class CoverageCount {
  readonly #spec: FuzzySpec;
  readonly #low: number;
  readonly #high: number;
  readonly #highest: number[];
  readonly #observed = emptyRange();
  readonly #below = emptyRange();
  readonly #between = emptyRange();
  readonly #above = emptyRange();

  constructor(spec: FuzzySpec) {
    const spans = spec.sets.map(({ membership: { type, parameters } }) =>
      membershipTypes[type].span(parameters),
    );
    this.#spec = spec;
    this.#low = Math.min(...spans.map(([low]) => low));
    this.#high = Math.max(...spans.map(([, high]) => high));
    this.#highest = spec.sets.map(() => 0);
  }

  /** @param crisp values, [n]; @param degrees of each set, [sets][n] */
  add(crisp: Float64Array, degrees: readonly Float64Array[]): void {
    // Local variables and no calls: a short run is over before any of this is compiled.
    const highest = this.#highest;
    const sets = degrees.length;
    let count = 0;
    let from = Infinity;
    let to = -Infinity;
    for (let t = 0; t < crisp.length; t++) {
      const value = crisp[t];
      if (value - value !== 0) continue; // NaN or infinite
      count++;
      if (value < from) from = value;
      if (value > to) to = value;
      let best = 0;
      for (let k = 0; k < sets; k++) {
        const degree = degrees[k][t];
        if (degree > best) best = degree;
        if (degree > highest[k]) highest[k] = degree;
      }
      if (best > noDegree) continue;
      include(value <= this.#low ? this.#below : value >= this.#high ? this.#above : this.#between, value);
    }
    if (count === 0) return;
    include(this.#observed, from);
    include(this.#observed, to);
    this.#observed.count += count - 2;
  }

  result(): InputCoverage {
    return {
      featureId: this.#spec.featureId,
      observed: this.#observed,
      below: this.#below,
      between: this.#between,
      above: this.#above,
      highest: this.#spec.sets.map(({ name }, k) => ({ set: name, degree: this.#highest[k] })),
    };
  }
}

const short = (value: number): string => String(Number(value.toPrecision(4)));
function extent({ from, to }: ValueRange): string {
  const [low, high] = [short(from), short(to)];
  return low === high ? `at ${low}` : `${low} to ${high}`;
}

/**
 * What a person should know about sets that do not fit the values: the share of the observed values in no set and where
 * they lie, and sets that no value belongs to. One text each; none when all is well.
 *
 * @param where  put before each text, such as `AAPL 1d`
 */
export function coverageWarnings(coverage: readonly InputCoverage[], where: string): string[] {
  const texts: string[] = [];
  for (const { featureId, observed, below, between, above, highest } of coverage) {
    const place = `${where}, ${featureId}`;
    if (observed.count === 0) {
      texts.push(`${place}: the indicator has no values, so none of its sets has degrees.`);
      continue;
    }
    const uncovered = below.count + between.count + above.count;
    if (uncovered > 0) {
      const parts = [
        [below, "below all sets"] as const,
        [between, "between sets"] as const,
        [above, "above all sets"] as const,
      ]
        .filter(([range]) => range.count > 0)
        .map(([range, what]) => `${range.count} ${what} (${extent(range)})`);
      const percent = short((100 * uncovered) / observed.count);
      texts.push(
        `${place}: ${uncovered} of ${observed.count} observed values (${percent} %) belong to no set: ` +
          `${parts.join(", ")}. Observed range: ${extent(observed)}.`,
      );
    }
    for (const { set, degree } of highest) {
      if (degree > noDegree || uncovered === observed.count) continue;
      texts.push(
        `${place}: no observed value belongs to the set "${set}". Observed range: ${extent(observed)}.`,
      );
    }
  }
  return texts;
}
