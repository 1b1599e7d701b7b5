import type { NetworkSpec } from "../../engine.js";
import { layerSizes, parameterCount } from "../../weights.js";
import type { KernelSource } from "../protocol.js";
import { sourceRowWgsl } from "./gather.js";
import { activationWgsl, dropoutWgsl } from "./layers.js";
import { evaluationRowWgsl, trainingRowWgsl } from "./loss.js";
import { mathWgsl } from "./math.js";
import { clipWgsl, stepWgsl } from "./update.js";
import { ownRecordSource } from "./wgsl.js";

/** Threads of the workgroup that has a network to itself. */
const threads = 256;

/** Four-number words of `runs` that say what a workgroup has to do, and of each of its batches. */
export const wordsPerRun = 2;

/** A linear layer: its weights [outputs × inputs] and then its bias from `offset` on, its inputs and outputs from these places in `values` on. */
interface PlacedLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly offset: number;
  readonly x: number;
  readonly y: number;
}

/** How a network and the rows that it works on share the memory of one workgroup. */
export interface WorkgroupPlan {
  readonly spec: NetworkSpec;
  /** Rows at a time, at most. */
  readonly rows: number;
  /** From a unit to the next: odd, so that neither rows nor units that are read together fall on the same bank. */
  readonly stride: number;
  readonly layers: readonly PlacedLayer[];
  /** Numbers of what the layers read and give, [units × stride]. */
  readonly values: number;
  /** Partial sums that are added up in pairs, a power of two. */
  readonly parts: number;
  /** Whether there is room for the parameters in training, and then for their gradients. */
  readonly holdsWeights: boolean;
  readonly holdsGradients: boolean;
}

/** What a device counts for an array: whole pieces of 16 bytes. */
const storedBytes = (bytes: number): number => 16 * Math.ceil(bytes / 16);

/** @returns null where the rows of the network do not fit into a workgroup's memory of this many bytes */
export function planWorkgroup(spec: NetworkSpec, rows: number, bytes: number): WorkgroupPlan | null {
  const stride = rows | 1;
  let [offset, at] = [0, 0];
  const layers = layerSizes(spec).map(([inputs, outputs]): PlacedLayer => {
    const layer = { inputs, outputs, offset, x: at, y: at + inputs * stride };
    offset += (inputs + 1) * outputs;
    at = layer.y;
    return layer;
  });
  const values = at + spec.outputs * stride;
  // The norm of gradients is added up from all threads.
  const parts = spec.gradientClip > 0 ? threads : Math.min(threads, 2 ** Math.ceil(Math.log2(rows)));
  const left = bytes - storedBytes(4 * values) - storedBytes(8 * parts);
  if (left < 0) return null;
  const parameters = storedBytes(4 * parameterCount(spec));
  const [holdsWeights, holdsGradients] = [left >= parameters, left >= 2 * parameters];
  return { spec, rows, stride, layers, values, parts, holdsWeights, holdsGradients };
}

/** `values`, the sum over a workgroup, and the names under which the loss finds logits. */
function memoryWgsl({ spec, stride, layers, values, parts }: WorkgroupPlan): string {
  const { y } = layers[layers.length - 1];
  return /* wgsl */ `
var<workgroup> values: array<f32, ${values}>;
var<workgroup> pairs: array<vec2f, ${parts}>;
fn logit(row: u32, k: u32) -> f32 { return values[${y}u + k * ${stride}u + row]; }
fn setDelta(row: u32, k: u32, value: f32) { values[${y}u + k * ${stride}u + row] = value; }
fn addUp(thread: u32) {
  workgroupBarrier();
  for (var half = ${parts}u / 2u; half > 0u; half /= 2u) {
    if (thread < half) { pairs[thread] += pairs[thread + half]; }
    workgroupBarrier();
  }
}
/** Adds up loss and hits of all rows. */
fn lossOfRows(thread: u32) {
  var pair = vec2f(0.0f);
  for (var row = thread; row < record.rows; row += ${threads}u) { pair += rowLoss(row); }
  if (thread < ${parts}u) { pairs[thread] = pair; }
  addUp(thread);
}
/** Four sums over k of a value times a weight; both step along. */
fn weightProducts(x: u32, xStep: u32, w: vec4u, wStep: u32, depth: u32) -> vec4f {
  var sums = vec4f();
  for (var k = 0u; k < depth; k++) {
    let at = w + vec4u(k * wStep);
    sums += values[x + k * xStep] * vec4f(weightAt(at.x), weightAt(at.y), weightAt(at.z), weightAt(at.w));
  }
  return sums;
}
fn gather(thread: u32) {
  for (var e = thread; e < record.rows * ${spec.inputs}u; e += ${threads}u) {
    let i = e / ${spec.inputs}u;
    let k = e % ${spec.inputs}u;
    values[k * ${stride}u + i] = features[sourceRow(i, k) * ${spec.inputs}u + k];
  }
}`;
}

/** Four neighbours from \`first\` on, those beyond the last being the last. */
function four(first: string, count: number): string {
  return `min(vec4u(${first}) + vec4u(0u, 1u, 2u, 3u), vec4u(${count - 1}u))`;
}

/**
 * A thread's loop over its elements of [rows × units], four units at a time: `row`, the first unit `unit`.
 *
 * @param units what is cut into fours
 * @param sums  expression of the four sums; a unit's one is `sum`
 * @param store statement for the unit `unit + c`
 */
function overRows({ rows }: WorkgroupPlan, units: number, sums: string, store: string): string {
  return /* wgsl */ `
  for (var e = thread; e < ${Math.ceil(units / 4) * rows}u; e += ${threads}u) {
    let row = e % ${rows}u;
    let unit = e / ${rows}u * 4u;
    if (row >= record.rows) { continue; }
    let sums = ${sums};
    for (var c = 0u; c < 4u; c++) {
      if (unit + c >= ${units}u) { break; }
      let sum = sums[c];
      ${store}
    }
  }`;
}

/** Forward pass of a layer. @param store what becomes of z */
function forwardWgsl(plan: WorkgroupPlan, l: number, store: string): string {
  const { inputs, outputs, offset, x, y } = plan.layers[l];
  const { stride } = plan;
  return overRows(
    plan,
    outputs,
    `weightProducts(${x}u + row, ${stride}u, ${offset}u + ${four("unit", outputs)} * ${inputs}u, 1u, ${inputs}u)`,
    `let z = sum + weightAt(${offset + inputs * outputs}u + unit + c);
      values[${y}u + (unit + c) * ${stride}u + row] = ${store};`,
  );
}

/** Forward passes of all layers, each followed by a barrier. @param hidden what becomes of z in a hidden layer */
function forwardAllWgsl(plan: WorkgroupPlan, hidden: (l: number) => string): string {
  const last = plan.layers.length - 1;
  return plan.layers
    .map((_, l) => `${forwardWgsl(plan, l, l === last ? "z" : hidden(l))}\n  workgroupBarrier();`)
    .join("\n");
}

/** `keptAt<l>(element)`: the dropout factor of each hidden layer; masks that are given stand layer after layer. */
function keptWgsl({ hidden }: NetworkSpec): string {
  let before = 0;
  const functions = hidden.map((units, l) => {
    const code = /* wgsl */ `
fn keptAt${l}(element: u32) -> f32 {
  record.layer = ${l}u;
  return keepFactor(element + ${before}u * record.rows * min(record.mask, 1u));
}`;
    before += units;
    return code;
  });
  return functions.join("");
}

/** Gradients of a layer's weights and, as those of an input that is always 1, of its biases. */
function gradientWgsl({ layers, stride }: WorkgroupPlan, l: number): string {
  const { inputs, outputs, offset, x, y } = layers[l];
  return /* wgsl */ `
  for (var e = thread; e < ${Math.ceil(outputs / 4) * (inputs + 1)}u; e += ${threads}u) {
    let k = e % ${inputs + 1}u;
    let unit = e / ${inputs + 1}u * 4u;
    let at = ${y}u + ${four("unit", outputs)} * ${stride}u;
    var sums = vec4f();
    for (var row = 0u; row < record.rows; row++) {
      let value = select(values[${x}u + k * ${stride}u + row], 1.0f, k == ${inputs}u);
      sums += value * vec4f(values[at.x + row], values[at.y + row], values[at.z + row], values[at.w + row]);
    }
    for (var c = 0u; c < 4u; c++) {
      if (unit + c >= ${outputs}u) { break; }
      let place = select((unit + c) * ${inputs}u + k, ${inputs * outputs}u + unit + c, k == ${inputs}u);
      setGradient(${offset}u + place, sums[c]);
    }
  }`;
}

/** d loss / d z of the layer below, in the place of its outputs. */
function deltaWgsl(plan: WorkgroupPlan, l: number): string {
  const { inputs, outputs, offset, x, y } = plan.layers[l];
  const { stride } = plan;
  return overRows(
    plan,
    inputs,
    `weightProducts(${y}u + row, ${stride}u, ${offset}u + ${four("unit", inputs)}, ${inputs}u, ${outputs}u)`,
    `let at = ${x}u + (unit + c) * ${stride}u + row;
      let factor = keptAt${l - 1}(row * ${inputs}u + unit + c);
      values[at] = sum * select(slopeOf(values[at] / factor) * factor, 0.0f, factor == 0.0f);`,
  );
}

/** Where parameters and gradients are: in the workgroup's memory while it runs, or in their buffers. */
function parametersWgsl({ spec, holdsWeights, holdsGradients }: WorkgroupPlan): string {
  const count = parameterCount(spec);
  const gradient = holdsGradients ? "held[i]" : "gradients[record.offset + i]";
  const weight = holdsWeights ? "weights[i]" : "parameters[record.offset + i]";
  return /* wgsl */ `
${holdsWeights ? `var<workgroup> weights: array<f32, ${count}>;` : ""}
${holdsGradients ? `var<workgroup> held: array<f32, ${count}>;` : ""}
fn weightAt(i: u32) -> f32 { return ${weight}; }
fn setWeight(i: u32, value: f32) { ${weight} = value; }
fn gradientAt(i: u32) -> f32 { return ${gradient}; }
fn setGradient(i: u32, value: f32) { ${gradient} = value; }
fn sync() {
  workgroupBarrier();
  ${holdsWeights && holdsGradients ? "" : "storageBarrier();"}
}`;
}

/**
 * Whole batches of many networks, one workgroup for each network: gathering, forward pass, loss, backward pass, clipping and update, batch after
 * batch. Buffers: features, order, labels (bytes, four to a number), parameters, state, gradients, runs, sums.
 *
 * `runs` begins with two words for each workgroup: (place among the networks, first batch's word, batches, first sum) and (dropout key, where its
 * order begins). Of a batch it says (where in the order it begins, rows, step, byte of its first given mask + 1 or 0) and, as floats, (rate,
 * correction, shrink); networks in step have the same words. Given masks stand in it as bytes. A sum is a batch's mean loss and its hits.
 */
export function trainWorkgroup(plan: WorkgroupPlan): KernelSource {
  const { spec, layers, parts, holdsWeights } = plan;
  const count = parameterCount(spec);
  const last = layers.length - 1;
  const overParameters = (statement: string): string =>
    `for (var i = thread; i < ${count}u; i += ${threads}u) { ${statement} }`;
  const backward: string[] = [];
  for (let l = last; l > 0; l--) {
    backward.push(gradientWgsl(plan, l), "  sync();");
    backward.push(deltaWgsl(plan, l), "  workgroupBarrier();");
  }
  backward.push(gradientWgsl(plan, 0), "  sync();");
  const clip = /* wgsl */ `
  var squares = 0.0f;
  ${overParameters("squares += gradientAt(i) * gradientAt(i);")}
  if (thread < ${parts}u) { pairs[thread] = vec2f(squares, 0.0f); }
  addUp(thread);
  let factor = factorOf(pairs[0].x);`;
  const addWeights = /* wgsl */ `
  var weight = 0.0f;
  for (var row = thread; row < record.rows; row += ${threads}u) {
    weight += weightOf(labelOf(order[record.position + row]));
  }
  if (thread < ${parts}u) { pairs[thread] = vec2f(weight, 0.0f); }
  addUp(thread);
  record.total = pairs[0].x;`;
  return ownRecordSource(
    [
      ["features", "f32", "r"],
      ["order", "u32", "r"],
      ["labels", "u32", "r"],
      ["parameters", "f32", "w"],
      ["state", "f32", "w"],
      ["gradients", "f32", "w"],
      ["runs", "vec4u", "r"],
      ["sums", "vec2f", "w"],
    ],
    parametersWgsl(plan),
    mathWgsl,
    activationWgsl(spec.activation),
    dropoutWgsl(spec.dropout, "runs[at / 16u][at / 4u % 4u]"),
    keptWgsl(spec),
    "fn sourceRow(i: u32, k: u32) -> u32 { return order[record.position + i]; }",
    memoryWgsl(plan),
    trainingRowWgsl(spec),
    stepWgsl(spec.optimizer, count),
    spec.gradientClip > 0 ? clipWgsl(spec.gradientClip) : "",
    /* wgsl */ `
fn trainBatch(thread: u32) {
  gather(thread);
  sync();
  record.total = f32(record.rows);
${spec.classWeights === null ? "" : addWeights}
${forwardAllWgsl(plan, (l) => `activate(z) * keptAt${l}(row * ${spec.hidden[l]}u + unit + c)`)}
  lossOfRows(thread);
  if (thread == 0u) { sums[record.result] = vec2f(pairs[0].x / record.total, pairs[0].y); }
${backward.join("\n")}
${spec.gradientClip > 0 ? clip : "  let factor = 1.0f;"}
  ${overParameters("setWeight(i, updated(weightAt(i), gradientAt(i) * factor, 2u * record.offset + i));")}
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let run = (dispatch.base + group.x) * ${wordsPerRun}u;
  let job = runs[run];
  record.offset = job.x * ${count}u;
  record.dropKey = runs[run + 1u].x;
  ${holdsWeights ? overParameters("weights[i] = parameters[record.offset + i];") : ""}
  for (var b = 0u; b < job.z; b++) {
    let batch = job.y + b * ${wordsPerRun}u;
    let figures = bitcast<vec4f>(runs[batch + 1u]);
    record.position = runs[run + 1u].y + runs[batch].x;
    record.rows = runs[batch].y;
    record.step = runs[batch].z;
    record.mask = runs[batch].w;
    record.result = job.w + b;
    record.rate = figures.x;
    record.correction = figures.y;
    record.shrink = figures.z;
    trainBatch(thread);
  }
  ${holdsWeights ? overParameters("parameters[record.offset + i] = weights[i];") : ""}
}`,
  );
}

/**
 * Loss and hits of consecutive samples, for many networks: a workgroup has some rows of one of them, the record has all rows. Buffers: features,
 * order of the permuted column, labels, parameters, places (of the networks), sums [networks × workgroups of each].
 */
export function evaluateWorkgroup(plan: WorkgroupPlan): KernelSource {
  const { spec, rows } = plan;
  return ownRecordSource(
    [
      ["features", "f32", "r"],
      ["order", "u32", "r"],
      ["labels", "u32", "r"],
      ["parameters", "f32", "r"],
      ["places", "u32", "r"],
      ["sums", "vec2f", "w"],
    ],
    "fn weightAt(i: u32) -> f32 { return parameters[record.offset + i]; }",
    mathWgsl,
    activationWgsl(spec.activation),
    sourceRowWgsl,
    memoryWgsl(plan),
    evaluationRowWgsl(spec.outputs),
    /* wgsl */ `
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = dispatch.base + group.x;
  let chunks = (dispatch.rows + ${rows - 1}u) / ${rows}u;
  record.offset = places[index / chunks] * ${parameterCount(spec)}u;
  record.position = index % chunks * ${rows}u;
  record.rows = min(${rows}u, dispatch.rows - record.position);
  record.permuted = dispatch.permuted;
  gather(thread);
  workgroupBarrier();
${forwardAllWgsl(plan, () => "activate(z)")}
  lossOfRows(thread);
  if (thread == 0u) { sums[index] = pairs[0]; }
}`,
  );
}
