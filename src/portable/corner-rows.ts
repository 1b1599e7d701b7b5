import type { FuzzySpec, MembershipSpec } from "../fuzzy/index.js";
import type { PortableLayout } from "./inputs.js";

/** Where a set's degree is 0, 1 or a half way: feet, shoulders, peaks, centres and the widths beside them. */
function corners({ type, parameters }: MembershipSpec): readonly number[] {
  const [first, second, third] = parameters;
  if (type === "gaussian") return [first, first - second, first + second];
  if (type === "bell") return [third, third - first, third + first];
  if (type === "sigmoid") return [first];
  return parameters;
}

function cornersOf({ sets }: FuzzySpec): number[] {
  return [...new Set(sets.flatMap(({ membership }) => corners(membership)))].sort((a, b) => a - b);
}

/**
 * Rows of inputs that put every crisp value at every corner of its sets in turn. Where a transform divides a price by the
 * indicator, the indicator is the one whose ratio is the corner; a ratio of 0 does not occur.
 *
 * @param prices value of each price input, by its position; others are not read
 * @returns [rows][inputs]
 */
export function cornerRows({ inputs, crisp }: PortableLayout, prices: ArrayLike<number>): Float64Array[] {
  const values = crisp.map(({ spec, price }) => {
    const all = cornersOf(spec);
    if (price === null) return all;
    const divisors = all.filter((corner) => corner !== 0).map((corner) => divisorFor(prices[price], corner));
    return divisors.length === 0 ? [prices[price]] : divisors;
  });
  const count = Math.max(...values.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) => {
    const row = Float64Array.from(inputs, (input, k) => (input.kind === "price" ? prices[k] : NaN));
    crisp.forEach(({ indicator }, k) => {
      row[indicator] = values[k][i % values[k].length];
    });
    return row;
  });
}

const scratch = new DataView(new ArrayBuffer(8));

/** The number `steps` floating-point numbers above x (below it where negative, for x > 0). */
function neighbour(x: number, steps: number): number {
  scratch.setFloat64(0, x);
  scratch.setBigInt64(0, scratch.getBigInt64(0) + BigInt(steps));
  return scratch.getFloat64(0);
}

/** A divisor of `price` whose quotient is exactly `ratio`, or as near as there is one. */
function divisorFor(price: number, ratio: number): number {
  const about = price / ratio;
  for (const steps of [0, 1, -1, 2, -2]) {
    const divisor = neighbour(about, steps);
    if (price / divisor === ratio) return divisor;
  }
  return about;
}
