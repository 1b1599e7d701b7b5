import { log, logistic } from "../../core/index.js";
import type { MembershipType } from "../define.js";

/**
 * Degree to which each value belongs to a sigmoid (open) fuzzy set, 1 / (1 + exp(-slope (x - centre))).
 *
 * @param x       crisp values, [n]
 * @param centre  where the degree is 0.5, in the unit of `x`
 * @param slope   steepness, per unit of `x`; not 0; open to the right when positive, to the left when negative
 * @param out     where to write, [n]; may be `x` itself
 * @returns `out`, degrees in 0..1; NaN stays NaN, an infinite value has degree 1 on the open side and 0 on the other
 * @see Jang, Sun & Mizutani, Neuro-Fuzzy and Soft Computing (1997), eq. 2.28
 */
export function sigmoid(
  x: Float64Array,
  centre: number,
  slope: number,
  out: Float64Array = new Float64Array(x.length),
): Float64Array {
  for (let t = 0; t < x.length; t++) out[t] = logistic(slope * (x[t] - centre));
  return out;
}

/** The sigmoid membership type. */
export const sigmoidType: MembershipType = {
  name: "sigmoid",
  aliases: [],
  title: "Sigmoid",
  parameters: ["centre", "slope (per unit)"],
  definition: "1 / (1 + exp(-slope (x - centre)))",
  problem: ([, slope]) =>
    slope === 0
      ? { index: 1, message: "needs a slope other than 0, which would give 0.5 everywhere" }
      : undefined,
  compute: (x, [centre, slope], out) => sigmoid(x, centre, slope, out),
  span: ([centre, slope]) => {
    const reach = log(99) / Math.abs(slope); // from degree 0.01 to 0.99
    return [centre - reach, centre + reach];
  },
};
