// Softmax, loss and its gradient in float64, two rows at a time (one in each lane).

import { expPair, logPair, power } from "./math";
import { Net, ROW } from "./memory";

/** Address of the scratch of this thread: float64 pairs, the probabilities of each class. */
let scratch: usize = 0;

/** @param at room for 16 bytes an output */
export function useScratch(at: usize): void {
  scratch = at;
}

/** Logits of class k in two consecutive rows. */
@inline
function logitPair(logits: usize, stride: usize, k: i32): v128 {
  const at = logits + <usize>(k >> 3) * stride + <usize>((k & 7) << 2);
  return f64x2.promote_low_f32x4(v128.load32_lane(at + ROW, v128.load32_zero(at), 1));
}

/** Index of the largest logit, the first on a tie, as i64 lanes; set by `softmaxPair`. */
let best: v128 = i64x2.splat(0);

/** Writes the probabilities of two rows to `scratch`; returns log(sum(exp(z))). */
@inline
function softmaxPair(logits: usize, stride: usize, outputs: i32): v128 {
  let largest = logitPair(logits, stride, 0);
  let index = i64x2.splat(0);
  for (let k = 1; k < outputs; k++) {
    const z = logitPair(logits, stride, k);
    const larger = f64x2.gt(z, largest);
    largest = v128.bitselect(z, largest, larger);
    index = v128.bitselect(i64x2.splat(k), index, larger);
  }
  best = index;
  let sum = f64x2.splat(0);
  let at = scratch;
  for (let k = 0; k < outputs; k++) {
    const e = expPair(f64x2.sub(logitPair(logits, stride, k), largest));
    v128.store(at, e);
    sum = f64x2.add(sum, e);
    at += 16;
  }
  at = scratch;
  for (let k = 0; k < outputs; k++) {
    v128.store(at, f64x2.div(v128.load(at), sum));
    at += 16;
  }
  return f64x2.add(largest, logPair(sum));
}

/** Row of the batch's `i`-th sample. */
@inline
export function sampleOf(net: Net, i: i32): i32 {
  return net.order == 0 ? i : load<u32>(net.order + (<usize>i << 2));
}

@inline
function labelOf(net: Net, i: i32): i32 {
  return i < net.rows ? load<u8>(net.labels + sampleOf(net, i)) : 0;
}

/** d loss / d log p of one sample's class and the loss itself, before the class weight: [value, slope] in `focal`. */
let focalValue: f64 = 0;
let focalSlope: f64 = 0;

function focal(gamma: f64, p: f64, rest: f64, logP: f64): void {
  const factor = power(rest, gamma);
  const inner: f64 = rest == 0 || gamma == 0 ? 0 : gamma * (factor / rest) * p * logP;
  focalValue = -factor * logP;
  focalSlope = inner - factor;
}

@inline
function weightOf(net: Net, label: i32): f64 {
  return net.classWeights == 0 ? 1 : <f64>load<f32>(net.classWeights + (<usize>label << 2));
}

/** Sum of the class weights over the batch, in the order of its rows. */
export function sumWeights(net: Net): f64 {
  if (net.classWeights == 0) return <f64>net.rows;
  let total: f64 = 0;
  for (let i = 0; i < net.rows; i++) total += weightOf(net, labelOf(net, i));
  return total;
}

/**
 * Training loss of rows [from, from + rows) of the batch into `rowLoss`, and d (sum(loss) / total) / d logits into `delta`.
 *
 * @param logits, delta panels `stride` bytes apart, at row `from`
 * @returns hits
 */
export function lossAndGradient(net: Net, logits: usize, delta: usize, stride: usize, from: i32, rows: i32): i32 {
  const outputs = net.outputs;
  const total = f64x2.splat(net.weightTotal);
  let hits = 0;
  for (let i = from; i < from + rows; i += 2) {
    const label0 = labelOf(net, i);
    const label1 = labelOf(net, i + 1);
    const label = i64x2(label0, label1);
    const logSum = softmaxPair(logits, stride, outputs);
    let rest = f64x2.splat(0);
    let p = f64x2.splat(0);
    let z = f64x2.splat(0);
    let at = scratch;
    for (let k = 0; k < outputs; k++) {
      const own = i64x2.eq(label, i64x2.splat(k));
      const pk = v128.load(at);
      rest = f64x2.add(rest, v128.andnot(pk, own));
      p = v128.bitselect(pk, p, own);
      z = v128.bitselect(logitPair(logits, stride, k), z, own);
      at += 16;
    }
    const logP = f64x2.sub(z, logSum);
    let value = f64x2.neg(logP);
    let slope = f64x2.splat(-1);
    if (net.gamma >= 0) {
      focal(net.gamma, f64x2.extract_lane(p, 0), f64x2.extract_lane(rest, 0), f64x2.extract_lane(logP, 0));
      const value0 = focalValue, slope0 = focalSlope;
      focal(net.gamma, f64x2.extract_lane(p, 1), f64x2.extract_lane(rest, 1), f64x2.extract_lane(logP, 1));
      value = f64x2(value0, focalValue);
      slope = f64x2(slope0, focalSlope);
    }
    if (net.classWeights != 0) {
      const weight = f64x2(weightOf(net, label0), weightOf(net, label1));
      value = f64x2.mul(weight, value);
      slope = f64x2.mul(weight, slope);
    }
    const factor = f64x2.div(slope, total);
    at = scratch;
    for (let k = 0; k < outputs; k++) {
      const own = i64x2.eq(label, i64x2.splat(k));
      const g = f32x4.demote_f64x2_zero(
        f64x2.mul(factor, v128.bitselect(rest, f64x2.neg(v128.load(at)), own)),
      );
      const to = delta + <usize>(k >> 3) * stride + <usize>((k & 7) << 2);
      v128.store32_lane(to, g, 0);
      v128.store32_lane(to + ROW, g, 1);
      at += 16;
    }
    v128.store(net.rowLoss + (<usize>i << 3), value);
    const hit = i64x2.eq(best, label);
    hits -= <i32>i64x2.extract_lane(hit, 0);
    if (i + 1 < net.rows) hits -= <i32>i64x2.extract_lane(hit, 1);
    logits += 2 * ROW;
    delta += 2 * ROW;
  }
  return hits;
}

/**
 * Inference on rows [from, from + rows): probabilities where asked for, else cross-entropy into `rowLoss`.
 *
 * @returns hits; 0 with probabilities
 */
export function score(net: Net, logits: usize, stride: usize, from: i32, rows: i32): i32 {
  const outputs = net.outputs;
  let hits = 0;
  for (let i = from; i < from + rows; i += 2) {
    const logSum = softmaxPair(logits, stride, outputs);
    const both = i + 1 < net.rows;
    if (net.probabilities != 0) {
      let to = net.probabilities + <usize>i * (<usize>outputs << 2);
      for (let k = 0; k < outputs; k++) {
        const p = f32x4.demote_f64x2_zero(v128.load(scratch + (<usize>k << 4)));
        v128.store32_lane(to, p, 0);
        if (both) v128.store32_lane(to + (<usize>outputs << 2), p, 1);
        to += 4;
      }
    } else {
      // Inference reads rows as they lie: `order` is for training only.
      const label0 = <i32>load<u8>(net.labels + i);
      const label1 = both ? <i32>load<u8>(net.labels + i + 1) : 0;
      const z = f64x2(
        <f64>load<f32>(logits + <usize>(label0 >> 3) * stride + <usize>((label0 & 7) << 2)),
        <f64>load<f32>(logits + ROW + <usize>(label1 >> 3) * stride + <usize>((label1 & 7) << 2)),
      );
      v128.store(net.rowLoss + (<usize>i << 3), f64x2.sub(logSum, z));
      const hit = i64x2.eq(best, i64x2(label0, label1));
      hits -= <i32>i64x2.extract_lane(hit, 0);
      if (both) hits -= <i32>i64x2.extract_lane(hit, 1);
    }
    logits += 2 * ROW;
  }
  return hits;
}
