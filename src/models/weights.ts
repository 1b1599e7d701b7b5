import type { LayerWeights, Weights } from "../engines/index.js";
import { UnusableWeightsError } from "./errors.js";
import { decodeSafetensors, encodeSafetensors, SafetensorsError, type Tensor } from "./safetensors.js";

/** Units per layer from the inputs to the logits: [inputs, hidden..., outputs]. */
export function layerUnits(weights: Weights): number[] {
  return [weights[0].inputs, ...weights.map((layer) => layer.outputs)];
}

/**
 * A network's weights as safetensors: `layers.<i>.weight` [out, in] and `layers.<i>.bias` [out], from the inputs to
 * the logits. Equal weights give equal bytes.
 *
 * @throws UnusableWeightsError for a weight that is not finite
 */
export function encodeWeights(weights: Weights): Uint8Array {
  const tensors = weights.flatMap(({ outputs, inputs, weight, bias }, i): Tensor[] => [
    { name: `layers.${i}.weight`, shape: [outputs, inputs], data: weight },
    { name: `layers.${i}.bias`, shape: [outputs], data: bias },
  ]);
  for (const { name, shape, data } of tensors) {
    const expected = shape.reduce((product, length) => product * length, 1);
    if (data.length !== expected) throw new Error(`${name} has ${data.length} values, its shape ${expected}`);
    const bad = indexOfNotFinite(data);
    if (bad >= 0) throw new UnusableWeightsError(name, bad, data[bad]);
  }
  return encodeSafetensors(tensors);
}

/**
 * The weights in a safetensors file: layers 0, 1, ... that fit one another, all values finite, nothing else in it.
 *
 * @throws SafetensorsError
 */
export function decodeWeights(bytes: Uint8Array): Weights {
  const tensors = decodeSafetensors(bytes);
  const weights: LayerWeights[] = [];
  for (let i = 0; tensors.has(`layers.${i}.weight`) || tensors.has(`layers.${i}.bias`); i++) {
    const weight = take(tensors, `layers.${i}.weight`, 2);
    const bias = take(tensors, `layers.${i}.bias`, 1);
    const [outputs, inputs] = weight.shape;
    if (bias.shape[0] !== outputs) {
      throw new SafetensorsError(`has ${bias.shape[0]} biases for the ${outputs} units of layer ${i}`);
    }
    const before = weights.at(-1);
    if (before !== undefined && before.outputs !== inputs) {
      throw new SafetensorsError(
        `has layer ${i} with ${inputs} inputs after one with ${before.outputs} units`,
      );
    }
    weights.push({ outputs, inputs, weight: weight.data, bias: bias.data });
  }
  if (weights.length === 0) throw new SafetensorsError("has no layers.0.weight");
  if (tensors.size > 0) throw new SafetensorsError(`has an unknown tensor ${[...tensors.keys()][0]}`);
  return weights;
}

function take(tensors: Map<string, Tensor>, name: string, dimensions: number): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new SafetensorsError(`has no ${name}`);
  tensors.delete(name);
  if (tensor.shape.length !== dimensions || tensor.data.length === 0) {
    throw new SafetensorsError(`has ${name} with shape [${tensor.shape.join(", ")}]`);
  }
  const bad = indexOfNotFinite(tensor.data);
  if (bad >= 0) throw new SafetensorsError(`has ${name}[${bad}] = ${tensor.data[bad]}`);
  return tensor;
}

function indexOfNotFinite(data: Float32Array): number {
  return data.findIndex((value) => !Number.isFinite(value));
}
