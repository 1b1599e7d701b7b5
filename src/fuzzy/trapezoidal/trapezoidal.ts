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
  // Beyond a closed shoulder the height below is negative, whatever it is divided by.
  const rise = b - a || 1;
  const fall = d - c || 1;
  const usual = Math.max(Math.abs(a), Math.abs(d)) < usualSize ? usualSize : 0;
  for (let t = 0; t < x.length; t++) {
    const value = x[t];
    if (!(value > -usual && value < usual)) {
      out[t] = unusualDegree(value, a, b, c, d);
      continue;
    }
    // Which side a value lies on is arithmetic and not a branch: prices cross the sides too often to be guessed right.
    const left = +(value < b);
    const right = +(value > c);
    const top = 1 - left - right;
    const height = left * (value - a) + right * (d - value) + top;
    const width = left * rise + right * fall + top;
    out[t] = (+(height > 0) * height + 0) / width; // beyond the feet 0, and not -0
  }
  return out;
}

/** Below this no difference of two values overflows. */
const usualSize = 2 ** 1000;

/** The degree of any value, also of NaN, infinite and huge ones. */
function unusualDegree(value: number, a: number, b: number, c: number, d: number): number {
  if (value !== value) return NaN;
  const rising = a === b ? (value < b ? 0 : 1) : (value - a) / (b - a);
  const falling = c === d ? (value > c ? 0 : 1) : (d - value) / (d - c);
  return Math.max(0, Math.min(rising, falling, 1));
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
