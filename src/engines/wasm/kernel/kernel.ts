// A multi-layer perceptron's training step and inference, whole batches per call. See src/engines/reference for the
// definition; this computes the same bits with SIMD, cache blocks and threads.

import { activatePanel, dropPanel, RELU_LAYER } from "./activation";
import { lossAndGradient, sampleOf, score, sumWeights, useScratch } from "./loss";
import { useFractions } from "./math";
import { descriptionBytes, Layer, Net, ROW } from "./memory";
import { beginUpdate, clipFactor, update } from "./optimizer";
import {
  addRows, backwardGatePanel, backwardSlopePanel, forwardPanel, forwardReluPanel, gradientTile, turnPanel,
} from "./product";
import {
  awaitCommand, barrier, begin, currentCommand, isLeader, look, register, takesPart, takeUnit, worked,
} from "./threads";

export { descriptionBytes };

/** Rows that go through all layers together: their activations stay in the second-level cache. */
const BLOCK: i32 = 64;
/** Rows of a weight gradient's cache block: a panel of inputs and one of deltas fit the first-level cache. */
const GRADIENT_ROWS: i32 = 128;
/** Weight panels in one unit of gradient or update. */
const GROUP: i32 = 4;

const STEP: i32 = 1;
const INFERENCE: i32 = 2;

let net: Net = changetype<Net>(0);
/** This thread's buffers for inference: two of `BLOCK` rows, as many panels as the widest layer. */
let inputBuffer: usize = 0;
let outputBuffer: usize = 0;
const BLOCK_STRIDE: usize = <usize>BLOCK * ROW + 64;

/**
 * Says where the network is and where this thread may work.
 *
 * @param fractions the table of `exp`, 2^(j/64), [64] float64
 * @param scratch   room for 16 bytes an output
 * @param buffers   two of `blockBytes(widest)`
 */
export function bind(description: usize, fractions: usize, scratch: usize, buffers: usize, widest: i32): void {
  useFractions(fractions);
  net = changetype<Net>(description);
  useScratch(scratch);
  inputBuffer = buffers;
  outputBuffer = buffers + blockBytes(widest);
}

/** Bytes of a block of rows, `columns` wide. */
export function blockBytes(columns: i32): usize {
  return <usize>((columns + 7) >> 3) * BLOCK_STRIDE;
}

/** Bytes between panels for batches of `rows`: an odd number of cache lines, so that panels do not share cache sets. */
export function panelStride(rows: i32): usize {
  return <usize>((rows + 3) & ~3) * ROW + 64;
}

/** The network itself; `classWeights` is an address, 0 for none. */
export function describe(
  layers: i32, inputs: i32, outputs: i32, activation: i32, dropLimit: u32, keepScale: f32, dropKey: i32,
  classWeights: usize, gamma: f64, clip: f64, results: usize,
): void {
  net.layers = layers;
  net.inputs = inputs;
  net.outputs = outputs;
  net.activation = activation;
  net.dropLimit = dropLimit;
  net.keepScale = keepScale;
  net.dropKey = dropKey;
  net.classWeights = classWeights;
  net.gamma = gamma;
  net.clip = clip;
  net.results = results;
  net.column = -1;
}

/** `beta1` is the momentum of SGD and the alpha of RMSprop. */
export function describeOptimizer(optimizer: i32, weightDecay: f64, beta1: f64, beta2: f64, epsilon: f64): void {
  net.optimizer = optimizer;
  net.weightDecay = weightDecay;
  net.beta1 = beta1;
  net.beta2 = beta2;
  net.epsilon = epsilon;
}

/** A layer and the addresses of its parameters, their gradients and states; `turned` is 0 for the first layer. */
export function describeLayer(
  l: i32, inputs: i32, outputs: i32, parameters: usize, gradients: usize, first: usize, second: usize, turned: usize,
): void {
  const layer = net.layer(l);
  layer.inputs = inputs;
  layer.outputs = outputs;
  layer.weightRows = (inputs + 3) & ~3;
  layer.panels = (outputs + 7) >> 3;
  layer.parameters = parameters;
  layer.gradients = gradients;
  layer.first = first;
  layer.second = second;
  layer.turned = turned;
}

/** Buffers of batches. */
export function describeBatch(x: usize, stride: usize, rowLoss: usize): void {
  net.x = x;
  net.stride = stride;
  net.rowLoss = rowLoss;
}

/** A layer's buffers of batches; `slope` is 0 where the value of the activation tells it. */
export function describeLayerBatch(l: i32, output: usize, slope: usize, delta: usize): void {
  const layer = net.layer(l);
  layer.output = output;
  layer.slope = slope;
  layer.delta = delta;
}

/** The weights are new: optimizer and count of steps start afresh (the caller has cleared the states). */
export function startAfresh(): void {
  net.steps = 0;
  net.power1 = 1;
  net.power2 = 1;
  for (let l = 1; l < net.layers; l++) turn(net.layer(l), 0, net.layer(l).panels);
}

function turn(layer: Layer, from: i32, to: i32): void {
  const stride = <usize>layer.panels * 8 * ROW;
  for (let panel = from; panel < to; panel++) {
    turnPanel(
      layer.parameters + <usize>panel * layer.panelBytes, layer.weightRows, layer.turned + <usize>panel * 8 * ROW, stride,
    );
  }
}

/** Bytes from a row of samples to a panel row, four columns at a time. */
@inline
function gatherRow(row: usize, to: usize, stride: usize, columns: i32, tail: v128): void {
  let j = 0;
  for (; j + 8 <= columns; j += 8) {
    v128.store(to, v128.load(row));
    v128.store(to, v128.load(row, 16), 16);
    row += ROW;
    to += stride;
  }
  if (j + 4 <= columns) {
    v128.store(to, v128.load(row));
    row += 16;
    to += 16;
    j += 4;
  }
  if (j < columns) v128.store(to, v128.and(v128.load(row), tail));
}

@inline
function tailMask(columns: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(columns & 3));
}

/** One layer of a block of rows. Whether to stop. */
function forwardLayer(
  layer: Layer, x: usize, xStride: usize, y: usize, yStride: usize, rows: i32, relu: bool,
): bool {
  const panelBytes = layer.panelBytes;
  let w = layer.parameters;
  let bias = layer.parameters + layer.weightBytes;
  for (let panel = 0; panel < layer.panels; panel++) {
    if (relu) forwardReluPanel(x, xStride, layer.inputs, w, bias, y, rows);
    else forwardPanel(x, xStride, layer.inputs, w, bias, y, rows);
    if (worked(net, rows * layer.inputs * 8)) return true;
    w += panelBytes;
    bias += ROW;
    y += yStride;
  }
  return false;
}

/** Forward, loss and deltas of one block of a batch. Whether to stop. */
function trainBlock(from: i32, rows: i32): bool {
  const stride = net.stride;
  const at = <usize>from * ROW;
  const last = net.layers - 1;
  const rowBytes = <usize>net.inputs << 2;
  const tail = tailMask(net.inputs);
  for (let i = 0; i < rows; i++) {
    const row = net.samples + <usize>sampleOf(net, from + i) * rowBytes;
    gatherRow(row, net.x + at + <usize>i * ROW, stride, net.inputs, tail);
  }
  let x = net.x + at;
  for (let l = 0; l <= last; l++) {
    const layer = net.layer(l);
    const relu = l < last && net.activation == RELU_LAYER;
    if (forwardLayer(layer, x, stride, layer.output + at, stride, rows, relu)) return true;
    if (l < last) {
      for (let panel = 0; panel < layer.panels; panel++) {
        const place = <usize>panel * stride + at;
        if (!relu) {
          activatePanel(net.activation, layer.output + place, layer.slope + place, rows, panel * 8, layer.outputs);
        }
        if (net.keepScale != 0) dropPanel(net, layer, l, panel, from, rows);
        if (worked(net, rows * 64)) return true;
      }
    }
    x = layer.output + at;
  }
  const top = net.layer(last);
  const hits = lossAndGradient(net, top.output + at, top.delta + at, stride, from, rows);
  atomic.add<i32>(changetype<usize>(net) + offsetof<Net>("correct"), hits);
  const scale: f32 = net.keepScale == 0 ? 1 : net.keepScale;
  for (let l = last; l > 0; l--) {
    const layer = net.layer(l);
    const below = net.layer(l - 1);
    const turnedStride = <usize>layer.panels * 8 * ROW;
    let w = layer.turned;
    let place = at;
    for (let panel = 0; panel < below.panels; panel++) {
      const to = below.delta + place;
      if (below.slope == 0) {
        backwardGatePanel(layer.delta + at, stride, layer.outputs, w, to, rows, below.output + place, scale);
      } else {
        backwardSlopePanel(layer.delta + at, stride, layer.outputs, w, to, rows, below.slope + place);
      }
      if (worked(net, rows * layer.outputs * 8)) return true;
      w += turnedStride;
      place += stride;
    }
  }
  return false;
}

/** Gradients of weight panels [from, to) of a layer, whose inputs are in panels at `x`. Whether to stop. */
function gradientOf(layer: Layer, x: usize, from: i32, to: i32): bool {
  const stride = net.stride;
  const panelBytes = layer.panelBytes;
  const rows = net.rows;
  for (let row = 0; row < rows; row += GRADIENT_ROWS) {
    const n = min(GRADIENT_ROWS, rows - row);
    const at = <usize>row * ROW;
    for (let j = 0; j < layer.weightRows; j += 4) {
      const column = x + <usize>(j >> 3) * stride + at + <usize>((j & 4) << 2);
      for (let panel = from; panel < to; panel++) {
        gradientTile(
          column, layer.delta + <usize>panel * stride + at,
          layer.gradients + <usize>panel * panelBytes + <usize>j * ROW, n, row == 0,
        );
      }
      if (worked(net, n * 32 * (to - from))) return true;
    }
    for (let panel = from; panel < to; panel++) {
      const sums = layer.gradients + layer.weightBytes + <usize>panel * ROW;
      addRows(layer.delta + <usize>panel * stride + at, sums, n, row == 0);
    }
  }
  return false;
}

function updateOf(layer: Layer, from: i32, to: i32): void {
  const offset = <usize>from * layer.panelBytes;
  const bytes = <usize>(to - from) * layer.panelBytes;
  update(
    net, layer.parameters + offset, layer.gradients + offset, layer.first + offset, layer.second + offset, bytes,
  );
  const bias = layer.weightBytes + <usize>from * ROW;
  update(
    net, layer.parameters + bias, layer.gradients + bias, layer.first + bias, layer.second + bias,
    <usize>(to - from) * ROW,
  );
  if (layer.turned != 0) turn(layer, from, to);
}

/** This thread's share of a training step. All threads pass the same barriers, also when the batch is given up. */
function step(): void {
  const rows = net.rows;
  let stop = false;
  for (;;) {
    const from = takeUnit(net) * BLOCK;
    if (from >= rows || stop) break;
    stop = trainBlock(from, min(BLOCK, rows - from));
  }
  barrier(net);
  let first = 0; // unit at which a layer begins
  let unit = stop ? i32.MAX_VALUE : takeUnit(net);
  for (let l = 0; l < net.layers; l++) {
    const layer = net.layer(l);
    const groups = (layer.panels + GROUP - 1) / GROUP;
    const x = l == 0 ? net.x : net.layer(l - 1).output;
    while (unit < first + groups) {
      const from = (unit - first) * GROUP;
      stop = gradientOf(layer, x, from, min(from + GROUP, layer.panels));
      unit = stop ? i32.MAX_VALUE : takeUnit(net);
    }
    first += groups;
  }
  barrier(net);
  if (isLeader()) {
    if (!look(net)) net.gradientFactor = net.clip > 0 ? clipFactor(net) : 1;
    net.givenUp = look(net) ? 1 : 0;
    if (net.givenUp == 0) beginUpdate(net);
  }
  barrier(net);
  // Nothing stops the update itself, so that it is done whole or not at all.
  if (net.givenUp == 0) {
    first = 0;
    unit = takeUnit(net);
    for (let l = 0; l < net.layers; l++) {
      const layer = net.layer(l);
      const groups = (layer.panels + GROUP - 1) / GROUP;
      while (unit < first + groups) {
        const from = (unit - first) * GROUP;
        updateOf(layer, from, min(from + GROUP, layer.panels));
        unit = takeUnit(net);
      }
      first += groups;
    }
  }
  barrier(net);
}

/** Adds the losses of rows in order, whoever computed them. */
function sumRowLosses(sum: f64, rows: i32): f64 {
  let at = net.rowLoss;
  for (let i = 0; i < rows; i++, at += 8) sum += load<f64>(at);
  return sum;
}

/**
 * Trains up to `count` batches of `order` [rows]; the last may be shorter. Ends early at a stop (the batch under way is
 * given up) and after a batch whose loss is not finite. Writes sum of losses, batches, samples and hits to the results, and unless
 * `perBatch` is 0 the sums of losses and hits after each batch there.
 */
export function trainBatches(
  samples: usize, labels: usize, order: usize, rows: i32, batchSize: i32, count: i32, learningRate: f64, masks: usize,
  perBatch: usize, shared: bool,
): void {
  net.samples = samples;
  net.labels = labels;
  net.learningRate = learningRate;
  net.masks = masks;
  let lossSum: f64 = 0;
  let batches = 0;
  let done = 0;
  let correct = 0;
  while (batches < count && done < rows) {
    net.order = order + (<usize>done << 2);
    net.rows = min(batchSize, rows - done);
    net.correct = 0;
    net.stopped = 0;
    if (look(net)) break;
    net.weightTotal = sumWeights(net);
    begin(net, STEP, shared);
    step();
    if (net.givenUp != 0) break;
    net.steps++;
    const loss = sumRowLosses(0, net.rows) / net.weightTotal * <f64>net.rows;
    batches++;
    done += net.rows;
    lossSum += loss;
    correct += net.correct;
    if (perBatch != 0) {
      store<f64>(perBatch, lossSum);
      store<f64>(perBatch, <f64>correct, 8);
      perBatch += 16;
    }
    if (!isFinite(loss)) break;
  }
  store<f64>(net.results, lossSum);
  store<f64>(net.results, <f64>batches, 8);
  store<f64>(net.results, <f64>done, 16);
  store<f64>(net.results, <f64>correct, 24);
}

/** Inference on one block of a chunk. Whether to stop. */
function inferBlock(from: i32, rows: i32): bool {
  const rowBytes = <usize>net.inputs << 2;
  const tail = tailMask(net.inputs);
  let row = net.samples + <usize>from * rowBytes;
  for (let i = 0; i < rows; i++) {
    gatherRow(row, inputBuffer + <usize>i * ROW, BLOCK_STRIDE, net.inputs, tail);
    row += rowBytes;
  }
  if (net.column >= 0) {
    let to = inputBuffer + <usize>(net.column >> 3) * BLOCK_STRIDE + <usize>((net.column & 7) << 2);
    for (let i = from; i < from + rows; i++) {
      const other = <usize>load<u32>(net.permuted + (<usize>i << 2));
      store<f32>(to, load<f32>(net.order + other * rowBytes + (<usize>net.column << 2)));
      to += ROW;
    }
  }
  const last = net.layers - 1;
  let x = inputBuffer;
  let y = outputBuffer;
  for (let l = 0; l <= last; l++) {
    const layer = net.layer(l);
    const relu = l < last && net.activation == RELU_LAYER;
    if (forwardLayer(layer, x, BLOCK_STRIDE, y, BLOCK_STRIDE, rows, relu)) return true;
    if (l < last && !relu) {
      for (let panel = 0; panel < layer.panels; panel++) {
        activatePanel(net.activation, y + <usize>panel * BLOCK_STRIDE, 0, rows, panel * 8, layer.outputs);
        if (worked(net, rows * 64)) return true;
      }
    }
    const z = x;
    x = y;
    y = z;
  }
  const hits = score(net, x, BLOCK_STRIDE, from, rows);
  if (hits != 0) atomic.add<i32>(changetype<usize>(net) + offsetof<Net>("correct"), hits);
  return false;
}

/** This thread's share of a chunk of inference. */
function infer(): void {
  for (;;) {
    const from = takeUnit(net) * BLOCK;
    if (from >= net.rows) break;
    if (inferBlock(from, min(BLOCK, net.rows - from))) break;
  }
  barrier(net);
}

/**
 * Inference on a chunk of rows: probabilities to `probabilities`, or (where that is 0) losses, added to the sum in the
 * results, and hits.
 *
 * @param column   a column to be read from the rows `permuted` [rows] of `all`; -1: none
 * @returns 1 when stopped
 */
export function inferRows(
  samples: usize, labels: usize, rows: i32, probabilities: usize, column: i32, permuted: usize, all: usize, rowLoss: usize,
  shared: bool,
): i32 {
  net.samples = samples;
  net.labels = labels;
  net.rows = rows;
  net.probabilities = probabilities;
  net.column = column;
  net.permuted = permuted;
  net.order = all;
  net.correct = 0;
  net.stopped = 0;
  if (look(net)) return 1;
  const kept = net.rowLoss;
  net.rowLoss = rowLoss;
  begin(net, INFERENCE, shared);
  infer();
  if (probabilities == 0) store<f64>(net.results, sumRowLosses(load<f64>(net.results), rows));
  store<f64>(net.results, <f64>net.correct, 24);
  net.rowLoss = kept;
  return net.stopped;
}

/** How many helpers took part in the last piece of work; for tests. */
export function helpersAtWork(): i32 {
  return currentCommand(net) & 63;
}

/** Life of a helper thread: waits for work and shares in it, until the thread is ended from outside. */
export function help(): void {
  let seen = currentCommand(net);
  register(net);
  for (;;) {
    seen = awaitCommand(net, seen);
    if (!takesPart(seen)) continue;
    if (net.work == STEP) step();
    else infer();
  }
}
