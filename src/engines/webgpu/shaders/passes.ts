import type { Activation } from "../../engine.js";
import type { KernelSource } from "../protocol.js";
import { activationWgsl, dropoutWgsl } from "./layers.js";
import { mathWgsl } from "./math.js";
import { productSource } from "./product.js";

// Sizes come with the record and not as constants, so that one shader serves all layers of all networks: a driver takes
// its time to compile one.

const forward = {
  rows: "record.rows",
  columns: "record.outputs",
  depth: "record.inputs",
  aAlongDepth: true,
  bAlongDepth: true,
};

const forwardWgsl = /* wgsl */ `
fn a(row: u32, k: u32) -> f32 { return x[row * record.inputs + k]; }
fn b(column: u32, k: u32) -> f32 { return parameters[record.offset + column * record.inputs + k]; }
fn bias(column: u32) -> f32 { return parameters[record.offset + record.inputs * record.outputs + column]; }`;

/** Forward pass without dropout or slopes; with a null activation the sums themselves. Buffers: x, parameters, output. */
export function inferenceForward(activation: Activation | null): KernelSource {
  return productSource({
    ...forward,
    buffers: [
      ["x", "f32", "r"],
      ["parameters", "f32", "r"],
      ["output", "f32", "w"],
    ],
    functions: /* wgsl */ `${forwardWgsl}
${activation === null ? "fn activate(z: f32) -> f32 { return z; }" : mathWgsl + activationWgsl(activation)}
fn store(row: u32, column: u32, sum: f32) {
  output[row * record.outputs + column] = activate(sum + bias(column));
}`,
  });
}

/**
 * Forward pass of a hidden layer in training: activation, its slope, and inverted dropout of both. Buffers: x, parameters, output,
 * slope, masks (bytes, four to a number).
 */
export function trainingForward(activation: Activation, dropout: number): KernelSource {
  return productSource({
    ...forward,
    buffers: [
      ["x", "f32", "r"],
      ["parameters", "f32", "r"],
      ["output", "f32", "w"],
      ["slope", "f32", "w"],
      ["masks", "u32", "r"],
    ],
    functions: /* wgsl */ `${forwardWgsl}
${mathWgsl}
${activationWgsl(activation)}
${dropoutWgsl(dropout, "masks[at / 4u]")}
fn store(row: u32, column: u32, sum: f32) {
  let element = row * record.outputs + column;
  let y = activate(sum + bias(column));
  let factor = keepFactor(element);
  output[element] = y * factor;
  slope[element] = slopeOf(y) * factor;
}`,
  });
}

/** Gradient of the layer below: delta · W, times that layer's slope. Buffers: delta, parameters, slope, below. */
export const inputGradient: KernelSource = productSource({
  buffers: [
    ["delta", "f32", "r"],
    ["parameters", "f32", "r"],
    ["slope", "f32", "r"],
    ["below", "f32", "w"],
  ],
  rows: "record.rows",
  columns: "record.inputs",
  depth: "record.outputs",
  aAlongDepth: true,
  bAlongDepth: false,
  functions: /* wgsl */ `
fn a(row: u32, k: u32) -> f32 { return delta[row * record.outputs + k]; }
fn b(column: u32, k: u32) -> f32 { return parameters[record.offset + k * record.inputs + column]; }
fn store(row: u32, column: u32, sum: f32) {
  let element = row * record.inputs + column;
  below[element] = sum * slope[element];
}`,
});

/** Gradients of weights and, as those of an input that is always 1, of the biases. Buffers: delta, x, gradients. */
export const weightGradient: KernelSource = productSource({
  buffers: [
    ["delta", "f32", "r"],
    ["x", "f32", "r"],
    ["gradients", "f32", "w"],
  ],
  rows: "record.outputs",
  columns: "record.inputs + 1u",
  depth: "record.rows",
  aAlongDepth: false,
  bAlongDepth: false,
  functions: /* wgsl */ `
fn a(row: u32, k: u32) -> f32 { return delta[k * record.outputs + row]; }
fn b(column: u32, k: u32) -> f32 {
  if (column == record.inputs) { return 1.0f; }
  return x[k * record.inputs + column];
}
fn store(row: u32, column: u32, sum: f32) {
  let ofBias = record.inputs * record.outputs + row;
  let ofWeight = row * record.inputs + column;
  gradients[record.offset + select(ofWeight, ofBias, column == record.inputs)] = sum;
}`,
});
