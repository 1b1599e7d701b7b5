import { exp, log } from "../../core/index.js";
import { notPositive, type MembershipType } from "../define.js";

/**
 * Degree to which each value belongs to a Gaussian fuzzy set, exp(-((x - centre) / sigma)^2 / 2).
 *
 * @param x       crisp values, [n]
 * @param centre  where the degree is 1, in the unit of `x`
 * @param sigma   width, in the unit of `x`; above 0; the degree at centre +- sigma is 0.607
 * @param out     where to write, [n]; may be `x` itself
 * @returns `out`, degrees in 0..1; NaN stays NaN, an infinite value has degree 0
 * @see Jang, Sun & Mizutani, Neuro-Fuzzy and Soft Computing (1997), eq. 2.25
 */
export function gaussian(
  x: Float64Array,
  centre: number,
  sigma: number,
  out: Float64Array = new Float64Array(x.length),
): Float64Array {
  for (let t = 0; t < x.length; t++) {
    const z = (x[t] - centre) / sigma;
    out[t] = exp(-0.5 * z * z);
  }
  return out;
}

const sigmasAtOneHundredth = Math.sqrt(2 * log(100)); // 3.03

/** The Gaussian membership type. */
export const gaussianType: MembershipType = {
  name: "gaussian",
  aliases: [],
  title: "Gaussian",
  parameters: ["centre", "sigma"],
  definition: "exp(-((x - centre) / sigma)^2 / 2)",
  problem: (parameters) => notPositive(parameters, 1, "sigma"),
  compute: (x, [centre, sigma], out) => gaussian(x, centre, sigma, out),
  span: ([centre, sigma]) => [centre - sigmasAtOneHundredth * sigma, centre + sigmasAtOneHundredth * sigma],
};
