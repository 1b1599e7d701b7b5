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
  Together,
  Weights,
} from "../engine.js";
import { refuseFurtherUse } from "../disposed.js";
import { dropoutKey } from "../dropout.js";
import { checkWeightShapes, initialWeights, parameterCount } from "../weights.js";
import { openDevice, type GpuDevice } from "./device.js";
import {
  dispatchOf,
  NetworkPlan,
  type BatchBuffers,
  type InferenceSteps,
  type TrainingSteps,
} from "./network-plan.js";
import { NetworkGroup, sumsOf, type GpuSamples, type Member } from "./network-group.js";
import type { AdapterFacts, Handle } from "./protocol.js";
import { Room } from "./room.js";
import { lossRows } from "./shaders/loss.js";
import { emptyRecord, type DispatchRecord } from "./shaders/record.js";
import { normParts } from "./shaders/update.js";
import { stepSizes } from "./step-sizes.js";

/** Rows that evaluation and prediction push through the network together. */
const inferenceRows = 4096;

/** Prediction, and where features go in and probabilities come out. */
interface PredictionSteps extends InferenceSteps {
  readonly features: Handle;
  readonly result: Handle;
}

/** Sum of the class weights of some rows; their number without weights. */
function totalWeight(classWeights: Float32Array | null, classes: Uint8Array, rows: Uint32Array): number {
  if (classWeights === null) return rows.length;
  let total = 0;
  for (let i = 0; i < rows.length; i++) total += classWeights[classes[rows[i]]];
  return total;
}

class WebGpuNetwork implements Network {
  readonly spec: NetworkSpec;
  readonly group: NetworkGroup;
  readonly member: Member;
  readonly #device: GpuDevice;
  readonly #plan: NetworkPlan;
  readonly #buffers = new Set<Handle>();
  readonly #samples = new Set<GpuSamples>();
  readonly #order: Room;
  readonly #permutation: Room;
  readonly #masks: Room;
  readonly #sums: Room;
  #batch: BatchBuffers | null = null;
  #squares: Handle | null = null;
  #training: (TrainingSteps & { readonly samples: GpuSamples }) | null = null;
  #evaluation: (InferenceSteps & { readonly samples: GpuSamples }) | null = null;
  #prediction: PredictionSteps | null = null;
  #hasKept = false;
  #isDisposed = false;

  constructor(group: NetworkGroup, slot: number, seed: number, weights: Weights) {
    const { device, spec } = group;
    this.spec = spec;
    this.group = group;
    const dropKey = dropoutKey(seed) >>> 0;
    this.member = { slot, dropKey, step: 0, epoch: null };
    this.#device = device;
    this.#plan = new NetworkPlan(device, spec, slot, dropKey);
    this.#order = new Room(device);
    this.#permutation = new Room(device);
    this.#masks = new Room(device);
    this.#sums = new Room(device);
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
  #grow(room: Room, bytes: number): void {
    if (room.grow(bytes)) this.#unbind();
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

  load(samples: Samples, token = neverCancelled): GpuSamples {
    return loadFor([this], samples, token);
  }

  /** Notes that these samples are there as long as this network is. */
  uses(samples: GpuSamples): void {
    this.#samples.add(samples);
  }

  startEpoch(loaded: LoadedSamples, order: Uint32Array, batchSize: number): void {
    const samples = loaded as GpuSamples;
    const size = Math.max(1, Math.min(batchSize, order.length));
    if (this.group.planFor(size) !== null) this.group.startEpoch(this.member, order);
    else {
      this.#reserve(size);
      this.#grow(this.#order, order.byteLength);
      this.#device.write(this.#order.buffer, order);
    }
    this.member.epoch = { samples, order, batchSize: size, position: 0 };
  }

  trainBatches(
    count: number,
    learningRate: number,
    token: CancellationToken,
    perBatch: Float64Array | null = null,
    masks?: readonly (readonly Uint8Array[])[],
  ): BatchSums {
    if (!this.sharesSubmissions) return this.#trainTiled(count, learningRate, token, perBatch, masks);
    return this.group.train([{ member: this.member, count, learningRate, perBatch }], token, masks)[0];
  }

  /** Whether what it trains now can share submissions with others. */
  get sharesSubmissions(): boolean {
    const { epoch } = this.member;
    if (epoch === null) throw new Error("trainBatches before startEpoch");
    return this.group.planFor(epoch.batchSize) !== null;
  }

  #trainTiled(
    count: number,
    learningRate: number,
    token: CancellationToken,
    perBatch: Float64Array | null,
    masks?: readonly (readonly Uint8Array[])[],
  ): BatchSums {
    const epoch = this.member.epoch!;
    const { optimizer, classWeights, hidden } = this.spec;
    const { order, batchSize, samples } = epoch;
    const left = Math.ceil((order.length - epoch.position) / batchSize);
    const groups = Math.ceil(batchSize / lossRows);
    this.#grow(this.#sums, Math.min(count, left) * groups * 8);
    if (masks !== undefined) this.#writeMasks(masks);
    const steps = this.#trainingSteps(samples);
    const totals: number[] = [];
    const sizes: number[] = [];
    let maskAt = 1;
    try {
      for (let position = epoch.position; sizes.length < count && position < order.length;) {
        const rows = Math.min(batchSize, order.length - position);
        const visited = order.subarray(position, position + rows);
        const total = totalWeight(classWeights, samples.classes, visited);
        const place = { ...emptyRecord, position, rows, total, result: sizes.length * groups };
        const record = {
          ...place,
          offset: this.#firstParameter,
          ...stepSizes(optimizer, this.member.step, learningRate),
        };
        this.#addBatch(steps, record, masks === undefined ? 0 : maskAt, token);
        this.group.submissions.mark();
        this.member.step++;
        maskAt += hidden.reduce((sum, units) => sum + units * rows, 0);
        sizes.push(rows);
        totals.push(total);
        position += rows;
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    this.group.submissions.end();
    const numbers = sizes.length * groups * 2;
    const sums = numbers === 0 ? new Float32Array(0) : this.#device.floats(this.#sums.buffer, numbers);
    this.group.submissions.drain();
    const done = sumsOf(sizes, perBatch, (batch) => {
      const pair: [number, number] = [0, 0];
      for (let part = 0; part < Math.ceil(sizes[batch] / lossRows); part++) {
        const at = 2 * (batch * groups + part);
        pair[0] += sums[at] / totals[batch];
        pair[1] += sums[at + 1];
      }
      return pair;
    });
    epoch.position += done.samples;
    return done;
  }

  /** Where among the parameters of all networks its own begin. */
  get #firstParameter(): number {
    return this.member.slot * this.#plan.parameterCount;
  }

  #addBatch(steps: TrainingSteps, record: DispatchRecord, maskAt: number, token: CancellationToken): void {
    this.group.submissions.add(dispatchOf(steps.gather, record), token);
    let mask = maskAt;
    steps.hidden.forEach((step, l) => {
      this.group.submissions.add(dispatchOf(step, { ...record, mask }), token);
      if (mask > 0) mask += this.spec.hidden[l] * record.rows;
    });
    for (const step of steps.rest) this.group.submissions.add(dispatchOf(step, record), token);
  }

  #writeMasks(masks: readonly (readonly Uint8Array[])[]): void {
    const all = Buffer.concat(masks.flat());
    this.#grow(this.#masks, all.length + 4);
    this.#device.write(this.#masks.buffer, all);
  }

  #trainingSteps(samples: GpuSamples): TrainingSteps {
    if (this.#training?.samples === samples) return this.#training;
    if (this.#training !== null) this.#device.free([], this.#training.bindings);
    const batch = this.#reserve(0);
    const [order, masks, sums] = [this.#order.buffer, this.#masks.buffer, this.#sums.buffer];
    this.#squares ??= this.#allocate([4 * normParts])[0];
    const { parameters, gradients, state } = this.group;
    const buffers = { parameters, gradients, state, squares: this.#squares };
    const steps = this.#plan.bindTraining(samples, order, masks, batch, buffers, sums);
    this.#training = { ...steps, samples };
    return this.#training;
  }

  evaluate(loaded: LoadedSamples, token: CancellationToken, permuted?: PermutedColumn): EvaluationSums {
    const samples = loaded as GpuSamples;
    if (this.group.evaluatesByWorkgroups) {
      return this.group.evaluate([this.member], samples, token, permuted)[0];
    }
    const { rows } = samples;
    const batch = this.#reserve(Math.min(rows, inferenceRows));
    this.#grow(this.#sums, Math.ceil(rows / lossRows) * 8);
    if (permuted !== undefined) {
      // An epoch under way keeps its order.
      this.#grow(this.#permutation, 4 * rows);
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
      this.group.infer(
        steps.map((step) => dispatchOf(step, record)),
        token,
      );
    }
    this.group.submissions.end();
    const sums = rows === 0 ? [] : this.#device.floats(this.#sums.buffer, 2 * Math.ceil(rows / lossRows));
    this.group.submissions.drain();
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
    const { parameters } = this.group;
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

  predict(features: Float32Array, rows: number, token: CancellationToken): Float32Array {
    const { inputs, outputs } = this.spec;
    const all = new Float32Array(rows * outputs);
    const batch = this.#reserve(Math.min(rows, inferenceRows));
    for (let from = 0; from < rows; from += batch.rows) {
      const n = Math.min(batch.rows, rows - from);
      const { steps, features: staging, result } = this.#predictionSteps(batch);
      this.#device.write(staging, features.subarray(from * inputs, (from + n) * inputs), token);
      const record = { ...emptyRecord, rows: n };
      this.group.infer(
        steps.map((step) => dispatchOf(step, record)),
        token,
      );
      this.group.submissions.end();
      all.set(this.#device.floats(result, n * outputs), from * outputs);
      this.group.submissions.drain();
    }
    return all;
  }

  #predictionSteps(batch: BatchBuffers): PredictionSteps {
    if (this.#prediction !== null) return this.#prediction;
    const { inputs, outputs } = this.spec;
    const [features, result] = this.#allocate([4 * inputs * batch.rows, 4 * outputs * batch.rows]);
    const steps = this.#plan.bindPrediction(features, batch, this.group.parameters, result);
    this.#prediction = { ...steps, features, result };
    return this.#prediction;
  }

  exportWeights(): Weights {
    return this.#weightsIn(this.group.parameters);
  }

  #weightsIn(buffer: Handle): Weights {
    const all = this.#device.floats(buffer, this.#plan.parameterCount, this.#firstParameter);
    return this.#plan.layers.map(({ inputs, outputs, offset }) => {
      const weight = offset - this.#firstParameter;
      const bias = weight + inputs * outputs;
      return { inputs, outputs, weight: all.slice(weight, bias), bias: all.slice(bias, bias + outputs) };
    });
  }

  keepWeights(): void {
    const { parameters, kept } = this.group;
    this.#device.copy(parameters, kept, 4 * this.#firstParameter, 4 * this.#plan.parameterCount);
    this.#hasKept = true;
  }

  keptWeights(): Weights | null {
    return this.#hasKept ? this.#weightsIn(this.group.kept) : null;
  }

  importWeights(weights: Weights): void {
    checkWeightShapes(this.spec, weights);
    const all = new Float32Array(this.#plan.parameterCount);
    this.#plan.layers.forEach(({ inputs, outputs, offset }, l) => {
      const weight = offset - this.#firstParameter;
      all.set(weights[l].weight, weight);
      all.set(weights[l].bias, weight + inputs * outputs);
    });
    const { parameters, state } = this.group;
    this.#device.write(parameters, all, undefined, 4 * this.#firstParameter);
    this.#device.clear(state, 8 * this.#firstParameter, 2 * all.byteLength);
    this.member.step = 0;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.member.epoch = null;
    this.#unbind();
    this.#free([...this.#buffers]);
    for (const room of [this.#order, this.#permutation, this.#masks, this.#sums]) room.free();
    for (const samples of this.#samples) this.group.release(samples);
    this.group.leave(this.member);
    refuseFurtherUse(this);
  }
}

/** Samples on the device, for all of these networks. @throws CancelledError */
function loadFor(
  networks: readonly WebGpuNetwork[],
  { rows, features, labels }: Samples,
  token: CancellationToken,
): GpuSamples {
  const { device } = networks[0].group;
  const [places, classes] = device.allocate([features.byteLength, rows]);
  try {
    device.write(places, features, token);
    device.write(classes, labels, token);
  } catch (error) {
    device.free([places, classes]);
    throw error;
  }
  const samples = { rows, features: places, labels: classes, classes: labels, users: networks.length };
  for (const network of networks) network.uses(samples);
  return samples;
}

/** An adapter as an engine's device. */
function deviceOf({ description, device, vendor, isSoftware }: AdapterFacts): EngineDevice {
  return {
    type: isSoftware ? "cpu" : "gpu",
    name: description || device || vendor || "a device without a name",
  };
}

/** Places of those that lie in one group, group by group. */
function byGroup(networks: readonly WebGpuNetwork[]): Map<NetworkGroup, number[]> {
  const places = new Map<NetworkGroup, number[]>();
  for (const [k, { group }] of networks.entries()) {
    const known = places.get(group);
    if (known === undefined) places.set(group, [k]);
    else known.push(k);
  }
  return places;
}

/** Networks of one shape, several in a group where workgroups train them and the group's buffers may be that large. */
function createNetworks(
  spec: NetworkSpec,
  seeds: readonly number[],
  tiledOnly: boolean,
  token?: CancellationToken,
): WebGpuNetwork[] {
  const weights = seeds.map((seed) => initialWeights(spec, seed, token)); // before anything is allocated, as a stop ends it
  const device = openDevice();
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } =
    device.adapter.limits;
  const stateBytes = 8 * parameterCount(spec);
  const fitting = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / stateBytes);
  const most = tiledOnly ? 1 : Math.max(1, Math.min(fitting, maxComputeWorkgroupsPerDimension));
  const networks: WebGpuNetwork[] = [];
  try {
    while (networks.length < seeds.length) {
      const first = networks.length;
      const slots = Math.min(most, seeds.length - first);
      const group = new NetworkGroup(device, spec, slots, tiledOnly);
      for (let slot = 0; slot < slots; slot++) {
        networks.push(new WebGpuNetwork(group, slot, seeds[first + slot], weights[first + slot]));
      }
    }
  } catch (error) {
    for (const network of networks) network.dispose();
    throw error;
  }
  return networks;
}

/** Many networks: those that workgroups train share submissions, others follow one another. */
function together(tiledOnly: boolean): Together {
  return {
    createNetworks: (spec, seeds, token) => createNetworks(spec, seeds, tiledOnly, token),
    load: (networks, samples, token = neverCancelled) =>
      loadFor(networks as readonly WebGpuNetwork[], samples, token),
    trainBatches(requests, token) {
      const networks = requests.map(({ network }) => network as WebGpuNetwork);
      const sums: BatchSums[] = [];
      const shared = networks.map((network) => network.sharesSubmissions);
      for (const [k, { count, learningRate, perBatch }] of requests.entries()) {
        if (!shared[k]) sums[k] = networks[k].trainBatches(count, learningRate, token, perBatch);
      }
      for (const [group, places] of byGroup(networks)) {
        const those = places.filter((k) => shared[k]);
        const asked = those.map((k) => ({ ...requests[k], member: networks[k].member }));
        for (const [n, done] of group.train(asked, token).entries()) sums[those[n]] = done;
      }
      return sums;
    },
    evaluate(networks, samples, token) {
      const own = networks as readonly WebGpuNetwork[];
      const sums: EvaluationSums[] = [];
      for (const [group, places] of byGroup(own)) {
        if (group.evaluatesByWorkgroups) {
          const members = places.map((k) => own[k].member);
          const found = group.evaluate(members, samples as GpuSamples, token);
          for (const [n, k] of places.entries()) sums[k] = found[n];
        } else for (const k of places) sums[k] = own[k].evaluate(samples, token);
      }
      return sums;
    },
  };
}

/**
 * The network on a GPU by WebGPU. Its arithmetic is the reference's in float32, but a device may fuse a multiplication with an
 * addition and rounds divisions and roots its own way, so its bits are those of one kind of device only.
 */
function engineOf(tiledOnly: boolean): Engine {
  return {
    name: "webgpu",
    get device() {
      return deviceOf(openDevice().adapter);
    },
    createNetwork: (spec, seed, token) => createNetworks(spec, [seed], tiledOnly, token)[0],
    together: together(tiledOnly),
  };
}

/** Small networks are trained by workgroups that have one to themselves, others by tiled products. */
export const webGpuEngine: Engine = engineOf(false);

/** Everything by tiled products, whatever the size: for tests of these. */
export const tiledWebGpuEngine: Engine = engineOf(true);
