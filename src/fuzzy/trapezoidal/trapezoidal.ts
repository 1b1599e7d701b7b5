import { notAscending, type MembershipType } from "../define.js";

/**
 * Degree to which each value belongs to a trapezoidal fuzzy set.
 *
 * A closed shoulder (`a = b`, `c = d`) has degree 1 AT its end and 0 beyond it.
 *
 * @param x           crisp values, [n]
 * @param a, b, c, d  left foot, left shoulder, right shoulder, right foot, in the unit of `x`; a <= b <= c <= d
 * @param out         where to write, [n]; may be `x` itself
 * @returns `out`, degrees in 0..1; NaN stays NaN, an infinite value has degree 0
 * @see Jang, Sun & Mizutani, Neuro-Fuzzy and Soft Computing (1997), eq. 2.23
 */
export function trapezoidal(
  x: Float64Array,
  a: number,
  b: number,
  c: number,
  d: number,
  out: Float64Array = new Float64Array(x.length),
): Float64Array {
  for (let t = 0; t < x.length; t++) {
    const value = x[t];
    const rising = a === b ? (value < b ? 0 : 1) : (value - a) / (b - a);
    const falling = c === d ? (value > c ? 0 : 1) : (d - value) / (d - c);
    // With both shoulders closed neither side would see a NaN.
    out[t] = value !== value ? NaN : Math.max(0, Math.min(rising, falling, 1));
  }
  return out;
}

/** The trapezoidal membership type. */
export const trapezoidalType: MembershipType = {
  name: "trapezoidal",
  aliases: [],
  title: "Trapezoid",
  parameters: ["left foot a", "left shoulder b", "right shoulder c", "right foot d"],
  definition: "max(0, min((x - a) / (b - a), 1, (d - x) / (d - c)))",
  problem: (parameters) => notAscending(parameters, ["a", "b", "c", "d"]),
  compute: (x, [a, b, c, d], out) => trapezoidal(x, a, b, c, d, out),
  span: ([a, , , d]) => [a, d],
};
