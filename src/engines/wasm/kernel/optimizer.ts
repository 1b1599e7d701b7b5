// Updates of parameters, element by element in float32 and in PyTorch's order of operations, as in the reference.

import { Net } from "./memory";
import { worked } from "./threads";

const ADAM: i32 = 0;
const ADAMW: i32 = 1;
const SGD: i32 = 2;

/** Optimizer state too small for float32's full precision is 0, as in the reference; NaN stays. */
@inline
function settled(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1.1754943508222875e-38)));
}

/** What all elements of one update share; float64 where the reference computes in float64. */
export function beginUpdate(net: Net): void {
  if (net.optimizer > ADAMW) return;
  net.power1 *= net.beta1;
  net.power2 *= net.beta2;
  net.stepSize = <f32>(net.learningRate / (1 - net.power1));
  net.correction = <f32>Math.sqrt(1 - net.power2);
  net.shrink = net.optimizer == ADAMW ? <f32>(1 - net.learningRate * net.weightDecay) : 1;
}

/** Updates `bytes` of parameters from their gradients, times `gradientFactor`. */
export function update(net: Net, p: usize, g: usize, first: usize, second: usize, bytes: usize): void {
  const end = p + bytes;
  const factor = f32x4.splat(net.gradientFactor);
  if (net.optimizer <= ADAMW) {
    const keptMean = f32x4.splat(<f32>net.beta1);
    const meanShare = f32x4.splat(<f32>(1 - net.beta1));
    const keptSquare = f32x4.splat(<f32>net.beta2);
    const squareShare = f32x4.splat(<f32>(1 - net.beta2));
    const decay = f32x4.splat(net.optimizer == ADAM ? <f32>net.weightDecay : 0);
    const epsilon = f32x4.splat(<f32>net.epsilon);
    const stepSize = f32x4.splat(net.stepSize);
    const correction = f32x4.splat(net.correction);
    const shrink = f32x4.splat(net.shrink);
    while (p < end) {
      const w = f32x4.mul(v128.load(p), shrink);
      const d = f32x4.add(f32x4.mul(v128.load(g), factor), f32x4.mul(decay, w));
      const m = settled(f32x4.add(f32x4.mul(keptMean, v128.load(first)), f32x4.mul(meanShare, d)));
      const v = settled(
        f32x4.add(f32x4.mul(keptSquare, v128.load(second)), f32x4.mul(f32x4.mul(squareShare, d), d)),
      );
      v128.store(first, m);
      v128.store(second, v);
      const root = f32x4.add(f32x4.div(f32x4.sqrt(v), correction), epsilon);
      v128.store(p, f32x4.sub(w, f32x4.mul(stepSize, f32x4.div(m, root))));
      p += 16;
      g += 16;
      first += 16;
      second += 16;
    }
    return;
  }
  const rate = f32x4.splat(<f32>net.learningRate);
  const decay = f32x4.splat(<f32>net.weightDecay);
  const kept = f32x4.splat(<f32>net.beta1);
  if (net.optimizer == SGD) {
    while (p < end) {
      const w = v128.load(p);
      const d = f32x4.add(f32x4.mul(v128.load(g), factor), f32x4.mul(decay, w));
      const b = settled(f32x4.add(f32x4.mul(kept, v128.load(first)), d));
      v128.store(first, b);
      v128.store(p, f32x4.sub(w, f32x4.mul(rate, b)));
      p += 16;
      g += 16;
      first += 16;
    }
    return;
  }
  const share = f32x4.splat(<f32>(1 - net.beta1));
  const epsilon = f32x4.splat(<f32>net.epsilon);
  while (p < end) {
    const w = v128.load(p);
    const d = f32x4.add(f32x4.mul(v128.load(g), factor), f32x4.mul(decay, w));
    const v = settled(f32x4.add(f32x4.mul(kept, v128.load(first)), f32x4.mul(f32x4.mul(share, d), d)));
    v128.store(first, v);
    v128.store(p, f32x4.sub(w, f32x4.mul(rate, f32x4.div(d, f32x4.add(f32x4.sqrt(v), epsilon)))));
    p += 16;
    g += 16;
    first += 16;
  }
}

/**
 * The factor that clips all gradients together to an L2 norm of `net.clip`; 1: they are within it. One thread computes it, some 2 ms for a
 * million parameters, so it looks at the stop flag; what it returns after a stop is not used.
 */
export function clipFactor(net: Net): f32 {
  let sum: f64 = 0;
  for (let l = 0; l < net.layers; l++) {
    const layer = net.layer(l);
    const panelBytes = layer.panelBytes;
    // In the order of the flat parameters, [output][input] and then the biases: the sum is float64 and its order shows.
    for (let o = 0; o < layer.outputs; o++) {
      let at = layer.gradients + <usize>(o >> 3) * panelBytes + <usize>((o & 7) << 2);
      for (let j = 0; j < layer.inputs; j++, at += 32) {
        const g = <f64>load<f32>(at);
        sum += g * g;
      }
      if (worked(net, layer.inputs * 4)) return 1;
    }
    let at = layer.gradients + layer.weightBytes;
    for (let o = 0; o < layer.outputs; o++, at += 4) {
      const g = <f64>load<f32>(at);
      sum += g * g;
    }
  }
  const factor = <f32>(net.clip / (Math.sqrt(sum) + 1e-6));
  return factor >= 1 ? 1 : factor;
}
