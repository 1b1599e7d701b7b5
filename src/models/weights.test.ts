import { expect, test } from "vitest";
import { sampleModel } from "../../test/sample-model.js";
import { UnusableWeightsError } from "./errors.js";
import { encodeSafetensors } from "./safetensors.js";
import { decodeWeights, encodeWeights, layerUnits } from "./weights.js";

const { weights } = sampleModel();

test("weights come back as they were, and the same weights give the same bytes", () => {
  expect(decodeWeights(encodeWeights(weights))).toEqual(weights);
  expect(encodeWeights(weights)).toEqual(encodeWeights(sampleModel().weights));
  expect(layerUnits(weights)).toEqual([2, 4, 3]);
});

test.each([NaN, Infinity, -Infinity])("a weight that is %d is never saved", (value) => {
  const bias = Float32Array.of(0, 0, value);
  expect(() => encodeWeights([weights[0], { ...weights[1], bias }])).toThrow(UnusableWeightsError);
  expect(() => encodeWeights([weights[0], { ...weights[1], bias }])).toThrow(/layers\.1\.bias\[2\] is/);
});

const tensor = (name: string, shape: number[], fill = 0) => ({
  name,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill),
});

test.each([
  ["no layer", [], /has no layers\.0\.weight/],
  ["a layer without bias", [tensor("layers.0.weight", [3, 2])], /has no layers\.0\.bias/],
  ["a layer without weight", [tensor("layers.0.bias", [3])], /has no layers\.0\.weight/],
  ["a missing layer", [tensor("layers.1.weight", [3, 2]), tensor("layers.1.bias", [3])], /has no layers\.0/],
  [
    "a foreign tensor",
    [tensor("layers.0.weight", [3, 2]), tensor("layers.0.bias", [3]), tensor("x", [1])],
    /unknown tensor x/,
  ],
  [
    "a weight of one dimension",
    [tensor("layers.0.weight", [6]), tensor("layers.0.bias", [3])],
    /weight with shape \[6\]/,
  ],
  [
    "a layer without units",
    [tensor("layers.0.weight", [0, 2]), tensor("layers.0.bias", [0])],
    /shape \[0, 2\]/,
  ],
  [
    "too few biases",
    [tensor("layers.0.weight", [3, 2]), tensor("layers.0.bias", [2])],
    /2 biases for the 3 units/,
  ],
  [
    "a value that is not finite",
    [tensor("layers.0.weight", [3, 2], NaN), tensor("layers.0.bias", [3])],
    /weight\[0\] = NaN/,
  ],
  [
    "layers that do not fit",
    [
      tensor("layers.0.weight", [4, 2]),
      tensor("layers.0.bias", [4]),
      tensor("layers.1.weight", [3, 5]),
      tensor("layers.1.bias", [3]),
    ],
    /layer 1 with 5 inputs after one with 4 units/,
  ],
])("%s is refused", (_, tensors, message) => {
  expect(() => decodeWeights(encodeSafetensors(tensors))).toThrow(message);
});
