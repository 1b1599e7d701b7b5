import { hashSamples } from "../test/networks.js";
import type { NetworkSpec, Samples } from "../src/engines/index.js";

/** A training whose size people use: Adam, ReLU, cross-entropy, no dropout. */
export interface Workload {
  readonly name: "W1" | "W2" | "W3";
  readonly rows: number;
  readonly batchSize: number;
  /** Epochs of a whole training. */
  readonly epochs: number;
  readonly spec: NetworkSpec;
}

function workload<Name extends Workload["name"]>(
  name: Name,
  rows: number,
  inputs: number,
  hidden: readonly number[],
  batchSize: number,
  epochs: number,
): Workload & { readonly name: Name } {
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
  return { name, rows, batchSize, epochs, spec };
}

/** The mission's size. */
export const w1 = workload("W1", 2_500, 12, [32, 16], 32, 100);
/** A larger strategy; its network is also that of W4, a forward pass over 200,000 rows. */
export const w2 = workload("W2", 10_000, 60, [64, 32], 32, 20);
/** Larger than people use: the products decide. */
export const w3 = workload("W3", 200_000, 200, [512, 256, 128], 1024, 1);

/** The sizes that people use. */
export const workloads: readonly (Workload & { readonly name: "W1" | "W2" })[] = [w1, w2];

/** Rows of W4. */
export const w4Rows = 200_000;

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

/** Multiply-adds of a forward pass of one row. */
export function forwardWork({ inputs, hidden, outputs }: NetworkSpec): number {
  const units = [inputs, ...hidden, outputs];
  return units.slice(1).reduce((sum, unitsOut, l) => sum + units[l] * unitsOut, 0);
}

/**
 * Floating-point operations of an epoch's matrix products: forward, weight gradients, and input gradients of all layers
 * but the first; 2 for each multiply and add.
 */
export function flopsPerEpoch({ rows, spec }: Workload): number {
  const first = spec.inputs * (spec.hidden[0] ?? spec.outputs);
  return 2 * rows * (3 * forwardWork(spec) - first);
}
