import type { CancellationToken } from "../../core/index.js";
import type { NetworkSpec } from "../engine.js";
import { layerSizes, parameterCount } from "../weights.js";
import { activate, activationSlopes, activationWork } from "./activation.js";
import { inWorkBlocks } from "./blocks.js";
import { addProduct } from "./product.js";

const f = Math.fround;

/** A linear layer: views into the flat arrays that the optimizer sees as a whole. */
interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly weightGradient: Float32Array;
  readonly biasGradient: Float32Array;
}

/** What a layer computed for a batch, each [rows × outputs]. */
interface LayerValues {
  /** What the next layer reads; the logits at the end. */
  readonly output: Float32Array;
  /** d output / d z of every element, dropout included. */
  readonly slope: Float32Array;
  /** d loss / d z. */
  readonly delta: Float32Array;
}

/** Writes the dropout mask of a hidden layer (1 keeps), elements [from, to) of [rows × units]. */
export type MaskWriter = (mask: Uint8Array, layer: number, from: number, to: number) => void;

/** A multi-layer perceptron's forward and backward pass: linear -> activation -> dropout per hidden layer, then linear. */
export class Mlp {
  /** All weights and biases in one array. */
  readonly parameters: Float32Array;
  /** Their gradients, in the same order. */
  readonly gradients: Float32Array;
  readonly layers: readonly Layer[];
  readonly #spec: NetworkSpec;
  #rows = 0;
  #values: readonly LayerValues[] = [];
  #mask = new Uint8Array(0);

  constructor(spec: NetworkSpec) {
    this.#spec = spec;
    this.parameters = new Float32Array(parameterCount(spec));
    this.gradients = new Float32Array(this.parameters.length);
    let at = 0;
    this.layers = layerSizes(spec).map(([inputs, outputs]) => {
      const weight = [at, (at += inputs * outputs)] as const;
      const bias = [at, (at += outputs)] as const;
      return {
        inputs,
        outputs,
        weight: this.parameters.subarray(...weight),
        bias: this.parameters.subarray(...bias),
        weightGradient: this.gradients.subarray(...weight),
        biasGradient: this.gradients.subarray(...bias),
      };
    });
  }

  /** Makes room for batches of up to `rows`. */
  reserve(rows: number): void {
    if (rows <= this.#rows) return;
    this.#rows = rows;
    const widest = Math.max(0, ...this.#spec.hidden);
    this.#mask = new Uint8Array(rows * widest);
    this.#values = this.layers.map(({ outputs }) => ({
      output: new Float32Array(rows * outputs),
      slope: new Float32Array(rows * outputs),
      delta: new Float32Array(rows * outputs),
    }));
  }

  /** d loss / d logits, [rows × outputs]; filled by the loss between `forward` and `backward`. */
  get logitsDelta(): Float32Array {
    return this.#values[this.#values.length - 1].delta;
  }

  /**
   * Logits of a batch, [rows × outputs]; valid until the next call.
   *
   * @param input     [rows × inputs]
   * @param writeMask null for inference: no dropout, and no slopes for `backward`
   * @throws CancelledError
   */
  forward(
    input: Float32Array,
    rows: number,
    token: CancellationToken,
    writeMask: MaskWriter | null,
  ): Float32Array {
    const { activation } = this.#spec;
    let x = input;
    this.layers.forEach(({ inputs, outputs, weight, bias }, l) => {
      const { output, slope } = this.#values[l];
      inWorkBlocks(rows * outputs, 1, token, (from, to) => {
        for (let i = from; i < to; i++) output[i] = bias[i % outputs];
      });
      const xs = { data: x, rowStep: inputs, step: 1 };
      const ws = { data: weight, rowStep: inputs, step: 1 };
      addProduct(output, rows, outputs, inputs, xs, ws, token);
      x = output;
      if (l === this.#spec.hidden.length) return;
      inWorkBlocks(rows, outputs * activationWork, token, (i0, i1) => {
        const [from, to] = [i0 * outputs, i1 * outputs];
        activate(activation, output, from, to);
        if (writeMask === null) return;
        activationSlopes(activation, output, slope, from, to);
        if (this.#spec.dropout > 0) this.#drop(l, from, to, writeMask);
      });
    });
    return x;
  }

  /** Inverted dropout: kept units grow by 1 / (1 - p), so that inference needs no correction. */
  #drop(layer: number, from: number, to: number, writeMask: MaskWriter): void {
    const { output, slope } = this.#values[layer];
    const mask = this.#mask;
    writeMask(mask, layer, from, to);
    const scale = f(1 / (1 - this.#spec.dropout));
    for (let i = from; i < to; i++) {
      const factor = mask[i] === 0 ? 0 : scale;
      output[i] *= factor;
      slope[i] *= factor;
    }
  }

  /** Fills `gradients` from `logitsDelta` and the last training `forward` of the same input. @throws CancelledError */
  backward(input: Float32Array, rows: number, token: CancellationToken): void {
    this.gradients.fill(0);
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const { inputs, outputs, weight, weightGradient, biasGradient } = this.layers[l];
      const { delta } = this.#values[l];
      const below = l === 0 ? null : this.#values[l - 1];
      const x = below === null ? input : below.output;
      const deltaColumns = { data: delta, rowStep: 1, step: outputs };
      const xColumns = { data: x, rowStep: 1, step: inputs };
      addProduct(weightGradient, outputs, inputs, rows, deltaColumns, xColumns, token);
      inWorkBlocks(rows, outputs, token, (i0, i1) => {
        for (let i = i0; i < i1; i++) {
          for (let j = 0; j < outputs; j++) biasGradient[j] += delta[i * outputs + j];
        }
      });
      if (below === null) return;
      inWorkBlocks(rows * inputs, 1, token, (from, to) => below.delta.fill(0, from, to));
      const deltaRows = { data: delta, rowStep: outputs, step: 1 };
      const weightColumns = { data: weight, rowStep: 1, step: inputs };
      addProduct(below.delta, rows, inputs, outputs, deltaRows, weightColumns, token);
      inWorkBlocks(rows * inputs, 1, token, (from, to) => {
        for (let i = from; i < to; i++) below.delta[i] *= below.slope[i];
      });
    }
  }
}
