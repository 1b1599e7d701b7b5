import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom, neverCancelled } from "../../core/index.js";
import { describeWithComponent } from "../../../test/components.js";
import { missingGpu } from "../../../test/gpu.js";
import {
  flatten,
  gradientsOf,
  hashNetwork,
  hashSamples,
  inOrder,
  smallSpec,
} from "../../../test/networks.js";
import { rounds } from "../../../test/rounds.js";
import { referenceEngine, type Engine, type NetworkSpec, type OptimizerSpec } from "../index.js";
import { openDevice } from "./device.js";
import { GpuMemoryError } from "./errors.js";
import { tiledWebGpuEngine, webGpuEngine } from "./webgpu.js";

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) difference = Math.max(difference, Math.abs(a[i] - b[i]));
  return difference;
}

/** 0 to n - 1 in another order. */
function shuffled(n: number, seed: number): Uint32Array {
  const order = inOrder(n);
  createRandom(seed, "order").shuffle(order);
  return order;
}

/** Weights after some epochs. */
function trained(engine: Engine, spec: NetworkSpec, rows: number, batchSize: number): Float32Array {
  const network = hashNetwork(engine, spec);
  const samples = network.load(hashSamples(rows, spec.inputs));
  for (let epoch = 0; epoch < 3; epoch++) {
    network.startEpoch(samples, shuffled(rows, epoch), batchSize);
    while (network.trainBatches(4, 0.01, neverCancelled).batches === 4);
  }
  const weights = flatten(network.exportWeights());
  network.dispose();
  return weights;
}

describeWithComponent("webgpu beside the reference", missingGpu, () => {
  const sizes = fc.record({
    inputs: fc.integer({ min: 1, max: 70 }),
    hidden: fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 2 }),
    rows: fc.integer({ min: 1, max: 140 }),
  });

  test("gradients of networks of any size are the same, dropout included: its masks are those of every engine", () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom(0, 0.4), ({ inputs, hidden, rows }, dropout) => {
        const spec = smallSpec({ inputs, hidden, dropout });
        const samples = hashSamples(rows, inputs);
        const [found, expected] = [webGpuEngine, referenceEngine].map((engine) =>
          gradientsOf(engine, spec, samples, inOrder(rows)),
        );
        // float32 sums of up to 140 terms below 1, in another order and with multiplications fused or not
        expect(largest(found, expected)).toBeLessThan(2e-6);
      }),
      { numRuns: rounds(100, 12) },
    );
  });

  test("gradients are the same where everything just fits into a workgroup's memory, and where it just does not", () => {
    // One row: n inputs, h units, 3 logits; and as many parameters as gradients, (n + 1) h + 3 (h + 1) of each.
    const bytes = openDevice().adapter.limits.maxComputeWorkgroupStorageSize;
    for (let h = 1; h <= 8; h++) {
      const most = Math.floor((bytes / 4 - 5 - h - 2 * (4 * h + 3)) / (1 + 2 * h));
      for (const inputs of [most, most + 1]) {
        const spec = smallSpec({ inputs, hidden: [h] });
        const [found, expected] = [webGpuEngine, referenceEngine].map((engine) =>
          gradientsOf(engine, spec, hashSamples(1, inputs), inOrder(1)),
        );
        expect(largest(found, expected), `${inputs} inputs, ${h} units`).toBeLessThan(2e-6);
      }
    }
  });

  test("given masks drop the same units, to the last one", () => {
    // 5 rows of 7 units: 35 masks, no whole number of words
    const spec = smallSpec({ hidden: [7], dropout: 0.5 });
    for (let dropped = 28; dropped < 35; dropped++) {
      const masks = [Uint8Array.from({ length: 35 }, (_, k) => (k === dropped ? 0 : 1))];
      const [found, tiled, expected] = [webGpuEngine, tiledWebGpuEngine, referenceEngine].map((engine) =>
        gradientsOf(engine, spec, hashSamples(5, 6), inOrder(5), masks),
      );
      expect(largest(found, expected), `unit ${dropped}`).toBeLessThan(2e-6);
      expect(largest(tiled, expected), `unit ${dropped}, tiled products`).toBeLessThan(2e-6);
    }
  });

  const optimizers: OptimizerSpec[] = [
    { type: "adam", weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    { type: "adamw", weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    { type: "sgd", weightDecay: 0.01, momentum: 0.9 },
    { type: "rmsprop", weightDecay: 0.01, alpha: 0.99, epsilon: 1e-8 },
  ];

  test.each(optimizers)(
    "$type with clipping, dropout and class weights: the same weights after 3 epochs",
    (optimizer) => {
      const spec = smallSpec({
        optimizer,
        hidden: [40, 20],
        dropout: 0.2,
        gradientClip: 0.5,
        classWeights: Float32Array.of(0.5, 1, 2),
      });
      const [found, expected] = [webGpuEngine, referenceEngine].map((engine) =>
        trained(engine, spec, 150, 32),
      );
      // 15 updates; Adam and RMSprop divide by the size of a gradient, so that the rounding of small ones shows
      expect(largest(found, expected)).toBeLessThan(1e-4);
      expect(trained(webGpuEngine, spec, 150, 32), "the same device gives the same bits again").toEqual(
        found,
      );
    },
  );

  test("a permuted column is read from the rows of its order, in samples of several chunks", () => {
    const samples = hashSamples(9000, 6);
    const order = shuffled(9000, 1);
    const [found, expected] = [webGpuEngine, referenceEngine].map((engine) => {
      const network = hashNetwork(engine, smallSpec());
      const loaded = network.load(samples);
      return [
        network.evaluate(loaded, neverCancelled, { column: 2, order }),
        network.evaluate(loaded, neverCancelled),
      ];
    });
    for (const [k, { samples: rows, lossSum, correct }] of expected.entries()) {
      expect(found[k].samples).toBe(rows);
      expect(found[k].lossSum / rows).toBeCloseTo(lossSum / rows, 6);
      // a logit on the edge of another may fall to either side
      expect(Math.abs(found[k].correct - correct)).toBeLessThanOrEqual(2);
    }
    expect(found[0].lossSum).not.toBe(found[1].lossSum);
  });

  test("an evaluation between two calls leaves the epoch as it was", () => {
    const weightsAfter = (evaluates: boolean): Float32Array => {
      const network = hashNetwork(webGpuEngine, smallSpec());
      const samples = network.load(hashSamples(100, 6));
      network.startEpoch(samples, inOrder(100), 10);
      network.trainBatches(3, 0.01, neverCancelled);
      if (evaluates) network.evaluate(samples, neverCancelled, { column: 0, order: inOrder(100).reverse() });
      if (evaluates) network.predict(hashSamples(500, 6).features, 500, neverCancelled);
      network.trainBatches(7, 0.01, neverCancelled);
      return flatten(network.exportWeights());
    };
    expect(weightsAfter(true)).toEqual(weightsAfter(false));
  });

  test("samples that a buffer cannot hold are refused, and the device goes on", () => {
    const device = openDevice();
    expect(() => device.allocate([device.adapter.limits.maxBufferSize + 4])).toThrow(GpuMemoryError);
    expect(device.floats(device.allocate([16])[0], 4)).toEqual(new Float32Array(4));
  });
});
