import { exp, log, power } from "../../core/index.js";
import type { LossSpec, NetworkSpec } from "../engine.js";

/** Cost of one output's share of the loss in multiply-adds, for `inWorkBlocks`. */
export const lossWork = 100;

/**
 * Softmax of one row of logits, in float64.
 *
 * @param out [outputs]
 * @returns log(sum(exp(z))), from which log p of class k is z_k minus it
 */
export function softmax(logits: Float32Array, row: number, out: Float64Array): number {
  const outputs = out.length;
  const start = row * outputs;
  let max = logits[start];
  for (let k = 1; k < outputs; k++) if (logits[start + k] > max) max = logits[start + k];
  let sum = 0;
  for (let k = 0; k < outputs; k++) {
    out[k] = exp(logits[start + k] - max);
    sum += out[k];
  }
  for (let k = 0; k < outputs; k++) out[k] /= sum;
  return max + log(sum);
}

/** Index of the largest logit of a row; the first on a tie. */
export function argmax(logits: Float32Array, row: number, outputs: number): number {
  const start = row * outputs;
  let best = 0;
  for (let k = 1; k < outputs; k++) if (logits[start + k] > logits[start + best]) best = k;
  return best;
}

/** Loss of one sample, and d loss / d log p of its class. `rest` is 1 - p, summed from the other classes. */
function sampleLoss(loss: LossSpec, p: number, rest: number, logP: number): { value: number; slope: number } {
  if (loss.type === "cross_entropy") return { value: -logP, slope: -1 };
  const { gamma } = loss;
  const factor = power(rest, gamma);
  const inner = rest === 0 || gamma === 0 ? 0 : gamma * (factor / rest) * p * logP;
  return { value: -factor * logP, slope: inner - factor };
}

/**
 * Training loss of one sample of a batch, times its class weight, and its share of the gradient.
 *
 * @param logits   [rows × outputs]
 * @param total    sum of the class weights over the batch: the gradient is that of sum(loss) / total
 * @param gradient [rows × outputs]; d (sum(loss) / total) / d logits of this row is written
 */
export function lossAndGradient(
  logits: Float32Array,
  row: number,
  label: number,
  { outputs, loss, classWeights }: NetworkSpec,
  total: number,
  gradient: Float32Array,
): number {
  const p = new Float64Array(outputs);
  const start = row * outputs;
  const logP = logits[start + label] - softmax(logits, row, p);
  let rest = 0;
  for (let k = 0; k < outputs; k++) if (k !== label) rest += p[k];
  const weight = classWeights === null ? 1 : classWeights[label];
  const { value, slope } = sampleLoss(loss, p[label], rest, logP);
  // d log p / d z_k = [k is the label] - p_k
  const scale = (weight * slope) / total;
  for (let k = 0; k < outputs; k++) gradient[start + k] = scale * (k === label ? rest : -p[k]);
  return weight * value;
}
