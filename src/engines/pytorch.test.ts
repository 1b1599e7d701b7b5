import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { neverCancelled } from "../core/index.js";
import { type NetworkSpec } from "./index.js";
import { describeEachEngine } from "../../test/engines.js";
import { flatten, gradientsOf, hashNetwork, hashSamples, hashUniform } from "../../test/networks.js";

/** A training that PyTorch did; see bench/pytorch/make_fixtures.py, which says how the inputs are made. */
interface Case {
  name: string;
  rows: number;
  batchSize: number;
  learningRate: number;
  spec: Omit<NetworkSpec, "classWeights"> & { classWeights: number[] | null };
  losses: number[];
  firstGradients: string;
  finalWeights: string;
}

const file = new URL("../../fixtures/pytorch/training.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };

function float32Of(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

function specOf({ spec }: Case): NetworkSpec {
  return { ...spec, classWeights: spec.classWeights && Float32Array.from(spec.classWeights) };
}

/** Rows sorted by their hash. */
function orderOf({ rows }: Case): Uint32Array {
  const keys = hashUniform(400, rows);
  return Uint32Array.from({ length: rows }, (_, i) => i).sort((i, j) => keys[i] - keys[j] || i - j);
}

/** Dropout masks of one step, per hidden layer. */
function masksOf({ spec }: Case, step: number, rows: number): Uint8Array[] {
  return spec.hidden.map((units, layer) =>
    Uint8Array.from(hashUniform(1000 + 100 * step + layer, rows * units), (u) => (u >= spec.dropout ? 1 : 0)),
  );
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

describeEachEngine("engine and PyTorch", (engine) => {
  test.each(cases)("$name: the same losses over 50 steps", (fixture) => {
    const { rows, batchSize, learningRate, losses } = fixture;
    const network = hashNetwork(engine, specOf(fixture));
    const samples = network.load(hashSamples(rows, fixture.spec.inputs));
    const order = orderOf(fixture);
    const batches = Math.ceil(rows / batchSize);
    const found = losses.map((_, step) => {
      if (step % batches === 0) network.startEpoch(samples, order, batchSize);
      const masks = [masksOf(fixture, step, batchSize)];
      const sums = network.trainBatches(1, learningRate, neverCancelled, null, masks);
      return sums.lossSum / sums.samples;
    });
    // Rounding (6e-8) in sums of another order grows a little over 50 updates; the reference engine stays under 3e-7.
    expect(largestDifference(found, losses)).toBeLessThan(1e-6);
    // Adam and RMSprop divide by the size of the gradient, so where that is small the rounding of its sum shows; the
    // reference engine stays under 2e-7.
    const weights = float32Of(fixture.finalWeights);
    expect(largestDifference(flatten(network.exportWeights()), weights)).toBeLessThan(2e-6);
  });

  test.each(cases)("$name: the same gradients", (fixture) => {
    const { rows, batchSize, spec } = fixture;
    const order = orderOf(fixture).subarray(0, batchSize);
    const masks = masksOf(fixture, 0, batchSize);
    const found = gradientsOf(engine, specOf(fixture), hashSamples(rows, spec.inputs), order, masks);
    const expected = float32Of(fixture.firstGradients);
    // Relative to the largest element: a single element is a sum of 32 terms that may cancel. Reference engine: 5e-7.
    const largest = largestDifference(expected, new Float32Array(expected.length));
    expect(largestDifference(found, expected) / largest).toBeLessThan(1e-5);
  });
});
