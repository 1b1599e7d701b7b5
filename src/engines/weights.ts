import { createRandom, inBlocks, KnownError, neverCancelled, type CancellationToken } from "../core/index.js";
import type { LayerWeights, NetworkSpec, Weights } from "./engine.js";

/** Sizes of a network's layers, from the inputs to the outputs. */
export type NetworkShape = Pick<NetworkSpec, "inputs" | "hidden" | "outputs">;

/** Weights do not belong to the network they were given to. */
export class WeightShapesError extends KnownError {
  readonly code = "WEIGHT_SHAPES";
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(
      `The weights are those of a network ${found}, and this network is ${expected}. Use weights of the same strategy.`,
    );
    this.expected = expected;
    this.found = found;
  }
}

/** [inputs, outputs] of every linear layer, in order. */
export function layerSizes(shape: NetworkShape): readonly (readonly [inputs: number, outputs: number])[] {
  const units = [shape.inputs, ...shape.hidden, shape.outputs];
  return units.slice(1).map((outputs, l) => [units[l], outputs]);
}

/** Number of weights and biases. */
export function parameterCount(shape: NetworkShape): number {
  return layerSizes(shape).reduce((sum, [inputs, outputs]) => sum + (inputs + 1) * outputs, 0);
}

/**
 * New weights as PyTorch's `nn.Linear` starts them: weights and biases uniform in ±1/sqrt(inputs of the layer), from the
 * seed's "weights" stream, layer by layer, the weight matrix before the bias. The same in every engine.
 *
 * @throws CancelledError
 */
export function initialWeights(
  shape: NetworkShape,
  seed: number,
  token: CancellationToken = neverCancelled,
): Weights {
  const random = createRandom(seed, "weights");
  return layerSizes(shape).map(([inputs, outputs]): LayerWeights => {
    const bound = 1 / Math.sqrt(inputs);
    // Filled by a loop: `Float32Array.from` with a function takes some 100 ns a number, four times as long.
    const draw = (values: Float32Array): Float32Array => {
      inBlocks(values.length, token, (from, to) => {
        for (let k = from; k < to; k++) values[k] = (2 * random.uniform() - 1) * bound;
      });
      return values;
    };
    const weight = draw(new Float32Array(inputs * outputs));
    return { inputs, outputs, weight, bias: draw(new Float32Array(outputs)) };
  });
}

/** @throws WeightShapesError when the weights are not those of a network of this shape */
export function checkWeightShapes(shape: NetworkShape, weights: Weights): void {
  const expected = layerSizes(shape);
  const fits =
    weights.length === expected.length &&
    weights.every(
      ({ inputs, outputs, weight, bias }, l) =>
        inputs === expected[l][0] &&
        outputs === expected[l][1] &&
        weight.length === inputs * outputs &&
        bias.length === outputs,
    );
  if (fits) return;
  const text = (sizes: readonly (readonly [number, number])[]): string =>
    sizes.map(([inputs, outputs]) => `${inputs}x${outputs}`).join(" ");
  throw new WeightShapesError(
    text(expected),
    text(weights.map(({ inputs, outputs }) => [inputs, outputs] as const)),
  );
}
