import { neverCancelled } from "../src/core/index.js";
import {
  layerSizes,
  type Engine,
  type LayerWeights,
  type Network,
  type NetworkShape,
  type NetworkSpec,
  type Samples,
  type Weights,
} from "../src/engines/index.js";

/** Mixes all bits of a 32-bit integer (lowbias32); `mix` of bench/pytorch/make_fixtures.py. */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/** Numbers in [0, 1) that depend on stream and index only; `uniform` of make_fixtures.py. */
export function hashUniform(stream: number, count: number): Float64Array {
  const key = mix(stream);
  const uniform = new Float64Array(count);
  for (let i = 0; i < count; i++) uniform[i] = (mix(key ^ i) >>> 0) / 2 ** 32;
  return uniform;
}

/** Weights in PyTorch's range from the hash; `initial_weights` of make_fixtures.py. */
export function hashWeights(shape: NetworkShape): Weights {
  return layerSizes(shape).map(([inputs, outputs], l): LayerWeights => {
    const bound = 1 / Math.sqrt(inputs);
    const draw = (stream: number, count: number): Float32Array =>
      Float32Array.from(hashUniform(stream, count), (u) => (2 * u - 1) * bound);
    return { inputs, outputs, weight: draw(100 + l, inputs * outputs), bias: draw(200 + l, outputs) };
  });
}

/** Features in -1..1 whose first column tells the class by thirds; `make_data` of make_fixtures.py. */
export function hashSamples(rows: number, columns: number): Samples {
  const uniform = hashUniform(300, rows * columns);
  const features = new Float32Array(uniform.length);
  for (let i = 0; i < features.length; i++) features[i] = 2 * uniform[i] - 1;
  const labels = Uint8Array.from({ length: rows }, (_, i) => {
    const first = features[i * columns];
    return first < -1 / 3 ? 0 : first < 1 / 3 ? 1 : 2;
  });
  return { rows, columns, features, labels };
}

/** A network with the hash's weights. */
export function hashNetwork(engine: Engine, spec: NetworkSpec): Network {
  const network = engine.createNetwork(spec, 0);
  network.importWeights(hashWeights(spec));
  return network;
}

/** A small network's specification; tests change what they are about. */
export function smallSpec(changes: Partial<NetworkSpec> = {}): NetworkSpec {
  return {
    inputs: 6,
    hidden: [8, 5],
    outputs: 3,
    activation: "tanh",
    dropout: 0,
    optimizer: { type: "adam", weightDecay: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    loss: { type: "cross_entropy" },
    gradientClip: 0,
    classWeights: null,
    ...changes,
  };
}

/** 0, 1, ..., n - 1. */
export function inOrder(n: number): Uint32Array {
  return Uint32Array.from({ length: n }, (_, i) => i);
}

/** All numbers of some weights in one array: per layer the weight matrix, then the bias. */
export function flatten(weights: Weights): Float32Array {
  return Float32Array.from(weights.flatMap(({ weight, bias }) => [...weight, ...bias]));
}

/**
 * Gradients of the mean loss over one batch at the hash's weights, flattened; clipped when the specification clips.
 *
 * Any engine shows them through one step of plain SGD with the learning rate 2^20: it moves the weights by -2^20 g, against
 * which the weights themselves are small, and dividing by 2^20 is exact.
 */
export function gradientsOf(
  engine: Engine,
  spec: NetworkSpec,
  samples: Samples,
  order: Uint32Array,
  masks?: readonly Uint8Array[],
): Float64Array {
  const network = hashNetwork(engine, { ...spec, optimizer: { type: "sgd", weightDecay: 0, momentum: 0 } });
  const before = flatten(network.exportWeights());
  network.startEpoch(network.load(samples), order, order.length);
  network.trainBatches(1, 2 ** 20, neverCancelled, null, masks && [masks]);
  const after = flatten(network.exportWeights());
  network.dispose();
  return Float64Array.from(before, (weight, i) => (weight - after[i]) / 2 ** 20);
}
