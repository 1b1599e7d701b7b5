import { logistic, tanh } from "../../core/index.js";
import type { Activation } from "../engine.js";

const f = Math.fround;

/** Slope of leaky ReLU below 0. */
const leak = f(0.01);

const values: Record<Activation, (z: number) => number> = {
  // Written as z <= 0 so that NaN stays NaN: a diverged network must not look like a quiet one.
  relu: (z) => (z <= 0 ? 0 : z),
  leaky_relu: (z) => (z <= 0 ? leak * z : z),
  tanh,
  sigmoid: logistic,
};

/** Derivatives in terms of the activation's value y, as PyTorch computes them. */
const slopes: Record<Activation, (y: number) => number> = {
  relu: (y) => (y > 0 ? 1 : 0),
  leaky_relu: (y) => (y > 0 ? 1 : leak),
  tanh: (y) => 1 - f(y * y),
  sigmoid: (y) => f(1 - y) * y,
};

/** Cost of an activation in multiply-adds, for `inWorkBlocks`. */
export const activationWork = 40;

/** Applies the activation to elements [from, to) in place. */
export function activate(activation: Activation, z: Float32Array, from: number, to: number): void {
  const value = values[activation];
  for (let i = from; i < to; i++) z[i] = value(z[i]);
}

/** Derivatives of the activation for its values `y`, elements [from, to). */
export function activationSlopes(
  activation: Activation,
  y: Float32Array,
  slope: Float32Array,
  from: number,
  to: number,
): void {
  const derivative = slopes[activation];
  for (let i = from; i < to; i++) slope[i] = derivative(y[i]);
}
