import type { CancellationToken } from "../core/index.js";

/** Activation of the hidden layers. */
export const activations = ["relu", "leaky_relu", "tanh", "sigmoid"] as const;

/** Name of a hidden layer's activation; leaky ReLU has slope 0.01. */
export type Activation = (typeof activations)[number];

/** An optimizer and its constants, named as in PyTorch. */
export type OptimizerSpec =
  | {
      readonly type: "adam" | "adamw";
      readonly weightDecay: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    }
  | { readonly type: "sgd"; readonly weightDecay: number; readonly momentum: number }
  | {
      readonly type: "rmsprop";
      readonly weightDecay: number;
      readonly alpha: number;
      readonly epsilon: number;
    };

/**
 * Mean cross-entropy of the logits, or focal loss (Lin et al. 2017): -(1 - p)^gamma log p of the true class. With class
 * weights w either is PyTorch's weighted mean over a batch, sum(w * loss) / sum(w).
 */
export type LossSpec =
  { readonly type: "cross_entropy" } | { readonly type: "focal"; readonly gamma: number };

/** Everything that fixes a network's arithmetic besides weights and data. */
export interface NetworkSpec {
  readonly inputs: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
  readonly activation: Activation;
  /** Probability that a hidden unit is dropped in training, 0 <= p < 1. */
  readonly dropout: number;
  readonly optimizer: OptimizerSpec;
  readonly loss: LossSpec;
  /** L2 norm to which all gradients together are clipped; 0 is off. */
  readonly gradientClip: number;
  /** [outputs], weights of the classes in the training loss; null for none. */
  readonly classWeights: Float32Array | null;
}

/** Weights of one linear layer, as in PyTorch: y = W x + b. */
export interface LayerWeights {
  readonly outputs: number;
  readonly inputs: number;
  /** [outputs × inputs], row-major. */
  readonly weight: Float32Array;
  /** [outputs]. */
  readonly bias: Float32Array;
}

/**
 * Batches between two looks of an engine at the token, at most. The engines here look at every batch, which costs 3 to 15 ns,
 * so one call may cover as many batches as lie between two reports.
 */
export const CANCELLATION_CHECK_FREQUENCY = 5;

/** Layers from the inputs to the logits. */
export type Weights = readonly LayerWeights[];

/** Rows of features, float32 row-major [rows × columns], with one class index per row. */
export interface Samples {
  readonly rows: number;
  readonly columns: number;
  readonly features: Float32Array;
  /** [rows], 0..outputs-1. */
  readonly labels: Uint8Array;
}

/** Samples that live in the engine's memory; given back to the network that loaded them. */
export interface LoadedSamples {
  readonly rows: number;
}

/** Running sums over the batches of one call. */
export interface BatchSums {
  /**
   * Batches done. Fewer than asked for when the epoch ended, when the token was cancelled (the batch under way is given
   * up, its weights untouched), or after a batch whose loss is not finite, which is the last one counted.
   */
  readonly batches: number;
  readonly samples: number;
  /** Sum over samples of the training loss (class-weighted as PyTorch does: batch mean times batch size). */
  readonly lossSum: number;
  readonly correct: number;
}

/** A column that is read from other rows: row i has the value of row `order[i]`. */
export interface PermutedColumn {
  readonly column: number;
  /** [rows] */
  readonly order: Uint32Array;
}

/** Unweighted, dropout off. */
export interface EvaluationSums {
  readonly samples: number;
  /** Sum over samples of the cross-entropy. */
  readonly lossSum: number;
  readonly correct: number;
}

/**
 * A network inside an engine. Data are loaded once and stay there; one call covers many batches. All methods are
 * synchronous; a long call looks at the token at every batch and between row blocks.
 */
export interface Network {
  readonly spec: NetworkSpec;
  /**
   * Brings samples into the engine; their arrays must not change afterwards, as an engine need not copy them.
   *
   * @param token looked at while many are copied; default: nobody cancels
   * @throws CancelledError
   */
  load(samples: Samples, token?: CancellationToken): LoadedSamples;
  /**
   * Starts an epoch over loaded samples: `order` [rows] lists row indices in the order of visit; consecutive
   * `batchSize` of them form a batch, the last may be shorter. `order` must not change until the epoch is over.
   */
  startEpoch(samples: LoadedSamples, order: Uint32Array, batchSize: number): void;
  /**
   * Advances up to `count` batches of the epoch at the given learning rate.
   *
   * @param perBatch [2 × count or more], filled for each batch that was done with the call's `lossSum` and `correct` as they were after it
   * @param masks    dropout masks for tests: per batch, per hidden layer, [rows × units] of 0 or 1; else the engine's own
   */
  trainBatches(
    count: number,
    learningRate: number,
    token: CancellationToken,
    perBatch?: Float64Array | null,
    masks?: readonly (readonly Uint8Array[])[],
  ): BatchSums;
  /** Loss and hits over loaded samples with dropout off, one column permuted if asked for. @throws CancelledError */
  evaluate(samples: LoadedSamples, token: CancellationToken, permuted?: PermutedColumn): EvaluationSums;
  /** Class probabilities, [rows × outputs], dropout off. @throws CancelledError */
  predict(features: Float32Array, rows: number, token: CancellationToken): Float32Array;
  /** A copy of the weights. */
  exportWeights(): Weights;
  /** Remembers the weights as they are, in place of those remembered before. */
  keepWeights(): void;
  /** A copy of the weights that were remembered last; null when there are none. */
  keptWeights(): Weights | null;
  /**
   * Replaces the weights; optimizer state and the count of steps (for dropout) start afresh.
   *
   * @param token looked at while many are copied; a network whose import was cancelled is of no use
   * @throws WeightShapesError, CancelledError
   */
  importWeights(weights: Weights, token?: CancellationToken): void;
  /** Frees the engine's memory. */
  dispose(): void;
}

/** What one of several networks is asked to do next. */
export interface BatchRequest {
  readonly network: Network;
  readonly count: number;
  readonly learningRate: number;
  /** As for `trainBatches`. */
  readonly perBatch?: Float64Array | null;
}

/** What an engine's arithmetic runs on, where that is not simply this machine's processors. */
export interface EngineDevice {
  /** `gpu` for hardware only: a processor that plays a GPU is a `cpu`. */
  readonly type: "cpu" | "gpu";
  readonly name: string;
}

/**
 * Many networks of one shape at once: seeds, folds, variants of one strategy. Each is a `Network` like any other, with the bits that
 * `createNetwork(spec, seed)` and its own calls would give, whatever the others do. Disposing one leaves the others as they are.
 */
export interface Together {
  /**
   * One network for each seed.
   *
   * @param token looked at while weights are drawn and copied; default: nobody cancels
   * @throws CancelledError
   */
  createNetworks(spec: NetworkSpec, seeds: readonly number[], token?: CancellationToken): Network[];
  /**
   * Brings samples into the engine once; any of these networks can use what is returned as if it had loaded it. They stay until the last of
   * these networks is disposed of.
   *
   * @throws CancelledError
   */
  load(networks: readonly Network[], samples: Samples, token?: CancellationToken): LoadedSamples;
  /**
   * `trainBatches` of several networks, in common submissions where it can; each at most once. A stop ends all of them, each
   * after a whole batch; a loss that is not finite ends its own network's part only.
   *
   * @returns sums in the order of the requests
   */
  trainBatches(requests: readonly BatchRequest[], token: CancellationToken): BatchSums[];
  /** `evaluate` of several networks over the same samples; sums in their order. @throws CancelledError */
  evaluate(networks: readonly Network[], samples: LoadedSamples, token: CancellationToken): EvaluationSums[];
}

/** Where the arithmetic runs. */
export interface Engine {
  readonly name: string;
  /** Absent for engines that run on processors. Reading it may open the device. */
  readonly device?: EngineDevice;
  /**
   * A network with PyTorch's default initialisation (uniform ±1/sqrt(inputs)) from the seed's "weights" stream.
   *
   * @param token looked at while weights are drawn and copied; default: nobody cancels
   * @throws CancelledError
   */
  createNetwork(spec: NetworkSpec, seed: number, token?: CancellationToken): Network;
  /** Of engines that advance many networks at once faster than one after the other. */
  readonly together?: Together;
}
