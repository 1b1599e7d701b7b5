import type { NetworkSpec } from "../engine.js";
import { layerSizes, parameterCount } from "../weights.js";
import type { GpuDevice } from "./device.js";
import type { Handle, KernelSource } from "./protocol.js";
import { gatherBatch, gatherElements, gatherRows } from "./shaders/gather.js";
import { evaluationLoss, lossRows, probabilities, trainingLoss } from "./shaders/loss.js";
import { inferenceForward, inputGradient, trainingForward, weightGradient } from "./shaders/passes.js";
import { tile, tileCount } from "./shaders/product.js";
import type { DispatchRecord } from "./shaders/record.js";
import { normParts, optimizerStep, squaredNorm, updateParameters } from "./shaders/update.js";
import type { Dispatch } from "./submissions.js";

/** Multiply-adds that an output's share of a sample's loss is counted as. */
export const lossWork = 200;
/** And the update of a parameter. */
export const updateWork = 20;

/** Buffers of the parameters of networks, [networks × parameters] each, and of what belongs to them. */
export interface ParameterBuffers {
  readonly parameters: Handle;
  readonly gradients: Handle;
  /** Two numbers a parameter: all of a network's first ones, then all of its second ones. */
  readonly state: Handle;
  /** [normParts] */
  readonly squares: Handle;
}

/** Buffers for the rows of a batch: what layer l reads is `inputs[l]`, [rows × inputs]. */
export interface BatchBuffers {
  readonly rows: number;
  readonly inputs: readonly Handle[];
  readonly logits: Handle;
  /** d output / d z of hidden layers, and d loss / d z of all layers. */
  readonly slopes: readonly Handle[];
  readonly deltas: readonly Handle[];
}

/** Samples on the device. */
export interface SampleBuffers {
  readonly features: Handle;
  readonly labels: Handle;
}

/** The part of a record that says which layer a dispatch works on. */
export type LayerRecord = Pick<DispatchRecord, "inputs" | "outputs" | "offset" | "layer" | "dropKey">;

/** A dispatch whose workgroups follow from the rows of its batch. */
interface Step {
  readonly binding: Handle;
  /** Null where it works on no layer. */
  readonly layer: LayerRecord | null;
  readonly groups: (rows: number) => number;
  readonly groupWork: (rows: number) => number;
  readonly whole: boolean;
}

/** A step for the batch of a record. */
export function dispatchOf(
  { binding, layer, groups, groupWork, whole }: Step,
  record: DispatchRecord,
): Dispatch {
  const { rows } = record;
  return {
    binding,
    groups: groups(rows),
    groupWork: groupWork(rows),
    whole,
    record: layer === null ? record : { ...record, ...layer },
  };
}

/** What a training batch is made of, in order. */
export interface TrainingSteps {
  readonly gather: Step;
  /** One for each hidden layer: they differ in their dropout masks. */
  readonly hidden: readonly Step[];
  readonly rest: readonly Step[];
  readonly bindings: readonly Handle[];
}

/** What an inference over rows is made of, in order. */
export interface InferenceSteps {
  readonly steps: readonly Step[];
  readonly bindings: readonly Handle[];
}

/** The kernels of one network, and how they are bound to buffers. */
export class NetworkPlan {
  readonly layers: readonly LayerRecord[];
  readonly parameterCount: number;
  readonly #device: GpuDevice;
  readonly #spec: NetworkSpec;

  /**
   * @param slot    the network's place among those in the same buffers
   * @param dropKey what its dropout masks depend on
   */
  constructor(device: GpuDevice, spec: NetworkSpec, slot: number, dropKey: number) {
    this.#device = device;
    this.#spec = spec;
    this.parameterCount = parameterCount(spec);
    let offset = slot * this.parameterCount;
    this.layers = layerSizes(spec).map(([inputs, outputs], layer) => {
      const record = { inputs, outputs, offset, layer, dropKey };
      offset += (inputs + 1) * outputs;
      return record;
    });
  }

  /** Bytes of the buffers for batches of `rows`, in the order of `batchBuffers`. */
  batchSizes(rows: number): number[] {
    const { inputs, hidden, outputs } = this.#spec;
    return [inputs, ...hidden, outputs, ...hidden, ...hidden, outputs].map((units) => 4 * rows * units);
  }

  /** The buffers of `batchSizes` by their use. */
  batchBuffers(rows: number, buffers: readonly Handle[]): BatchBuffers {
    const hidden = this.#spec.hidden.length;
    return {
      rows,
      inputs: buffers.slice(0, hidden + 1),
      logits: buffers[hidden + 1],
      slopes: buffers.slice(hidden + 2, 2 * hidden + 2),
      deltas: buffers.slice(2 * hidden + 2),
    };
  }

  /** Kernels of a training batch bound to these buffers. */
  bindTraining(
    { features, labels }: SampleBuffers,
    order: Handle,
    masks: Handle,
    { inputs, logits, slopes, deltas }: BatchBuffers,
    { parameters, gradients, state, squares }: ParameterBuffers,
    sums: Handle,
  ): TrainingSteps {
    const { inputs: columns, outputs, activation, dropout } = this.#spec;
    const { optimizer, gradientClip } = this.#spec;
    const last = this.layers.length - 1;
    const steps = new StepList(this.#device);
    const gather = steps.rows(gatherBatch(columns), [features, order, inputs[0]], columns);
    const hiddenForward = trainingForward(activation, dropout);
    const hidden = this.layers
      .slice(0, last)
      .map((layer, l) =>
        steps.forward(hiddenForward, [inputs[l], parameters, inputs[l + 1], slopes[l], masks], layer),
      );
    const rest = [
      steps.forward(inferenceForward(null), [inputs[last], parameters, logits], this.layers[last]),
      steps.perRow(trainingLoss(this.#spec), [logits, order, labels, deltas[last], sums], outputs),
    ];
    for (let l = last; l >= 0; l--) {
      const layer = this.layers[l];
      rest.push(steps.weights(weightGradient, [deltas[l], inputs[l], gradients], layer));
      if (l === 0) break;
      rest.push(steps.below(inputGradient, [deltas[l], parameters, slopes[l - 1], deltas[l - 1]], layer));
    }
    const all = this.parameterCount;
    if (gradientClip > 0)
      rest.push(steps.fixed(squaredNorm(all), [gradients, squares], normParts, all / normParts));
    // One dispatch, as a step of the optimizer is done whole or not at all.
    const groups = Math.min(65_535, Math.ceil(all / updateParameters));
    const step = optimizerStep(optimizer, all, gradientClip);
    rest.push(
      steps.fixed(step, [gradients, state, parameters, squares], groups, (all / groups) * updateWork),
    );
    const bindings = steps.bind();
    return {
      gather: gather(bindings),
      hidden: hidden.map((of) => of(bindings)),
      rest: rest.map((of) => of(bindings)),
      bindings,
    };
  }

  /** Evaluation of loaded samples: consecutive rows, one column of them from other rows if asked for. */
  bindEvaluation(
    { features, labels }: SampleBuffers,
    order: Handle,
    batch: BatchBuffers,
    parameters: Handle,
    sums: Handle,
  ): InferenceSteps {
    const { inputs: columns, outputs } = this.#spec;
    const steps = new StepList(this.#device);
    const all = [
      steps.rows(gatherRows(columns), [features, order, batch.inputs[0]], columns),
      ...this.#forward(steps, batch.inputs[0], batch, parameters),
      steps.perRow(evaluationLoss(outputs), [batch.logits, labels, sums], outputs),
    ];
    const bindings = steps.bind();
    return { steps: all.map((of) => of(bindings)), bindings };
  }

  /** Probabilities of the rows in a buffer. */
  bindPrediction(features: Handle, batch: BatchBuffers, parameters: Handle, result: Handle): InferenceSteps {
    const { outputs } = this.#spec;
    const steps = new StepList(this.#device);
    const all = [
      ...this.#forward(steps, features, batch, parameters),
      steps.perRow(probabilities(outputs), [batch.logits, result], outputs),
    ];
    const bindings = steps.bind();
    return { steps: all.map((of) => of(bindings)), bindings };
  }

  #forward(
    steps: StepList,
    features: Handle,
    { inputs, logits }: BatchBuffers,
    parameters: Handle,
  ): LateStep[] {
    return this.layers.map((layer, l) => {
      const hidden = l < this.layers.length - 1;
      const source = inferenceForward(hidden ? this.#spec.activation : null);
      const [from, to] = [l === 0 ? features : inputs[l], hidden ? inputs[l + 1] : logits];
      return steps.forward(source, [from, parameters, to], layer);
    });
  }
}

/** A step once its binding is known. */
type LateStep = (bindings: readonly Handle[]) => Step;

/** Collects kernels with their buffers, so that they are compiled and bound together. */
class StepList {
  readonly #device: GpuDevice;
  readonly #sources: KernelSource[] = [];
  readonly #buffers: (readonly Handle[])[] = [];

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  #add(source: KernelSource, buffers: readonly Handle[], step: Omit<Step, "binding">): LateStep {
    const k = this.#sources.push(source) - 1;
    this.#buffers.push(buffers);
    return (bindings) => ({ ...step, binding: bindings[k] });
  }

  /** A copy of rows. */
  rows(source: KernelSource, buffers: readonly Handle[], columns: number): LateStep {
    const groups = (rows: number): number => Math.ceil((rows * columns) / gatherElements);
    return this.#add(source, buffers, { layer: null, groups, groupWork: () => gatherElements, whole: false });
  }

  /** The product of a layer's forward pass. */
  forward(source: KernelSource, buffers: readonly Handle[], layer: LayerRecord): LateStep {
    const groups = (rows: number): number => tileCount(rows, layer.outputs);
    const groupWork = (): number => tile * tile * layer.inputs;
    return this.#add(source, buffers, { layer, groups, groupWork, whole: false });
  }

  /** The product that gives the gradient of the layer below. */
  below(source: KernelSource, buffers: readonly Handle[], layer: LayerRecord): LateStep {
    const groups = (rows: number): number => tileCount(rows, layer.inputs);
    const groupWork = (): number => tile * tile * layer.outputs;
    return this.#add(source, buffers, { layer, groups, groupWork, whole: false });
  }

  /** The product that gives the gradients of a layer's weights. */
  weights(source: KernelSource, buffers: readonly Handle[], layer: LayerRecord): LateStep {
    const groups = (): number => tileCount(layer.outputs, layer.inputs + 1);
    const groupWork = (rows: number): number => tile * tile * rows;
    return this.#add(source, buffers, { layer, groups, groupWork, whole: false });
  }

  /** Something done for each row by itself. */
  perRow(source: KernelSource, buffers: readonly Handle[], outputs: number): LateStep {
    const groups = (rows: number): number => Math.ceil(rows / lossRows);
    const groupWork = (): number => lossRows * outputs * lossWork;
    return this.#add(source, buffers, { layer: null, groups, groupWork, whole: true });
  }

  /** Something that does not depend on the rows. */
  fixed(source: KernelSource, buffers: readonly Handle[], groups: number, groupWork: number): LateStep {
    return this.#add(source, buffers, {
      layer: null,
      groups: () => groups,
      groupWork: () => groupWork,
      whole: true,
    });
  }

  bind(): Handle[] {
    const kernels = this.#device.compile(this.#sources);
    return this.#device.bind(kernels.map((kernel, k) => ({ kernel, buffers: this.#buffers[k] })));
  }
}
