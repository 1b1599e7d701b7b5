import fc from "fast-check";
import { expect, test } from "vitest";
import { CancelledError, createRandom, neverCancelled } from "../../core/index.js";
import { describeWithComponent } from "../../../test/components.js";
import { missingGpu } from "../../../test/gpu.js";
import { flatten, hashSamples, inOrder, smallSpec } from "../../../test/networks.js";
import { rounds } from "../../../test/rounds.js";
import type { Engine, Network, Samples, Together } from "../index.js";
import { tiledWebGpuEngine, webGpuEngine } from "./webgpu.js";

const seeds = [7, 8, 9, 10];
const samples = hashSamples(45, 6);
const spec = smallSpec({ dropout: 0.3, gradientClip: 0.5, classWeights: Float32Array.of(0.5, 1, 2) });

/** Each network visits the rows in its own order, some of them not all. */
function orderOf(k: number): Uint32Array {
  const order = inOrder(45);
  createRandom(k, "order").shuffle(order);
  return order.subarray(0, 45 - 6 * k);
}

const rateOf = (k: number): number => 0.01 / (k + 1);

/** The k-th network as it is after so many batches of 8 by itself, in calls of three. */
function alone(engine: Engine, k: number, batches: number): Network {
  const network = engine.createNetwork(spec, seeds[k]);
  network.startEpoch(network.load(samples), orderOf(k), 8);
  for (let done = 0; done < batches; done += 3) {
    network.trainBatches(Math.min(3, batches - done), rateOf(k), neverCancelled);
  }
  return network;
}

/** All networks, each at the beginning of its epoch. */
function begun(together: Together, data: Samples = samples): Network[] {
  const networks = together.createNetworks(spec, seeds);
  const loaded = together.load(networks, data);
  for (const [k, network] of networks.entries()) network.startEpoch(loaded, orderOf(k), 8);
  return networks;
}

for (const [name, engine] of [
  ["workgroups", webGpuEngine],
  ["tiled products", tiledWebGpuEngine],
] as const) {
  const together = engine.together!;

  describeWithComponent(`many networks at once by ${name}`, missingGpu, () => {
    test("each has the bits that it has alone, whatever its order, rate and count are", () => {
      const networks = begun(together);
      const counts = [1, 6, 2, 4];
      const requests = networks.map((network, k) => ({
        network,
        count: counts[k],
        learningRate: rateOf(k),
      }));
      const sums = together.trainBatches(requests, neverCancelled);
      const loaded = together.load(networks, samples);
      const evaluated = together.evaluate(networks, loaded, neverCancelled);
      for (const [k, network] of networks.entries()) {
        const batches = Math.min(counts[k], Math.ceil(orderOf(k).length / 8));
        expect(sums[k].batches).toBe(batches);
        const single = alone(engine, k, batches);
        expect(flatten(network.exportWeights()), `weights of network ${k}`).toEqual(
          flatten(single.exportWeights()),
        );
        expect(evaluated[k]).toEqual(single.evaluate(single.load(samples), neverCancelled));
        expect(network.predict(samples.features, 45, neverCancelled)).toEqual(
          single.predict(samples.features, 45, neverCancelled),
        );
      }
    });

    test("sums are those of its own call", () => {
      const networks = begun(together);
      const requests = networks.map((network, k) => ({ network, count: 9, learningRate: rateOf(k) }));
      const sums = together.trainBatches(requests.toReversed(), neverCancelled).toReversed();
      for (const [k, found] of sums.entries()) {
        const network = engine.createNetwork(spec, seeds[k]);
        network.startEpoch(network.load(samples), orderOf(k), 8);
        expect(found).toEqual(network.trainBatches(9, rateOf(k), neverCancelled));
      }
    });

    test("networks with other samples, batch sizes and epochs under way share a call", () => {
      const [first, second, third, fourth] = begun(together);
      const own = hashSamples(80, 6);
      second.startEpoch(second.load(own), inOrder(80), 20); // longer than the orders there are
      third.startEpoch(third.load(samples), inOrder(45), 45);
      const many = hashSamples(1500, 6); // a batch of 132 kB: tiled products beside workgroups
      fourth.startEpoch(fourth.load(many), inOrder(1500), 1500);
      const requests = [first, second, third, fourth].map((network) => ({
        network,
        count: 2,
        learningRate: 0.01,
      }));
      const sums = together.trainBatches(requests, neverCancelled);
      expect(sums.map(({ samples: rows }) => rows)).toEqual([16, 40, 45, 1500]);
      const single = engine.createNetwork(spec, seeds[1]);
      single.startEpoch(single.load(own), inOrder(80), 20);
      single.trainBatches(2, 0.01, neverCancelled);
      expect(flatten(second.exportWeights())).toEqual(flatten(single.exportWeights()));
      const other = engine.createNetwork(spec, seeds[3]);
      other.startEpoch(other.load(many), inOrder(1500), 1500);
      other.trainBatches(2, 0.01, neverCancelled);
      expect(flatten(fourth.exportWeights())).toEqual(flatten(other.exportWeights()));
    });

    test("whatever is asked between calls, an epoch goes on as if nothing had been", () => {
      const other = hashSamples(20, 6);
      const between: ((network: Network) => unknown)[] = [
        () => undefined,
        (network) => network.exportWeights(),
        (network) => network.keepWeights(),
        (network) => network.evaluate(network.load(other), neverCancelled),
        (network) => network.predict(other.features, 20, neverCancelled),
        (network) => network.trainBatches(2, 0.02, { isCancelled: true }),
      ];
      const call = fc.record({
        count: fc.integer({ min: 1, max: 3 }),
        learningRate: fc.constantFrom(0.01, 0.02),
        ask: fc.constantFrom(...between),
        who: fc.integer({ min: 0, max: 1 }),
        single: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(call, { minLength: 1, maxLength: 12 }), (calls) => {
          const networks = together.createNetworks(spec, seeds.slice(0, 2));
          const loaded = together.load(networks, samples);
          for (const network of networks) network.startEpoch(loaded, inOrder(45), 3);
          for (const { count, learningRate, ask, who, single } of calls) {
            const asked = single ? [networks[who]] : networks;
            const requests = asked.map((network) => ({ network, count, learningRate }));
            together.trainBatches(requests, neverCancelled);
            ask(networks[who]);
          }
          for (const [k, network] of networks.entries()) {
            const straight = engine.createNetwork(spec, seeds[k]);
            straight.startEpoch(straight.load(samples), inOrder(45), 3);
            for (const { count, learningRate, who, single } of calls) {
              if (!single || who === k) straight.trainBatches(count, learningRate, neverCancelled);
              straight.exportWeights();
            }
            expect(flatten(network.exportWeights())).toEqual(flatten(straight.exportWeights()));
            straight.dispose();
            network.dispose();
          }
        }),
        { numRuns: rounds(200, 12) },
      );
    });

    test("one that is disposed of leaves the others as they are", () => {
      const networks = begun(together);
      const train = (those: Network[], count: number): unknown =>
        together.trainBatches(
          those.map((network) => ({ network, count, learningRate: rateOf(networks.indexOf(network)) })),
          neverCancelled,
        );
      train(networks, 2);
      networks[1].dispose();
      networks[1].dispose();
      expect(() => networks[1].exportWeights()).toThrow(/disposed of/);
      train([networks[0], networks[2], networks[3]], 1);
      networks[0].dispose(); // the samples are still the others'
      train([networks[2], networks[3]], 1);
      for (const k of [2, 3]) {
        const single = flatten(alone(engine, k, 4).exportWeights());
        expect(flatten(networks[k].exportWeights())).toEqual(single);
      }
    });

    test("a stop leaves each with the weights of its last whole batch", () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 40 }), (look) => {
          let looks = 0;
          const token = {
            get isCancelled() {
              return ++looks >= look;
            },
          };
          const networks = begun(together);
          const requests = networks.map((network, k) => ({ network, count: 9, learningRate: rateOf(k) }));
          const sums = together.trainBatches(requests, token);
          for (const [k, { batches }] of sums.entries()) {
            const single = alone(engine, k, batches);
            expect(flatten(networks[k].exportWeights())).toEqual(flatten(single.exportWeights()));
            single.dispose();
            networks[k].dispose();
          }
        }),
        { numRuns: rounds(50, 6) },
      );
      const networks = begun(together);
      const loaded = together.load(networks, samples);
      const request = { network: networks[0], count: 1, learningRate: 0.01 };
      expect(together.trainBatches([request], { isCancelled: true })[0].batches).toBe(0);
      expect(() => together.evaluate(networks, loaded, { isCancelled: true })).toThrow(CancelledError);
    });

    test("after a loss that is not finite a call begins with the batch behind it", () => {
      const poisoned = { ...samples, features: samples.features.slice() };
      poisoned.features[0] = NaN;
      const network = engine.createNetwork(spec, 1);
      network.startEpoch(network.load(poisoned), inOrder(20), 8);
      const seen = [2, 2, 2].map((count) => network.trainBatches(count, 0.01, neverCancelled).samples);
      expect(seen).toEqual([8, 8, 4]);
    });

    test("a loss that is not finite ends the part of its own network only", () => {
      const poisoned = { ...samples, features: samples.features.slice() };
      const row = orderOf(0)[10]; // in the second batch of the first network
      const others = seeds.map((_, k) => orderOf(k).filter((i) => i !== row));
      poisoned.features[6 * row] = NaN;
      const networks = begun(together, poisoned);
      const loaded = together.load(networks, poisoned);
      for (const k of [1, 2, 3]) networks[k].startEpoch(loaded, others[k], 8);
      const requests = networks.map((network, k) => ({ network, count: 4, learningRate: rateOf(k) }));
      const sums = together.trainBatches(requests, neverCancelled);
      expect([sums[0].batches, sums[0].lossSum]).toEqual([2, NaN]);
      for (const k of [1, 2, 3]) {
        expect(sums[k].batches).toBe(Math.min(4, Math.ceil(others[k].length / 8)));
        expect(sums[k].lossSum).toBeGreaterThan(0);
        const single = engine.createNetwork(spec, seeds[k]);
        single.startEpoch(single.load(samples), others[k], 8);
        single.trainBatches(4, rateOf(k), neverCancelled);
        expect(flatten(networks[k].exportWeights())).toEqual(flatten(single.exportWeights()));
      }
    });
  });
}

describeWithComponent("which kernel trains a network", missingGpu, () => {
  /** Looks at the token a batch: one where a batch is one piece of work, one for each product and more where it is many. */
  const looksPerBatch = (hidden: number[]): number => {
    const network = webGpuEngine.createNetwork(smallSpec({ hidden }), 1);
    network.startEpoch(network.load(samples), inOrder(45), 15);
    let looks = 0;
    network.trainBatches(3, 0.01, {
      get isCancelled() {
        looks++;
        return false;
      },
    });
    network.dispose();
    return looks / 3;
  };

  test("one workgroup where the network fits into its memory, else tiled products", () => {
    expect(looksPerBatch([32, 16])).toBeLessThan(3);
    expect(looksPerBatch([4000])).toBeGreaterThan(6);
  });
});
