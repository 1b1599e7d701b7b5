import { expect, test } from "vitest";
import { CancelledError, neverCancelled } from "../core/index.js";
import { referenceEngine, type Network } from "../engines/index.js";
import { hashSamples, smallSpec } from "../../test/networks.js";
import { permutationImportance } from "./importance.js";

const names = ["1d_rsi_low", "1d_rsi_high", "1d_rsi_low_lag_1", "d", "e", "f"];
const samples = hashSamples(500, 6);

/** A network that reads feature 0 only, and by it is always right: logits -9x - 1.5, 1.5, 9x - 1.5 cross at ±1/3. */
function firstFeatureNetwork(): Network {
  const network = referenceEngine.createNetwork(smallSpec({ hidden: [] }), 0);
  const weight = new Float32Array(18);
  weight[0] = -9;
  weight[12] = 9;
  network.importWeights([{ inputs: 6, outputs: 3, weight, bias: Float32Array.of(-1.5, 1.5, -1.5) }]);
  return network;
}

test("what is read counts, what is not read is worth exactly 0", () => {
  const importance = permutationImportance(firstFeatureNetwork(), samples, names, 42, neverCancelled);
  expect(Object.keys(importance)).toEqual(names);
  const [first, ...others] = Object.values(importance);
  // Permuted, a third of the rows are still right; standard error over 20 permutations of 500 rows: 0.005.
  expect(first).toBeGreaterThan(2 / 3 - 0.03);
  expect(first).toBeLessThan(2 / 3 + 0.03);
  expect(others).toEqual([0, 0, 0, 0, 0]);
});

test("the seed decides, and the samples stay as they are", () => {
  const before = samples.features.slice();
  const of = (seed: number) =>
    permutationImportance(firstFeatureNetwork(), samples, names, seed, neverCancelled);
  expect(of(1)).toEqual(of(1));
  expect(of(1)).not.toEqual(of(2));
  expect(samples.features).toEqual(before);
});

test("many rows are predicted in blocks, all of them", () => {
  const many = hashSamples(10_000, 6);
  const { "1d_rsi_low": first } = permutationImportance(
    firstFeatureNetwork(),
    many,
    names,
    42,
    neverCancelled,
  );
  expect(Math.abs(first - 2 / 3)).toBeLessThan(0.02);
});

test("without rows every feature is worth 0", () => {
  const none = hashSamples(0, 6);
  const importance = permutationImportance(firstFeatureNetwork(), none, names, 42, neverCancelled);
  expect(Object.values(importance)).toEqual([0, 0, 0, 0, 0, 0]);
});

test("it can be cancelled", () => {
  const network = firstFeatureNetwork();
  expect(() => permutationImportance(network, samples, names, 42, { isCancelled: true })).toThrow(
    CancelledError,
  );
});
