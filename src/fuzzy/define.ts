/** A parameter that breaks a rule of its membership type: its position, and what is wrong with it. */
export interface ParameterProblem {
  readonly index: number;
  readonly message: string;
}

/**
 * One kind of membership function. A new one is a folder beside the others and an entry in `membershipTypes`
 * (membership.ts); strategy schema, plots and contract tests follow from that entry.
 */
export interface MembershipType {
  /** As strategy files write it: `"triangular"`. */
  readonly name: string;
  /** Other names for it; matched, as the name is, without regard to case, `_` and `-`. */
  readonly aliases: readonly string[];
  readonly title: string;
  /** What each parameter is, in order, in the unit of the crisp values unless said otherwise. */
  readonly parameters: readonly string[];
  /** The formula in one line. */
  readonly definition: string;
  /** Rules between the parameters, which are finite and of the right number; undefined when all hold. */
  problem(parameters: readonly number[]): ParameterProblem | undefined;
  /**
   * Degrees 0..1 of crisp values `x` [n] in `out` [n], which may be `x` itself. NaN stays NaN; an infinite value has
   * the degree that the function tends to.
   */
  compute(x: Float64Array, parameters: readonly number[], out: Float64Array): Float64Array;
  /** The range in which the function does what it is for: its support, or where it lies between 0.01 and 0.99 or 1. */
  span(parameters: readonly number[]): readonly [low: number, high: number];
}

/** The first parameter below the one before it. Spans beyond the range of float64 are refused with it. */
export function notAscending(
  parameters: readonly number[],
  names: readonly string[],
): ParameterProblem | undefined {
  const rule = `needs ${names.join(" <= ")}`;
  for (let k = 1; k < parameters.length; k++) {
    if (parameters[k] < parameters[k - 1]) {
      const message = `${rule}, found ${names[k]} = ${parameters[k]} below ${names[k - 1]} = ${parameters[k - 1]}`;
      return { index: k, message };
    }
  }
  const last = parameters.length - 1;
  if (Number.isFinite(parameters[last] - parameters[0])) return undefined;
  return {
    index: last,
    message: `spans more than the largest number, from ${parameters[0]} to ${parameters[last]}`,
  };
}

/** A parameter that has to be above 0 and is not. */
export function notPositive(
  parameters: readonly number[],
  index: number,
  name: string,
): ParameterProblem | undefined {
  if (parameters[index] > 0) return undefined;
  return { index, message: `needs ${name} > 0, found ${parameters[index]}` };
}
