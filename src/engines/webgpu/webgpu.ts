import { CancelledError, neverCancelled, type CancellationToken } from "../../core/index.js";
import type {
  BatchSums,
  Engine,
  EngineDevice,
  EvaluationSums,
  LoadedSamples,
  Network,
  NetworkSpec,
  PermutedColumn,
  Samples,
  Weights,
} from "../engine.js";
import { refuseFurtherUse } from "../disposed.js";
import { checkWeightShapes, initialWeights } from "../weights.js";
import { openDevice, type GpuDevice } from "./device.js";
import {
  dispatchOf,
  NetworkPlan,
  type BatchBuffers,
  type InferenceSteps,
  type ParameterBuffers,
  type SampleBuffers,
  type TrainingSteps,
} from "./network-plan.js";
import type { AdapterFacts, Handle } from "./protocol.js";
import { lossRows } from "./shaders/loss.js";
import { emptyRecord, type DispatchRecord } from "./shaders/record.js";
import { normParts } from "./shaders/update.js";
import { StepSizes } from "./step-sizes.js";
import { Submissions } from "./submissions.js";

/** Rows that evaluation and prediction push through the network together. */
const inferenceRows = 4096;

/** Samples on the device, and their labels here as well: a batch's sum of class weights is added up here. */
interface GpuSamples extends LoadedSamples, SampleBuffers {
  readonly classes: Uint8Array;
}

/** An epoch under way; `position` is where in the order the next batch begins. */
interface Epoch {
  readonly samples: GpuSamples;
  readonly order: Uint32Array;
  readonly batchSize: number;
  position: number;
}

/** Prediction, and where features go in and probabilities come out. */
interface PredictionSteps extends InferenceSteps {
  readonly features: Handle;
  readonly result: Handle;
}

/** A buffer that grows: what was in it is lost then. */
interface Room {
  buffer: Handle;
  bytes: number;
}

class WebGpuNetwork implements Network {
  readonly spec: NetworkSpec;
  readonly #device: GpuDevice;
  readonly #plan: NetworkPlan;
  readonly #submissions: Submissions;
  readonly #buffers = new Set<Handle>();
  readonly #parameters: ParameterBuffers;
  readonly #steps: StepSizes;
  #batch: BatchBuffers | null = null;
  #order: Room;
  #permutation: Room;
  #masks: Room;
  #sums: Room;
  #epoch: Epoch | null = null;
  #training: (TrainingSteps & { readonly samples: GpuSamples }) | null = null;
  #evaluation: (InferenceSteps & { readonly samples: GpuSamples }) | null = null;
  #prediction: PredictionSteps | null = null;
  #kept: Handle | null = null;

  constructor(spec: NetworkSpec, seed: number, token?: CancellationToken) {
    this.spec = spec;
    const weights = initialWeights(spec, seed, token); // before anything is allocated, as a stop ends it
    const device = openDevice();
    this.#device = device;
    this.#plan = new NetworkPlan(device, spec, seed);
    this.#submissions = new Submissions(device);
    this.#steps = new StepSizes(spec.optimizer);
    const bytes = 4 * this.#plan.parameterCount;
    const [parameters, gradients, state, squares] = this.#allocate([bytes, bytes, 2 * bytes, 4 * normParts]);
    this.#parameters = { parameters, gradients, state, squares };
    const rooms = this.#allocate([16, 16, 16, 16]).map((buffer) => ({ buffer, bytes: 16 }));
    [this.#order, this.#permutation, this.#masks, this.#sums] = rooms;
    this.importWeights(weights);
  }

  #allocate(sizes: readonly number[]): Handle[] {
    const buffers = this.#device.allocate(sizes);
    for (const buffer of buffers) this.#buffers.add(buffer);
    return buffers;
  }

  #free(buffers: readonly Handle[]): void {
    for (const buffer of buffers) this.#buffers.delete(buffer);
    this.#device.free(buffers);
  }

  /** Makes room for at least `bytes`; what was bound to the old place is bound again when it is needed. */
  #grow(room: Room, bytes: number): Room {
    if (bytes <= room.bytes) return room;
    this.#free([room.buffer]);
    this.#unbind();
    const size = Math.max(bytes, 2 * room.bytes);
    return { buffer: this.#allocate([size])[0], bytes: size };
  }

  #unbind(): void {
    for (const bound of [this.#training, this.#evaluation, this.#prediction]) {
      if (bound !== null) this.#device.free([], bound.bindings);
    }
    if (this.#prediction !== null) this.#free([this.#prediction.features, this.#prediction.result]);
    this.#training = null;
    this.#evaluation = null;
    this.#prediction = null;
  }

  /** Makes room for batches of up to `rows`. */
  #reserve(rows: number): BatchBuffers {
    const batch = this.#batch;
    if (batch !== null && rows <= batch.rows) return batch;
    if (batch !== null) this.#free([...batch.inputs, batch.logits, ...batch.slopes, ...batch.deltas]);
    this.#batch = null;
    this.#unbind();
    this.#batch = this.#plan.batchBuffers(rows, this.#allocate(this.#plan.batchSizes(rows)));
    return this.#batch;
  }

  load({ rows, features, labels }: Samples, token = neverCancelled): GpuSamples {
    const [places, classes] = this.#allocate([features.byteLength, rows]);
    this.#device.write(places, features, token);
    this.#device.write(classes, labels, token);
    return { rows, features: places, labels: classes, classes: labels };
  }

  startEpoch(samples: LoadedSamples, order: Uint32Array, batchSize: number): void {
    const size = Math.min(batchSize, order.length);
    this.#reserve(size);
    this.#order = this.#grow(this.#order, order.byteLength);
    this.#device.write(this.#order.buffer, order);
    this.#epoch = { samples: samples as GpuSamples, order, batchSize: size, position: 0 };
  }

  trainBatches(
    count: number,
    learningRate: number,
    token: CancellationToken,
    masks?: readonly (readonly Uint8Array[])[],
  ): BatchSums {
    const epoch = this.#epoch;
    if (epoch === null) throw new Error("trainBatches before startEpoch");
    const { order, batchSize } = epoch;
    const left = Math.ceil((order.length - epoch.position) / batchSize);
    const groups = Math.ceil(batchSize / lossRows);
    this.#sums = this.#grow(this.#sums, Math.min(count, left) * groups * 8);
    if (masks !== undefined) this.#writeMasks(masks);
    const steps = this.#trainingSteps(epoch.samples);
    const totals: number[] = [];
    const sizes: number[] = [];
    let maskAt = 1;
    try {
      for (let position = epoch.position; sizes.length < count && position < order.length;) {
        const rows = Math.min(batchSize, order.length - position);
        const total = this.#weightOf(epoch.samples.classes, order.subarray(position, position + rows));
        const place = { ...emptyRecord, position, rows, total, result: sizes.length * groups };
        const record = { ...place, ...this.#steps.next(learningRate) };
        this.#addBatch(steps, record, masks === undefined ? 0 : maskAt, token);
        this.#submissions.mark();
        this.#steps.advance();
        maskAt += this.spec.hidden.reduce((sum, units) => sum + units * rows, 0);
        sizes.push(rows);
        totals.push(total);
        position += rows;
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    this.#submissions.end();
    return this.#collect(epoch, sizes, totals, groups);
  }

  #addBatch(steps: TrainingSteps, record: DispatchRecord, maskAt: number, token: CancellationToken): void {
    this.#submissions.add(dispatchOf(steps.gather, record), token);
    let mask = maskAt;
    steps.hidden.forEach((step, l) => {
      this.#submissions.add(dispatchOf(step, { ...record, mask }), token);
      if (mask > 0) mask += this.spec.hidden[l] * record.rows;
    });
    for (const step of steps.rest) this.#submissions.add(dispatchOf(step, record), token);
  }

  /** Reads the sums of batches that were handed over, and moves the epoch past those that count. */
  #collect(epoch: Epoch, sizes: readonly number[], totals: readonly number[], groups: number): BatchSums {
    const done = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
    if (sizes.length === 0) return done;
    const sums = this.#device.floats(this.#sums.buffer, sizes.length * groups * 2);
    this.#submissions.drain();
    for (const [batch, rows] of sizes.entries()) {
      let loss = 0;
      for (let group = 0; group < Math.ceil(rows / lossRows); group++) {
        loss += sums[2 * (batch * groups + group)];
        done.correct += sums[2 * (batch * groups + group) + 1];
      }
      done.batches++;
      done.samples += rows;
      done.lossSum += (loss / totals[batch]) * rows;
      // Batches after it were trained by then; their weights are no numbers any more either.
      if (!Number.isFinite(loss)) break;
    }
    epoch.position += done.samples;
    return done;
  }

  #weightOf(classes: Uint8Array, rows: Uint32Array): number {
    const { classWeights } = this.spec;
    if (classWeights === null) return rows.length;
    let total = 0;
    for (let i = 0; i < rows.length; i++) total += classWeights[classes[rows[i]]];
    return total;
  }

  #writeMasks(masks: readonly (readonly Uint8Array[])[]): void {
    const all = Buffer.concat(masks.flat());
    this.#masks = this.#grow(this.#masks, all.length + 4);
    this.#device.write(this.#masks.buffer, all);
  }

  #trainingSteps(samples: GpuSamples): TrainingSteps {
    if (this.#training?.samples === samples) return this.#training;
    if (this.#training !== null) this.#device.free([], this.#training.bindings);
    const batch = this.#reserve(0);
    const [order, masks, sums] = [this.#order.buffer, this.#masks.buffer, this.#sums.buffer];
    const steps = this.#plan.bindTraining(samples, order, masks, batch, this.#parameters, sums);
    this.#training = { ...steps, samples };
    return this.#training;
  }

  evaluate(loaded: LoadedSamples, token: CancellationToken, permuted?: PermutedColumn): EvaluationSums {
    const samples = loaded as GpuSamples;
    const { rows } = samples;
    const batch = this.#reserve(Math.min(rows, inferenceRows));
    this.#sums = this.#grow(this.#sums, Math.ceil(rows / lossRows) * 8);
    if (permuted !== undefined) {
      // An epoch under way keeps its order.
      this.#permutation = this.#grow(this.#permutation, 4 * rows);
      this.#device.write(this.#permutation.buffer, permuted.order, token);
    }
    const chunk = Math.floor(batch.rows / lossRows) * lossRows || batch.rows;
    const { steps } = this.#evaluationSteps(samples, batch);
    for (let from = 0; from < rows; from += chunk) {
      const record = {
        ...emptyRecord,
        position: from,
        rows: Math.min(chunk, rows - from),
        result: from / lossRows,
        permuted: permuted === undefined ? 0 : permuted.column + 1,
      };
      this.#infer(steps, record, token);
    }
    this.#submissions.end();
    const sums = rows === 0 ? [] : this.#device.floats(this.#sums.buffer, 2 * Math.ceil(rows / lossRows));
    this.#submissions.drain();
    let [lossSum, correct] = [0, 0];
    for (let k = 0; k < sums.length; k += 2) {
      lossSum += sums[k];
      correct += sums[k + 1];
    }
    return { samples: rows, lossSum, correct };
  }

  #evaluationSteps(samples: GpuSamples, batch: BatchBuffers): InferenceSteps {
    if (this.#evaluation?.samples === samples) return this.#evaluation;
    if (this.#evaluation !== null) this.#device.free([], this.#evaluation.bindings);
    const { parameters } = this.#parameters;
    const steps = this.#plan.bindEvaluation(
      samples,
      this.#permutation.buffer,
      batch,
      parameters,
      this.#sums.buffer,
    );
    this.#evaluation = { ...steps, samples };
    return this.#evaluation;
  }

  /** @throws CancelledError after which nothing is under way any more */
  #infer(steps: InferenceSteps["steps"], record: DispatchRecord, token: CancellationToken): void {
    try {
      for (const step of steps) this.#submissions.add(dispatchOf(step, record), token);
      this.#submissions.mark();
    } catch (error) {
      this.#submissions.end();
      this.#submissions.drain();
      throw error;
    }
  }

  predict(features: Float32Array, rows: number, token: CancellationToken): Float32Array {
    const { inputs, outputs } = this.spec;
    const all = new Float32Array(rows * outputs);
    const batch = this.#reserve(Math.min(rows, inferenceRows));
    for (let from = 0; from < rows; from += batch.rows) {
      const n = Math.min(batch.rows, rows - from);
      const { steps, features: staging, result } = this.#predictionSteps(batch);
      this.#device.write(staging, features.subarray(from * inputs, (from + n) * inputs), token);
      this.#infer(steps, { ...emptyRecord, rows: n }, token);
      this.#submissions.end();
      all.set(this.#device.floats(result, n * outputs), from * outputs);
      this.#submissions.drain();
    }
    return all;
  }

  #predictionSteps(batch: BatchBuffers): PredictionSteps {
    if (this.#prediction !== null) return this.#prediction;
    const { inputs, outputs } = this.spec;
    const [features, result] = this.#allocate([4 * inputs * batch.rows, 4 * outputs * batch.rows]);
    const steps = this.#plan.bindPrediction(features, batch, this.#parameters.parameters, result);
    this.#prediction = { ...steps, features, result };
    return this.#prediction;
  }

  exportWeights(): Weights {
    return this.#weightsIn(this.#parameters.parameters);
  }

  #weightsIn(buffer: Handle): Weights {
    const all = this.#device.floats(buffer, this.#plan.parameterCount);
    return this.#plan.layers.map(({ inputs, outputs, offset }) => {
      const bias = offset + inputs * outputs;
      return { inputs, outputs, weight: all.slice(offset, bias), bias: all.slice(bias, bias + outputs) };
    });
  }

  keepWeights(): void {
    this.#kept ??= this.#allocate([4 * this.#plan.parameterCount])[0];
    this.#device.copy(this.#parameters.parameters, this.#kept, 4 * this.#plan.parameterCount);
  }

  keptWeights(): Weights | null {
    return this.#kept === null ? null : this.#weightsIn(this.#kept);
  }

  importWeights(weights: Weights): void {
    checkWeightShapes(this.spec, weights);
    const all = new Float32Array(this.#plan.parameterCount);
    this.#plan.layers.forEach(({ inputs, outputs, offset }, l) => {
      all.set(weights[l].weight, offset);
      all.set(weights[l].bias, offset + inputs * outputs);
    });
    this.#device.write(this.#parameters.parameters, all);
    this.#device.clear(this.#parameters.state);
    this.#steps.startAfresh();
  }

  dispose(): void {
    this.#epoch = null;
    this.#unbind();
    this.#free([...this.#buffers]);
    refuseFurtherUse(this);
  }
}

/** An adapter as an engine's device. */
function deviceOf({ description, device, vendor, isSoftware }: AdapterFacts): EngineDevice {
  return {
    type: isSoftware ? "cpu" : "gpu",
    name: description || device || vendor || "a device without a name",
  };
}

/**
 * The network on a GPU by WebGPU. Its arithmetic is the reference's in float32, but a device may fuse a multiplication with an
 * addition and rounds divisions and roots its own way, so its bits are those of one kind of device only.
 */
export const webGpuEngine: Engine = {
  name: "webgpu",
  get device() {
    return deviceOf(openDevice().adapter);
  },
  createNetwork: (spec, seed, token) => new WebGpuNetwork(spec, seed, token),
};
