import { hashSamples } from "../test/networks.js";
import type { NetworkSpec, Samples } from "../src/engines/index.js";

/** A training whose size people use: Adam, ReLU, cross-entropy, no dropout. */
export interface Workload {
  readonly name: "W1" | "W2";
  readonly rows: number;
  readonly batchSize: number;
  /** Epochs of a whole training. */
  readonly epochs: number;
  readonly spec: NetworkSpec;
}

function workload(
  name: Workload["name"],
  rows: number,
  inputs: number,
  hidden: readonly number[],
  epochs: number,
): Workload {
  const optimizer = { type: "adam", weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
  const spec: NetworkSpec = {
    inputs,
    hidden,
    outputs: 3,
    activation: "relu",
    dropout: 0,
    optimizer,
    loss: { type: "cross_entropy" },
    gradientClip: 0,
    classWeights: null,
  };
  return { name, rows, batchSize: 32, epochs, spec };
}

/** W1 is the mission's size. */
export const workloads: readonly Workload[] = [
  workload("W1", 2_500, 12, [32, 16], 100),
  workload("W2", 10_000, 60, [64, 32], 20),
];

/** Learning rate of every workload. */
export const learningRate = 0.001;

/** The samples of a workload, the same on every machine. */
export function samplesOf({ rows, spec }: Workload): Samples {
  return hashSamples(rows, spec.inputs);
}

/** Optimizer updates in an epoch. */
export function stepsPerEpoch({ rows, batchSize }: Workload): number {
  return Math.ceil(rows / batchSize);
}

/**
 * Floating-point operations of an epoch's matrix products: forward, weight gradients, and input gradients of all layers
 * but the first; 2 for each multiply and add.
 */
export function flopsPerEpoch({ rows, spec }: Workload): number {
  const units = [spec.inputs, ...spec.hidden, spec.outputs];
  const products = units.slice(1).map((outputs, l) => units[l] * outputs);
  const all = products.reduce((sum, weights) => sum + weights, 0);
  return 2 * rows * (3 * all - products[0]);
}
