import { notAscending, type MembershipType } from "../define.js";
import { trapezoidal } from "../trapezoidal/trapezoidal.js";

/**
 * Degree to which each value belongs to a triangular fuzzy set: a trapezoid whose top is one point.
 *
 * A closed shoulder (`a = b`, `b = c`) has degree 1 AT its end and 0 beyond it.
 *
 * @param x        crisp values, [n]
 * @param a, b, c  left foot, peak, right foot, in the unit of `x`; a <= b <= c
 * @param out      where to write, [n]; may be `x` itself
 * @returns `out`, degrees in 0..1; NaN stays NaN, an infinite value has degree 0
 * @see Jang, Sun & Mizutani, Neuro-Fuzzy and Soft Computing (1997), eq. 2.21
 */
export function triangular(
  x: Float64Array,
  a: number,
  b: number,
  c: number,
  out: Float64Array = new Float64Array(x.length),
): Float64Array {
  return trapezoidal(x, a, b, b, c, out);
}

/** The triangular membership type. */
export const triangularType: MembershipType = {
  name: "triangular",
  aliases: [],
  title: "Triangle",
  parameters: ["left foot a", "peak b", "right foot c"],
  definition: "max(0, min((x - a) / (b - a), (c - x) / (c - b)))",
  problem: (parameters) => notAscending(parameters, ["a", "b", "c"]),
  compute: (x, [a, b, c], out) => triangular(x, a, b, c, out),
  span: ([a, , c]) => [a, c],
};
