import type { LossSpec, NetworkSpec } from "../../engine.js";
import type { KernelSource } from "../protocol.js";
import { mathWgsl } from "./math.js";
import { f32, kernelSource } from "./wgsl.js";

/** Rows of one workgroup, and so of one partial sum. */
export const lossRows = 64;

/** Softmax of a row of logits, which `logit(row, k)` gives: `sumOf` (of exp(z - largest)) and `bestOf` (the first of the largest). */
function softmaxWgsl(outputs: number): string {
  return /* wgsl */ `
fn bestOf(row: u32) -> u32 {
  var best = 0u;
  for (var k = 1u; k < ${outputs}u; k++) {
    if (logit(row, k) > logit(row, best)) { best = k; }
  }
  return best;
}
fn sumOf(row: u32, largest: f32) -> f32 {
  var sum = 0.0f;
  for (var k = 0u; k < ${outputs}u; k++) { sum += exponential(logit(row, k) - largest); }
  return sum;
}`;
}

/** `logit` and `setDelta` over buffers, [rows × outputs]. */
function logitWgsl(outputs: number): string {
  return `fn logit(row: u32, k: u32) -> f32 { return logits[row * ${outputs}u + k]; }`;
}
function setDeltaWgsl(outputs: number): string {
  return `fn setDelta(row: u32, k: u32, value: f32) { delta[row * ${outputs}u + k] = value; }`;
}

const labelWgsl = /* wgsl */ `
fn labelOf(sample: u32) -> u32 { return (labels[sample / 4u] >> (sample % 4u * 8u)) & 255u; }`;

/** The kernel of a loss: `rowLoss` of each row as (loss, hit), which a workgroup adds up in a fixed order and stores. */
const reductionWgsl = /* wgsl */ `
var<workgroup> pairs: array<vec2f, ${lossRows}>;
fn addUp(thread: u32, group: u32, pair: vec2f) {
  pairs[thread] = pair;
  workgroupBarrier();
  for (var half = ${lossRows / 2}u; half > 0u; half /= 2u) {
    if (thread < half) { pairs[thread] += pairs[thread + half]; }
    workgroupBarrier();
  }
  if (thread == 0u) { sums[record.result + group] = pairs[0]; }
}

@compute @workgroup_size(${lossRows})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * ${lossRows}u + thread;
  var pair = vec2f(0.0f);
  if (row < record.rows) { pair = rowLoss(row); }
  addUp(thread, group.x, pair);
}`;

/** `weightOf(label)`. */
function classWeightsWgsl(classWeights: Float32Array | null): string {
  if (classWeights === null) return "fn weightOf(label: u32) -> f32 { return 1.0f; }";
  const all = [...classWeights].map(f32).join(", ");
  return /* wgsl */ `
fn weightOf(label: u32) -> f32 {
  var weights = array<f32, ${classWeights.length}>(${all});
  return weights[label];
}`;
}

/** `lossOf(p, rest, logP)`: the loss of a sample and d loss / d log p. */
function sampleLossWgsl(loss: LossSpec): string {
  if (loss.type === "cross_entropy" || loss.gamma === 0) {
    return "fn lossOf(p: f32, rest: f32, logP: f32) -> vec2f { return vec2f(-logP, -1.0f); }";
  }
  const gamma = f32(loss.gamma);
  return /* wgsl */ `
fn lossOf(p: f32, rest: f32, logP: f32) -> vec2f {
  if (rest == 0.0f) { return vec2f(0.0f); }
  let factor = exponential(${gamma} * logarithm(rest));
  return vec2f(-factor * logP, ${gamma} * (factor / rest) * p * logP - factor);
}`;
}

/**
 * `rowLoss(row)` of a training batch: loss and hit, and the gradient of the batch's mean by the logits by `setDelta(row, k, value)`, which may write
 * where `logit(row, k)` reads; with `mathWgsl`.
 */
export function trainingRowWgsl({ outputs, loss, classWeights }: NetworkSpec): string {
  return /* wgsl */ `${softmaxWgsl(outputs)}
${labelWgsl}
${classWeightsWgsl(classWeights)}
${sampleLossWgsl(loss)}
fn rowLoss(row: u32) -> vec2f {
  let label = labelOf(order[record.position + row]);
  let best = bestOf(row);
  let largest = logit(row, best);
  let sum = sumOf(row, largest);
  let logP = logit(row, label) - largest - logarithm(sum);
  var rest = 0.0f;
  for (var k = 0u; k < ${outputs}u; k++) {
    if (k != label) { rest += exponential(logit(row, k) - largest); }
  }
  rest /= sum;
  let found = lossOf(exponential(logit(row, label) - largest) / sum, rest, logP);
  let weight = weightOf(label);
  let scale = weight * found.y / record.total;
  for (var k = 0u; k < ${outputs}u; k++) {
    let p = exponential(logit(row, k) - largest) / sum;
    setDelta(row, k, scale * select(-p, rest, k == label));
  }
  return vec2f(weight * found.x, select(0.0f, 1.0f, best == label));
}`;
}

/** `rowLoss(row)` of consecutive samples: cross-entropy, unweighted, and hit; with `mathWgsl`. */
export function evaluationRowWgsl(outputs: number): string {
  return /* wgsl */ `${softmaxWgsl(outputs)}
${labelWgsl}
fn rowLoss(row: u32) -> vec2f {
  let label = labelOf(record.position + row);
  let best = bestOf(row);
  let largest = logit(row, best);
  let loss = largest + logarithm(sumOf(row, largest)) - logit(row, label);
  return vec2f(loss, select(0.0f, 1.0f, best == label));
}`;
}

/**
 * Training loss and hits of a batch, and the gradient of its mean by the logits. Buffers: logits, order, labels (bytes, four to a number),
 * delta, sums.
 */
export function trainingLoss(spec: NetworkSpec): KernelSource {
  return kernelSource(
    [
      ["logits", "f32", "r"],
      ["order", "u32", "r"],
      ["labels", "u32", "r"],
      ["delta", "f32", "w"],
      ["sums", "vec2f", "w"],
    ],
    mathWgsl,
    logitWgsl(spec.outputs),
    setDeltaWgsl(spec.outputs),
    trainingRowWgsl(spec),
    reductionWgsl,
  );
}

/** Cross-entropy, unweighted, and hits of consecutive samples. Buffers: logits, labels, sums. */
export function evaluationLoss(outputs: number): KernelSource {
  return kernelSource(
    [
      ["logits", "f32", "r"],
      ["labels", "u32", "r"],
      ["sums", "vec2f", "w"],
    ],
    mathWgsl,
    logitWgsl(outputs),
    evaluationRowWgsl(outputs),
    reductionWgsl,
  );
}

/** Probabilities of all classes. Buffers: logits, probabilities. */
export function probabilities(outputs: number): KernelSource {
  return kernelSource(
    [
      ["logits", "f32", "r"],
      ["result", "f32", "w"],
    ],
    mathWgsl,
    logitWgsl(outputs),
    softmaxWgsl(outputs),
    /* wgsl */ `
@compute @workgroup_size(${lossRows})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * ${lossRows}u + thread;
  if (row >= record.rows) { return; }
  let largest = logit(row, bestOf(row));
  let sum = sumOf(row, largest);
  for (var k = 0u; k < ${outputs}u; k++) {
    result[row * ${outputs}u + k] = exponential(logit(row, k) - largest) / sum;
  }
}`,
  );
}
