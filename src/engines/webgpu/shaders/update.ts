import type { OptimizerSpec } from "../../engine.js";
import type { KernelSource } from "../protocol.js";
import { f32, kernelSource } from "./wgsl.js";

/** Parameters that one workgroup updates. */
export const updateParameters = 256;
/** Partial sums of squares that the norm is made of. */
export const normParts = 64;

/** `updated(p, gradient, at)`: a parameter after its step; `at` is its place in the optimizer's state, where a second number stands `parameters` further. PyTorch's order of operations. */
export function stepWgsl(o: OptimizerSpec, parameters: number): string {
  const decay = f32(o.weightDecay);
  switch (o.type) {
    case "adam":
    case "adamw":
      return /* wgsl */ `
fn updated(weight: f32, gradient: f32, at: u32) -> f32 {
  let p = weight * record.shrink;
  let g = gradient${o.type === "adam" ? ` + ${decay} * p` : ""};
  let m = ${f32(o.beta1)} * state[at] + ${f32(1 - o.beta1)} * g;
  let v = ${f32(o.beta2)} * state[${parameters}u + at] + ${f32(1 - o.beta2)} * g * g;
  state[at] = m;
  state[${parameters}u + at] = v;
  return p - record.rate * (m / (sqrt(v) / record.correction + ${f32(o.epsilon)}));
}`;
    case "sgd":
      return /* wgsl */ `
fn updated(p: f32, gradient: f32, at: u32) -> f32 {
  let g = gradient + ${decay} * p;
  let velocity = ${f32(o.momentum)} * state[at] + g;
  state[at] = velocity;
  return p - record.rate * velocity;
}`;
    case "rmsprop":
      return /* wgsl */ `
fn updated(p: f32, gradient: f32, at: u32) -> f32 {
  let g = gradient + ${decay} * p;
  let v = ${f32(o.alpha)} * state[at] + ${f32(1 - o.alpha)} * g * g;
  state[at] = v;
  return p - record.rate * (g / (sqrt(v) + ${f32(o.epsilon)}));
}`;
  }
}

/** `factorOf(squares)`: what gradients of this sum of squares are multiplied by, as PyTorch's `clip_grad_norm_` does with its 1e-6. */
export function clipWgsl(limit: number): string {
  return /* wgsl */ `
fn factorOf(squares: f32) -> f32 {
  let factor = ${f32(limit)} / (sqrt(squares) + 1e-6f);
  return select(factor, 1.0f, factor >= 1.0f);
}`;
}

/**
 * One step of the optimizer. Buffers: gradients, state (two numbers a parameter), parameters, squares (partial sums of squared
 * gradients, read where gradients are clipped). The record's offset is that of the network's first parameter.
 *
 * @param limit norm to which gradients are clipped; 0 is off
 */
export function optimizerStep(optimizer: OptimizerSpec, parameters: number, limit: number): KernelSource {
  return kernelSource(
    [
      ["gradients", "f32", "r"],
      ["state", "f32", "w"],
      ["parameters", "f32", "w"],
      ["squares", "f32", "r"],
    ],
    stepWgsl(optimizer, parameters),
    limit === 0
      ? "fn clipFactor() -> f32 { return 1.0f; }"
      : /* wgsl */ `${clipWgsl(limit)}
fn clipFactor() -> f32 {
  var sum = 0.0f;
  for (var part = 0u; part < ${normParts}u; part++) { sum += squares[part]; }
  return factorOf(sum);
}`,
    /* wgsl */ `
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let factor = clipFactor();
  for (var i = group.x * 64u + thread; i < ${parameters}u; i += groups.x * 64u) {
    let at = record.offset + i;
    parameters[at] = updated(parameters[at], gradients[at] * factor, record.offset + at);
  }
}`,
  );
}

/** Partial sums of squared gradients, always the same ones in the same order. Buffers: gradients, squares. */
export function squaredNorm(parameters: number): KernelSource {
  return kernelSource(
    [
      ["gradients", "f32", "r"],
      ["squares", "f32", "w"],
    ],
    /* wgsl */ `
var<workgroup> parts: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  var sum = 0.0f;
  for (var i = group.x * 64u + thread; i < ${parameters}u; i += ${normParts * 64}u) {
    let gradient = gradients[record.offset + i];
    sum += gradient * gradient;
  }
  parts[thread] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (thread < half) { parts[thread] += parts[thread + half]; }
    workgroupBarrier();
  }
  if (thread == 0u) { squares[group.x] = parts[0]; }
}`,
  );
}
