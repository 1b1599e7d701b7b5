import type { Activation } from "../../engine.js";
import { f32 } from "./wgsl.js";

const values: Record<Activation, string> = {
  // Written as z <= 0 so that NaN stays NaN.
  relu: "select(z, 0.0f, z <= 0.0f)",
  leaky_relu: "select(z, 0.01f * z, z <= 0.0f)",
  tanh: "hyperbolicTangent(z)",
  sigmoid: "logistic(z)",
};

/** Derivatives in terms of the activation's value y. */
const slopes: Record<Activation, string> = {
  relu: "select(0.0f, 1.0f, y > 0.0f)",
  leaky_relu: "select(0.01f, 1.0f, y > 0.0f)",
  tanh: "1.0f - y * y",
  sigmoid: "(1.0f - y) * y",
};

/** `activate` and `slopeOf` of an activation; with `mathWgsl`. */
export function activationWgsl(activation: Activation): string {
  return /* wgsl */ `
fn activate(z: f32) -> f32 { return ${values[activation]}; }
fn slopeOf(y: f32) -> f32 { return ${slopes[activation]}; }
`;
}

/**
 * `keepFactor(element)`: what an element of the record's hidden layer is multiplied by. The hash is that of ../../dropout.ts in the
 * same integer arithmetic, so the masks are those of every other engine.
 *
 * @param masks expression of the four masks that begin at byte `at`, where masks are given
 */
export function dropoutWgsl(dropout: number, masks: string): string {
  if (dropout === 0) return "fn keepFactor(element: u32) -> f32 { return 1.0f; }";
  // A hash h keeps its unit where h >= dropout * 2^32, that is where it is above the greatest whole number below.
  const limit = Math.ceil(dropout * 4294967296) - 1;
  return /* wgsl */ `
fn mix(a: u32) -> u32 {
  var x = (a ^ (a >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}
fn keepFactor(element: u32) -> f32 {
  let scale = ${f32(1 / (1 - dropout))};
  if (record.mask > 0u) {
    let at = record.mask - 1u + element;
    return select(scale, 0.0f, ((${masks} >> (at % 4u * 8u)) & 255u) == 0u);
  }
  let key = mix(mix(record.dropKey ^ record.step) + record.layer * 0x9e3779b9u);
  return select(0.0f, scale, mix(key ^ mix(element)) > ${limit}u);
}
`;
}
