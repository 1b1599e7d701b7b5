import type { Worker } from "node:worker_threads";
import {
  CancelledError,
  fractions,
  neverCancelled,
  throwIfCancelled,
  type BlockToken,
  type CancellationToken,
} from "../../core/index.js";
import { refuseFurtherUse } from "../disposed.js";
import { dropoutKey } from "../dropout.js";
import type {
  BatchSums,
  Engine,
  EvaluationSums,
  LoadedSamples,
  Network,
  NetworkSpec,
  PermutedColumn,
  Samples,
  Weights,
} from "../engine.js";
import { activations } from "../engine.js";
import { checkWeightShapes, initialWeights, layerSizes, parameterCount } from "../weights.js";
import { Arena } from "./arena.js";
import { startHelper, type ThreadPlaces } from "./helpers.js";
import { flagReader, instantiate, kernelModule, type Kernel, type KernelBuild } from "./module.js";
import { layerFloats, readLayer, turnedFloats, writeLayer, type LayerPlace } from "./parameters.js";

/** Rows of one call of the kernel for inference, and of the buffers that it needs. */
const chunkRows = 4096;

/**
 * Multiply-adds of one forward pass of a batch from which threads share it. Threads meet four
 * times in a step; below this a step takes under 1 ms, and what sharing it would gain has not been measured.
 */
const sharedBatchWork = 8e6;

/** Multiply-adds of one inference from which helper threads are started for it: starting one takes some 30 ms. */
const sharedInferenceWork = 5e8;

/** The kernel counts helpers in 6 bits of a command. */
const mostThreads = 64;

/** Numbers copied between two looks at the token: 2 MB of memory that is touched for the first time take some 1 ms. */
const floatsPerCheck = 1 << 19;

/** Samples in the kernel's memory. */
interface WasmSamples extends LoadedSamples {
  /** [rows × inputs], row-major. */
  readonly features: number;
  /** [rows] bytes. */
  readonly labels: number;
}

/** An epoch under way; `position` is where in the order the next batch begins. */
interface Epoch {
  readonly samples: WasmSamples;
  readonly rows: number;
  readonly batchSize: number;
  position: number;
}

/** What an inference is asked for, as addresses, and the column that it reads from the rows `permuted` of `all`. */
interface Inquiry {
  readonly labels?: number;
  readonly probabilities?: number;
  readonly column?: number;
  readonly permuted?: number;
  readonly all?: number;
}

class WasmNetwork implements Network {
  readonly spec: NetworkSpec;
  readonly #module: WebAssembly.Module;
  readonly #threads: number;
  readonly #arena = new Arena();
  /** Bound to the token that was given last: it is asked at every batch. */
  #kernel: Kernel;
  readonly #layers: readonly LayerPlace[];
  readonly #description: number;
  readonly #fractions: number;
  /** Optimizer state, two numbers a parameter. */
  readonly #state: { readonly address: number; readonly floats: number };
  readonly #results: Float64Array;
  readonly #parameters: { readonly address: number; readonly bytes: number };
  /** Weights and biases, without the places that pad panels. */
  readonly #parameterCount: number;
  readonly #helpers: Worker[] = [];
  readonly #own: ThreadPlaces;
  #token: CancellationToken = neverCancelled;
  #epoch: Epoch | null = null;
  #batchRows = 0;
  #order = { address: 0, rows: 0 };
  #masks = { address: 0, bytes: 0 };
  #perBatch: Float64Array = new Float64Array();
  #inference: Inference | null = null;
  #kept: number | null = null;

  constructor(
    spec: NetworkSpec,
    seed: number,
    build: KernelBuild,
    threads: number,
    token: CancellationToken = neverCancelled,
  ) {
    this.spec = spec;
    this.#threads = Math.min(threads, mostThreads);
    this.#module = kernelModule(build);
    const arena = this.#arena;
    this.#kernel = instantiate(this.#module, arena.memory, () => false);
    this.#description = arena.allocate(this.#kernel.descriptionBytes());
    this.#fractions = arena.allocate(fractions.byteLength);
    arena.doubles(this.#fractions, fractions.length).set(fractions);
    this.#own = this.#places();
    this.#bind();
    this.#parameterCount = parameterCount(spec);

    const sizes = layerSizes(spec);
    const floats = sizes.reduce((sum, [inputs, outputs]) => sum + layerFloats(inputs, outputs), 0);
    const [parameters, gradients] = [arena.allocate(4 * floats), arena.allocate(4 * floats)];
    this.#parameters = { address: parameters, bytes: 4 * floats };
    this.#state = { address: arena.allocate(8 * floats), floats: 2 * floats };
    let offset = 0;
    this.#layers = sizes.map(([inputs, outputs], l) => {
      const address = parameters + offset;
      const [first, second] = [this.#state.address + offset, this.#state.address + 4 * floats + offset];
      const turned = l === 0 ? 0 : arena.allocate(4 * turnedFloats(inputs, outputs));
      this.#kernel.describeLayer(l, inputs, outputs, address, gradients + offset, first, second, turned);
      offset += 4 * layerFloats(inputs, outputs);
      return { inputs, outputs, address };
    });
    const results = arena.allocate(4 * 8);
    this.#describe(seed, results);
    this.#results = arena.doubles(results, 4);
    this.importWeights(initialWeights(spec, seed, token), token);
  }

  /** Gives the kernel this thread's places in memory. */
  #bind(): void {
    const { description, fractions, scratch, buffers, widest } = this.#own;
    this.#kernel.bind(description, fractions, scratch, buffers, widest);
  }

  /** A kernel that asks this token. All else of a network lies in memory, so another instance takes over at once. */
  #ask(token: CancellationToken): void {
    if (token === this.#token) return;
    this.#token = token;
    const block = (token as Partial<BlockToken>).memory;
    const isStopped = block === undefined ? () => token.isCancelled : flagReader(block);
    this.#kernel = instantiate(this.#module, this.#arena.memory, isStopped);
    this.#bind();
  }

  /** Places for one more thread. */
  #places(): ThreadPlaces {
    const widest = Math.max(this.spec.inputs, ...this.spec.hidden, this.spec.outputs);
    return {
      description: this.#description,
      fractions: this.#fractions,
      scratch: this.#arena.allocate(16 * this.spec.outputs),
      buffers: this.#arena.allocate(2 * this.#kernel.blockBytes(widest)),
      widest,
    };
  }

  #describe(seed: number, results: number): void {
    const { spec } = this;
    const { inputs, hidden, outputs, activation, dropout, classWeights, loss, gradientClip } = spec;
    let weights = 0;
    if (classWeights !== null) {
      weights = this.#arena.allocate(4 * outputs);
      this.#arena.floats(weights, outputs).set(classWeights);
    }
    this.#kernel.describe(
      hidden.length + 1,
      inputs,
      outputs,
      activations.indexOf(activation),
      Math.ceil(dropout * 4294967296) - 1,
      dropout > 0 ? 1 / (1 - dropout) : 0,
      dropoutKey(seed),
      weights,
      loss.type === "focal" ? loss.gamma : -1,
      gradientClip,
      results,
    );
    const { optimizer: o } = spec;
    const place = ["adam", "adamw", "sgd", "rmsprop"].indexOf(o.type);
    const beta1 = o.type === "sgd" ? o.momentum : o.type === "rmsprop" ? o.alpha : o.beta1;
    const beta2 = "beta2" in o ? o.beta2 : 0;
    this.#kernel.describeOptimizer(place, o.weightDecay, beta1, beta2, "epsilon" in o ? o.epsilon : 0);
  }

  load({ rows, features, labels }: Samples, token = neverCancelled): WasmSamples {
    const places = {
      rows,
      features: this.#arena.allocate(features.byteLength),
      labels: this.#arena.allocate(rows),
    };
    for (let from = 0; from < features.length; from += floatsPerCheck) {
      throwIfCancelled(token);
      const block = features.subarray(from, from + floatsPerCheck);
      this.#arena.floats(places.features + 4 * from, block.length).set(block);
    }
    this.#arena.bytes(places.labels, rows).set(labels);
    return places;
  }

  startEpoch(samples: LoadedSamples, order: Uint32Array, batchSize: number): void {
    this.#reserve(Math.min(batchSize, order.length));
    if (order.length > this.#order.rows) {
      this.#order = { address: this.#arena.allocate(4 * order.length), rows: order.length };
    }
    this.#arena.integers(this.#order.address, order.length).set(order);
    // The kernel counts rows in 32 bits with sign; a batch is never longer than the order.
    const rows = order.length;
    this.#epoch = {
      samples: samples as WasmSamples,
      rows,
      batchSize: Math.min(batchSize, rows),
      position: 0,
    };
  }

  /** Makes room for batches of up to `rows`. */
  #reserve(rows: number): void {
    if (rows <= this.#batchRows) return;
    const { spec } = this;
    const stride = this.#kernel.panelStride(rows);
    const panels = (columns: number): number => this.#arena.allocate(Math.ceil(columns / 8) * stride);
    this.#kernel.describeBatch(panels(spec.inputs), stride, this.#arena.allocate(8 * (rows + 1)));
    this.#layers.forEach(({ outputs }, l) => {
      const hidden = l < spec.hidden.length;
      // ReLU's slope is told by its value.
      const slope = hidden && spec.activation !== "relu" ? panels(outputs) : 0;
      this.#kernel.describeLayerBatch(l, panels(outputs), slope, panels(outputs));
    });
    this.#batchRows = rows; // only now: where memory ran out, the next call has to ask for it again
    if (rows * this.#parameterCount >= sharedBatchWork) this.#startHelpers();
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
    if (masks !== undefined) return this.#trainMasked(epoch, count, learningRate, token, perBatch, masks);
    return this.#train(epoch, count, learningRate, token, perBatch, 0);
  }

  #train(
    epoch: Epoch,
    count: number,
    learningRate: number,
    token: CancellationToken,
    perBatch: Float64Array | null,
    masks: number,
  ): BatchSums {
    const { samples, batchSize, position } = epoch;
    this.#ask(token);
    if (perBatch !== null)
      this.#makeRoom(perBatch, Math.min(count, Math.ceil((epoch.rows - position) / batchSize)));
    this.#kernel.trainBatches(
      samples.features,
      samples.labels,
      this.#order.address + 4 * position,
      epoch.rows - position,
      batchSize,
      Math.min(count, 0x7fffffff),
      learningRate,
      masks,
      perBatch === null ? 0 : this.#perBatch.byteOffset,
      this.#helpers.length,
    );
    // Indexed: taking it apart would go through the array's iterator, 100 ns a call.
    const results = this.#results;
    const samplesDone = results[2];
    epoch.position += samplesDone;
    if (perBatch !== null) perBatch.set(this.#perBatch.subarray(0, 2 * results[1]));
    return { batches: results[1], samples: samplesDone, lossSum: results[0], correct: results[3] };
  }

  #makeRoom({ length }: Float64Array, batches: number): void {
    if (length < 2 * batches) throw new Error(`room for ${length} numbers of ${batches} batches`);
    if (length <= this.#perBatch.length) return;
    this.#perBatch = this.#arena.doubles(this.#arena.allocate(8 * length), length);
  }

  /** One call of the kernel for each batch, with its masks. */
  #trainMasked(
    epoch: Epoch,
    count: number,
    learningRate: number,
    token: CancellationToken,
    perBatch: Float64Array | null,
    masks: readonly (readonly Uint8Array[])[],
  ): BatchSums {
    const sums = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
    for (let batch = 0; batch < count && epoch.position < epoch.rows; batch++) {
      const bytes = masks[batch].reduce((sum, mask) => sum + mask.length, 0);
      if (bytes > this.#masks.bytes) this.#masks = { address: this.#arena.allocate(bytes), bytes };
      let at = this.#masks.address;
      for (const mask of masks[batch]) {
        this.#arena.bytes(at, mask.length).set(mask);
        at += mask.length;
      }
      const done = this.#train(epoch, 1, learningRate, token, null, this.#masks.address);
      sums.batches += done.batches;
      sums.samples += done.samples;
      sums.lossSum += done.lossSum;
      sums.correct += done.correct;
      perBatch?.set([sums.lossSum, sums.correct], 2 * batch);
      if (done.batches === 0 || !Number.isFinite(done.lossSum)) break;
    }
    return sums;
  }

  evaluate(loaded: LoadedSamples, token: CancellationToken, permuted?: PermutedColumn): EvaluationSums {
    const { rows, features, labels } = loaded as WasmSamples;
    const place = this.#inferencePlace(rows);
    let order = 0;
    if (permuted !== undefined) {
      order = place.permuted(rows);
      this.#arena.integers(order, rows).set(permuted.order);
    }
    let correct = 0;
    this.#results[0] = 0;
    for (let from = 0; from < rows; from += chunkRows) {
      this.#infer(token, features + 4 * this.spec.inputs * from, Math.min(chunkRows, rows - from), {
        labels: labels + from,
        ...(permuted && { column: permuted.column, permuted: order + 4 * from, all: features }),
      });
      correct += this.#results[3];
    }
    return { samples: rows, lossSum: this.#results[0], correct };
  }

  predict(features: Float32Array, rows: number, token: CancellationToken): Float32Array {
    const { inputs, outputs } = this.spec;
    const place = this.#inferencePlace(rows);
    const { staging, probabilities } = place.staging();
    const result = new Float32Array(rows * outputs);
    for (let from = 0; from < rows; from += chunkRows) {
      const n = Math.min(chunkRows, rows - from);
      this.#arena.floats(staging, n * inputs).set(features.subarray(from * inputs, (from + n) * inputs));
      this.#infer(token, staging, n, { probabilities });
      result.set(this.#arena.floats(probabilities, n * outputs), from * outputs);
    }
    return result;
  }

  #inferencePlace(rows: number): Inference {
    if (rows * this.#parameterCount >= sharedInferenceWork) this.#startHelpers();
    return (this.#inference ??= new Inference(this.#arena, this.spec));
  }

  /** A chunk of rows that lie at `samples`: their losses by `labels`, or their `probabilities`. @throws CancelledError */
  #infer(token: CancellationToken, samples: number, rows: number, what: Inquiry): void {
    this.#ask(token);
    const shared = rows * this.#parameterCount >= sharedBatchWork ? this.#helpers.length : 0;
    const { labels = 0, probabilities = 0, column = -1, permuted = 0, all = 0 } = what;
    const { rowLoss } = this.#inference as Inference;
    const kernel = this.#kernel;
    if (kernel.inferRows(samples, labels, rows, probabilities, column, permuted, all, rowLoss, shared) !== 0)
      throw new CancelledError();
  }

  #startHelpers(): void {
    while (this.#helpers.length < this.#threads - 1) {
      this.#helpers.push(
        startHelper({ module: this.#module, memory: this.#arena.memory, ...this.#places() }),
      );
    }
  }

  exportWeights(): Weights {
    return this.#layers.map((place) => readLayer(this.#arena, place));
  }

  keepWeights(): void {
    const { address, bytes } = this.#parameters;
    this.#kept ??= this.#arena.allocate(bytes);
    this.#arena.bytes(this.#kept, bytes).set(this.#arena.bytes(address, bytes));
  }

  keptWeights(): Weights | null {
    const kept = this.#kept;
    if (kept === null) return null;
    const moved = kept - this.#parameters.address;
    return this.#layers.map((place) => readLayer(this.#arena, { ...place, address: place.address + moved }));
  }

  importWeights(weights: Weights, token: CancellationToken = neverCancelled): void {
    checkWeightShapes(this.spec, weights);
    this.#layers.forEach((place, l) => writeLayer(this.#arena, place, weights[l], token));
    this.#arena.floats(this.#state.address, this.#state.floats).fill(0);
    this.#kernel.startAfresh();
  }

  dispose(): void {
    this.#epoch = null;
    for (const helper of this.#helpers) void helper.terminate();
    this.#helpers.length = 0;
    refuseFurtherUse(this);
  }
}

/** Buffers for inference, made when they are first needed. */
class Inference {
  readonly rowLoss: number;
  readonly #arena: Arena;
  readonly #spec: NetworkSpec;
  #permuted = { address: 0, rows: 0 };
  #staging: { staging: number; probabilities: number } | null = null;

  constructor(arena: Arena, spec: NetworkSpec) {
    this.#arena = arena;
    this.#spec = spec;
    this.rowLoss = arena.allocate(8 * (chunkRows + 1));
  }

  /** Room for an order of `rows`. */
  permuted(rows: number): number {
    if (rows > this.#permuted.rows) {
      this.#permuted = { address: this.#arena.allocate(4 * rows), rows };
    }
    return this.#permuted.address;
  }

  /** Room for a chunk of rows and their probabilities. */
  staging(): { staging: number; probabilities: number } {
    const { inputs, outputs } = this.#spec;
    return (this.#staging ??= {
      staging: this.#arena.allocate(4 * inputs * chunkRows),
      probabilities: this.#arena.allocate(4 * outputs * chunkRows),
    });
  }
}

/**
 * The engine to use: the reference's arithmetic, to the bit, in WebAssembly SIMD. Large batches are shared by threads; no
 * result depends on their number.
 *
 * @param threads threads of one network, this one included; more than 64 count as 64
 */
export function wasmEngine(threads = 1): Engine {
  return {
    name: "wasm",
    createNetwork: (spec, seed, token) => new WasmNetwork(spec, seed, "kernel", threads, token),
  };
}

/**
 * The same with fused multiply-adds where the processor has them: faster, but the bits differ between kinds of processors
 * and from the reference, so it is used only when asked for by name.
 */
export function relaxedWasmEngine(threads = 1): Engine {
  return {
    name: "wasm-relaxed",
    createNetwork: (spec, seed, token) => new WasmNetwork(spec, seed, "kernel-relaxed", threads, token),
  };
}
