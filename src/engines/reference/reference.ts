import {
  CancelledError,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
} from "../../core/index.js";
import { fillDropoutMask } from "../dropout.js";
import type {
  BatchSums,
  Engine,
  EvaluationSums,
  LayerWeights,
  LoadedSamples,
  Network,
  NetworkSpec,
  PermutedColumn,
  Samples,
  Weights,
} from "../engine.js";
import { refuseFurtherUse } from "../disposed.js";
import { checkWeightShapes, initialWeights } from "../weights.js";
import { inWorkBlocks } from "./blocks.js";
import { argmax, lossAndGradient, lossWork, softmax } from "./loss.js";
import { Mlp, type MaskWriter } from "./mlp.js";
import { clipGradients, createOptimizer, type Optimizer } from "./optimizers.js";

/** Rows that `evaluate` and `predict` push through the network together. */
const inferenceRows = 256;

/** An epoch under way; `position` is where in `order` the next batch begins. */
interface Epoch {
  readonly samples: Samples;
  readonly order: Uint32Array;
  readonly batchSize: number;
  position: number;
}

class ReferenceNetwork implements Network {
  readonly spec: NetworkSpec;
  readonly #seed: number;
  readonly #mlp: Mlp;
  #optimizer: Optimizer;
  /** Optimizer updates done. */
  #steps = 0;
  #epoch: Epoch | null = null;
  #kept: Weights | null = null;
  /** The batch at hand: [rows × inputs], [rows]. */
  #input = new Float32Array(0);
  #labels = new Uint8Array(0);

  constructor(spec: NetworkSpec, seed: number, token: CancellationToken = neverCancelled) {
    this.spec = spec;
    this.#seed = seed;
    this.#mlp = new Mlp(spec);
    this.#mlp.reserve(inferenceRows);
    this.#optimizer = createOptimizer(spec.optimizer, this.#mlp.parameters.length);
    this.importWeights(initialWeights(spec, seed, token));
  }

  load(samples: Samples): LoadedSamples {
    return samples; // read where they are
  }

  startEpoch(samples: LoadedSamples, order: Uint32Array, batchSize: number): void {
    const rows = Math.min(batchSize, order.length);
    this.#mlp.reserve(rows);
    if (rows > this.#labels.length) {
      this.#input = new Float32Array(rows * this.spec.inputs);
      this.#labels = new Uint8Array(rows);
    }
    this.#epoch = { samples: samples as Samples, order, batchSize, position: 0 };
  }

  trainBatches(
    count: number,
    learningRate: number,
    token: CancellationToken,
    perBatch: Float64Array | null = null,
    masks?: readonly (readonly Uint8Array[])[],
  ): BatchSums {
    const epoch = this.#epoch;
    if (epoch === null) throw new Error("trainBatches before startEpoch");
    const sums = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
    try {
      while (sums.batches < count && epoch.position < epoch.order.length) {
        const given = masks?.[sums.batches];
        const rows = epoch.order.subarray(epoch.position, epoch.position + epoch.batchSize);
        const { loss, correct } = this.#step(epoch.samples, rows, learningRate, token, given);
        epoch.position += rows.length;
        sums.samples += rows.length;
        sums.lossSum += loss * rows.length;
        sums.correct += correct;
        perBatch?.set([sums.lossSum, sums.correct], 2 * sums.batches);
        sums.batches++;
        if (!Number.isFinite(loss)) break;
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    return sums;
  }

  /** One optimizer update; mean loss and hits of the batch. @throws CancelledError before any weight has changed */
  #step(
    samples: Samples,
    order: Uint32Array,
    learningRate: number,
    token: CancellationToken,
    masks: readonly Uint8Array[] | undefined,
  ): { loss: number; correct: number } {
    const rows = order.length;
    this.#gather(samples, order, token);
    const writeMask: MaskWriter = (mask, layer, from, to) => {
      if (masks !== undefined) mask.set(masks[layer].subarray(from, to), from);
      else fillDropoutMask(mask, from, to, this.spec.dropout, this.#seed, this.#steps, layer);
    };
    const logits = this.#mlp.forward(this.#input, rows, token, writeMask);
    const result = this.#loss(logits, rows, token);
    this.#mlp.backward(this.#input, rows, token);
    throwIfCancelled(token);
    // Nothing stops the update itself, so that it is done whole or not at all.
    const { parameters, gradients } = this.#mlp;
    if (this.spec.gradientClip > 0) clipGradients(gradients, this.spec.gradientClip);
    this.#optimizer.step(parameters, gradients, learningRate);
    this.#steps++;
    return result;
  }

  /** Copies the rows of a batch into `#input` and `#labels`. */
  #gather(samples: Samples, order: Uint32Array, token: CancellationToken): void {
    const { columns, features, labels } = samples;
    inWorkBlocks(order.length, columns, token, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = order[i] * columns;
        for (let j = 0; j < columns; j++) this.#input[i * columns + j] = features[row + j];
        this.#labels[i] = labels[order[i]];
      }
    });
  }

  #loss(logits: Float32Array, rows: number, token: CancellationToken): { loss: number; correct: number } {
    const { outputs, classWeights } = this.spec;
    const labels = this.#labels;
    let total = rows;
    if (classWeights !== null) {
      total = 0;
      for (let i = 0; i < rows; i++) total += classWeights[labels[i]];
    }
    const delta = this.#mlp.logitsDelta;
    let sum = 0;
    let correct = 0;
    inWorkBlocks(rows, outputs * lossWork, token, (from, to) => {
      for (let i = from; i < to; i++) {
        sum += lossAndGradient(logits, i, labels[i], this.spec, total, delta);
        if (argmax(logits, i, outputs) === labels[i]) correct++;
      }
    });
    return { loss: sum / total, correct };
  }

  evaluate(loaded: LoadedSamples, token: CancellationToken, permuted?: PermutedColumn): EvaluationSums {
    const { rows, features: all, labels } = loaded as Samples;
    const features = permuted === undefined ? all : withColumnPermuted(all, this.spec.inputs, permuted);
    const { outputs } = this.spec;
    const p = new Float64Array(outputs);
    let lossSum = 0;
    let correct = 0;
    this.#infer(features, rows, token, (logits, i, row) => {
      lossSum += softmax(logits, row, p) - logits[row * outputs + labels[i]];
      if (argmax(logits, row, outputs) === labels[i]) correct++;
    });
    return { samples: rows, lossSum, correct };
  }

  predict(features: Float32Array, rows: number, token: CancellationToken): Float32Array {
    const { outputs } = this.spec;
    const probabilities = new Float32Array(rows * outputs);
    const p = new Float64Array(outputs);
    this.#infer(features, rows, token, (logits, i, row) => {
      softmax(logits, row, p);
      probabilities.set(p, i * outputs);
    });
    return probabilities;
  }

  /** Calls `visit` with the logits of each sample `i`, which are row `row` of `logits`. */
  #infer(
    features: Float32Array,
    rows: number,
    token: CancellationToken,
    visit: (logits: Float32Array, i: number, row: number) => void,
  ): void {
    const { inputs } = this.spec;
    for (let from = 0; from < rows; from += inferenceRows) {
      const to = Math.min(rows, from + inferenceRows);
      throwIfCancelled(token);
      const logits = this.#mlp.forward(features.subarray(from * inputs, to * inputs), to - from, token, null);
      for (let i = from; i < to; i++) visit(logits, i, i - from);
    }
  }

  exportWeights(): Weights {
    return this.#mlp.layers.map(({ inputs, outputs, weight, bias }): LayerWeights => {
      return { inputs, outputs, weight: weight.slice(), bias: bias.slice() };
    });
  }

  keepWeights(): void {
    this.#kept = this.exportWeights();
  }

  keptWeights(): Weights | null {
    return this.#kept;
  }

  importWeights(weights: Weights): void {
    checkWeightShapes(this.spec, weights);
    this.#mlp.layers.forEach((layer, l) => {
      layer.weight.set(weights[l].weight);
      layer.bias.set(weights[l].bias);
    });
    this.#optimizer = createOptimizer(this.spec.optimizer, this.#mlp.parameters.length);
    this.#steps = 0;
  }

  dispose(): void {
    this.#epoch = null; // memory goes with the object
    refuseFurtherUse(this);
  }
}

/** A copy of [rows × columns] with one column taken from other rows. */
function withColumnPermuted(
  features: Float32Array,
  columns: number,
  { column, order }: PermutedColumn,
): Float32Array {
  const copy = features.slice();
  order.forEach((other, i) => {
    copy[i * columns + column] = features[other * columns + column];
  });
  return copy;
}

/**
 * The definition of correct: plain float32 TypeScript in PyTorch's order of operations, the same bits on every machine.
 * Products, optimizers and activations are rounded to float32 at each operation; the loss is computed in float64.
 */
export const referenceEngine: Engine = {
  name: "reference",
  createNetwork: (spec, seed, token) => new ReferenceNetwork(spec, seed, token),
};
