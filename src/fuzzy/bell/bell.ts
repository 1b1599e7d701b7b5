import { power } from "../../core/index.js";
import { notPositive, type MembershipType } from "../define.js";

/**
 * Degree to which each value belongs to a generalised bell-shaped fuzzy set, 1 / (1 + |(x - centre) / width|^(2 slope)).
 *
 * @param x       crisp values, [n]
 * @param width   distance from the centre to the degree 0.5, in the unit of `x`; above 0
 * @param slope   steepness at that distance, without unit; above 0 (large: nearly a rectangle)
 * @param centre  where the degree is 1, in the unit of `x`
 * @param out     where to write, [n]; may be `x` itself
 * @returns `out`, degrees in 0..1; NaN stays NaN, an infinite value has degree 0
 * @see Jang, Sun & Mizutani, Neuro-Fuzzy and Soft Computing (1997), eq. 2.26
 */
export function bell(
  x: Float64Array,
  width: number,
  slope: number,
  centre: number,
  out: Float64Array = new Float64Array(x.length),
): Float64Array {
  const exponent = 2 * slope;
  for (let t = 0; t < x.length; t++) out[t] = 1 / (1 + power(Math.abs((x[t] - centre) / width), exponent));
  return out;
}

/** The generalised bell membership type. */
export const bellType: MembershipType = {
  name: "bell",
  aliases: ["generalized_bell", "generalised_bell", "gbell"],
  title: "Generalised bell",
  parameters: ["width", "slope (no unit)", "centre"],
  definition: "1 / (1 + |(x - centre) / width|^(2 slope))",
  problem: (parameters) => notPositive(parameters, 0, "width") ?? notPositive(parameters, 1, "slope"),
  compute: (x, [width, slope, centre], out) => bell(x, width, slope, centre, out),
  span: ([width, slope, centre]) => {
    const reach = width * power(99, 1 / (2 * slope)); // where the degree is 0.01
    return [centre - reach, centre + reach];
  },
};
