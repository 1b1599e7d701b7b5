import type { Weights } from "../engines/index.js";

/** Relative error of one float32 operation. */
const unit = 2 ** -24;

/** What sums in another order and other `exp` and `tanh` change in networks of ordinary weights. */
const ordinary = 1e-6;

/**
 * Largest difference of a probability between two float32 computations of the same network that rounding alone can explain: 1e-6,
 * or for networks with large weights, which amplify what the layers before have rounded, unit roundoff times the number of
 * terms times the product of the layers' infinity norms.
 *
 * @see Higham, Accuracy and Stability of Numerical Algorithms (2002), section 3.5
 */
export function roundingTolerance(weights: Weights): number {
  let terms = 0;
  let growth = 1;
  for (const { inputs, outputs, weight, bias } of weights) {
    let norm = 1;
    for (let i = 0; i < outputs; i++) {
      let sum = Math.abs(bias[i]);
      for (let j = 0; j < inputs; j++) sum += Math.abs(weight[i * inputs + j]);
      norm = Math.max(norm, sum);
    }
    terms += inputs + 1;
    growth *= norm;
  }
  return Math.max(ordinary, unit * terms * growth);
}
