import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { CancelledError, neverCancelled } from "../../core/index.js";
import { flatten, hashSamples, hashUniform, smallSpec } from "../../../test/networks.js";
import { rounds } from "../../../test/rounds.js";
import { activations, type Engine, type NetworkSpec, type OptimizerSpec, type Samples } from "../engine.js";
import { referenceEngine } from "../reference/reference.js";

import { Arena, EngineMemoryError } from "./arena.js";
import { startHelper } from "./helpers.js";
import { instantiate } from "./module.js";
import { wasmEngine } from "./wasm.js";

// The real ones, whose places the tests can look at.
vi.mock(import("./helpers.js"), async (original) => {
  const { startHelper } = await original();
  return { startHelper: vi.fn(startHelper) };
});

/** How many helpers took part in the last work of the network whose helper was started last. */
function helpersAtWork(): number {
  const [places] = vi.mocked(startHelper).mock.calls.at(-1) as Parameters<typeof startHelper>;
  const { module, memory, description, fractions, scratch, buffers, widest } = places;
  const kernel = instantiate(module, memory, () => false);
  kernel.bind(description, fractions, scratch, buffers, widest);
  return kernel.helpersAtWork();
}

const weightDecay = fc.constantFrom(0, 0.01);
const optimizer: fc.Arbitrary<OptimizerSpec> = fc.oneof(
  fc.record({
    type: fc.constantFrom("adam" as const, "adamw" as const),
    weightDecay,
    beta1: fc.constant(0.9),
    beta2: fc.constant(0.999),
    epsilon: fc.constant(1e-8),
  }),
  fc.record({ type: fc.constant("sgd" as const), weightDecay, momentum: fc.constantFrom(0, 0.9) }),
  fc.record({
    type: fc.constant("rmsprop" as const),
    weightDecay,
    alpha: fc.constant(0.99),
    epsilon: fc.constant(1e-8),
  }),
);

/** Networks of any shape with every option, the widths crossing the kernel's panels of 8 and tiles of 4. */
const spec: fc.Arbitrary<NetworkSpec> = fc
  .record({
    inputs: fc.integer({ min: 1, max: 27 }),
    hidden: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
    outputs: fc.constantFrom(2, 3, 3, 9),
    activation: fc.constantFrom(...activations),
    dropout: fc.constantFrom(0, 0.2, 0.5),
    optimizer,
    loss: fc.oneof(
      fc.constant({ type: "cross_entropy" as const }),
      fc.record({ type: fc.constant("focal" as const), gamma: fc.constantFrom(0.5, 2, 2.5) }),
    ),
    gradientClip: fc.constantFrom(0, 0.1, 1),
    weighted: fc.boolean(),
  })
  .map(({ weighted, ...rest }) => ({
    ...rest,
    classWeights: weighted ? Float32Array.from({ length: rest.outputs }, (_, k) => 0.5 + k) : null,
  }));

/** Samples of as many classes as the network has outputs. */
function samplesFor({ inputs, outputs }: NetworkSpec, rows: number): Samples {
  const labels = Uint8Array.from(hashUniform(77, rows), (u) => Math.floor(u * outputs));
  return { ...hashSamples(rows, inputs), labels };
}

/** Everything that a network can tell, after some epochs. */
function everything(engine: Engine, of: NetworkSpec, samples: Samples, batchSize: number): unknown {
  const network = engine.createNetwork(of, 5);
  const loaded = network.load(samples);
  const { rows } = samples;
  const order = Uint32Array.from({ length: rows }, (_, i) => (i * 7919) % rows);
  const told = [1, 2, 3].map(() => {
    network.startEpoch(loaded, order, batchSize);
    return [
      network.trainBatches(2, 0.01, neverCancelled),
      network.trainBatches(1000, 0.003, neverCancelled),
      network.evaluate(loaded, neverCancelled),
      network.evaluate(loaded, neverCancelled, { column: samples.columns - 1, order }),
    ];
  });
  const probabilities = network.predict(samples.features, rows, neverCancelled);
  const weights = flatten(network.exportWeights());
  network.dispose();
  return { told, probabilities, weights };
}

test("every network gives the bits of the reference: losses, hits, weights, probabilities", () => {
  fc.assert(
    fc.property(
      spec,
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 150 }),
      (of, rows, batchSize) => {
        const samples = samplesFor(of, rows);
        expect(everything(wasmEngine(), of, samples, batchSize)).toEqual(
          everything(referenceEngine, of, samples, batchSize),
        );
      },
    ),
    { numRuns: rounds(500, 40) },
  );
});

// A gradient of half the input, from weights that are 0. Mean, velocity or square of it is less than 2^-126 and counts as 0; as it is, Adam would
// move by some 5,000, SGD by 5e-39 and RMSprop by some 3 instead of 5e21.
test.each([
  [{ type: "adam", weightDecay: 0, beta1: 0.9, beta2: 0.9, epsilon: 1e-42 }, 1e-38, 0],
  [{ type: "sgd", weightDecay: 0, momentum: 0.9 }, 1e-38, 0],
  [{ type: "rmsprop", weightDecay: 0, alpha: 0.9, epsilon: 1e-42 }, 1e-20, 5e21],
] as const)("optimizer state too small for full precision is 0: %j", (optimizer, input, move) => {
  const one = smallSpec({ inputs: 1, hidden: [], outputs: 2, optimizer });
  const zeros = { inputs: 1, outputs: 2, weight: new Float32Array(2), bias: new Float32Array(2) };
  const samples = { rows: 1, columns: 1, features: Float32Array.of(input), labels: Uint8Array.of(1) };
  const weights = [referenceEngine, wasmEngine()].map((engine) => {
    const network = engine.createNetwork(one, 5);
    network.importWeights([zeros]);
    network.startEpoch(network.load(samples), Uint32Array.of(0), 1);
    network.trainBatches(1, 1, neverCancelled);
    return network.exportWeights()[0].weight;
  });
  expect(weights[1]).toEqual(weights[0]);
  const moved = Math.abs(weights[0][0]);
  if (move === 0) expect(moved).toBe(0);
  else expect(moved / move).toBeCloseTo(1, 2);
});

test("a network that overflows gives the bits of the reference up to its last batch", () => {
  let overflows = 0;
  fc.assert(
    fc.property(
      spec,
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(1e5, 1e20, 1e36),
      fc.constantFrom(0.1, 1e10),
      (of, rows, scale, rate) => {
        const samples = samplesFor(of, rows);
        const large = { ...samples, features: samples.features.map((value) => value * scale) };
        const [here, there] = [wasmEngine(), referenceEngine].map((engine) => {
          const network = engine.createNetwork(of, 5);
          network.startEpoch(
            network.load(large),
            Uint32Array.from({ length: rows }, (_, i) => i),
            7,
          );
          const told = network.trainBatches(5, rate, neverCancelled);
          return { told, weights: flatten(network.exportWeights()) };
        });
        if (!there.weights.every((value) => Number.isFinite(value))) overflows++;
        expect(here).toEqual(there);
      },
    ),
    { numRuns: rounds(2000, 150) },
  );
  expect(overflows, "networks that overflowed").toBeGreaterThan(10);
});

test("more rows than the kernel takes at a time", () => {
  const of: NetworkSpec = {
    inputs: 5,
    hidden: [9],
    outputs: 3,
    activation: "tanh",
    dropout: 0,
    optimizer: { type: "sgd", weightDecay: 0, momentum: 0.9 },
    loss: { type: "cross_entropy" },
    gradientClip: 0,
    classWeights: null,
  };
  const samples = samplesFor(of, 9001);
  expect(everything(wasmEngine(), of, samples, 300)).toEqual(everything(referenceEngine, of, samples, 300));
});

test.each(activations)("%s: two and three threads give the bits of one", async (activation) => {
  const of: NetworkSpec = {
    inputs: 70,
    hidden: [130, 90],
    outputs: 3,
    activation,
    dropout: 0.2,
    optimizer: { type: "adam", weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    loss: { type: "cross_entropy" },
    gradientClip: 0.5,
    classWeights: null,
  };
  // 1001 rows × 21,000 parameters: above the size from which threads share a batch, and a short last batch.
  const samples = samplesFor(of, 2500);
  const alone = everything(wasmEngine(1), of, samples, 1001);
  for (const threads of [2, 3]) expect(everything(wasmEngine(threads), of, samples, 1001)).toEqual(alone);

  // These may have been over before a helper had started. Here all helpers take part.
  const order = Uint32Array.from({ length: 2500 }, (_, i) => i);
  const trained = async (threads: number): Promise<unknown> => {
    const network = wasmEngine(threads).createNetwork(of, 5);
    const loaded = network.load(samples);
    const fresh = network.exportWeights();
    const run = () => {
      network.startEpoch(loaded, order, 1001);
      return [network.trainBatches(10, 0.01, neverCancelled), network.evaluate(loaded, neverCancelled)];
    };
    if (threads > 1) {
      await expect.poll(() => run() && helpersAtWork(), { interval: 1, timeout: 20_000 }).toBe(threads - 1);
    }
    network.importWeights(fresh);
    const told = [run(), run(), network.exportWeights()];
    if (threads > 1) expect(helpersAtWork(), "helpers in the last inference").toBe(threads - 1);
    network.dispose();
    return told;
  };
  const one = await trained(1);
  for (const threads of [2, 3]) expect(await trained(threads)).toEqual(one);
});

test("a helper that cannot start is no failure of the run", async () => {
  const helper = startHelper({ module: {} as WebAssembly.Module, memory: new Arena().memory } as Parameters<
    typeof startHelper
  >[0]);
  await new Promise((resolve) => helper.on("exit", resolve)); // an error that nobody listens to would fail this test
});

test("where memory ran out for a batch, the next one asks for it again", () => {
  const samples = samplesFor(plain, 50);
  const order = Uint32Array.from({ length: 50 }, (_, i) => i);
  const told = [true, false].map((runsOut) => {
    const network = wasmEngine().createNetwork(plain, 5);
    const loaded = network.load(samples);
    if (runsOut) {
      const allocate = vi.spyOn(Arena.prototype, "allocate").mockImplementationOnce(() => {
        throw new EngineMemoryError(2 ** 32);
      });
      expect(() => network.startEpoch(loaded, order, 10)).toThrow(EngineMemoryError);
      allocate.mockRestore();
    }
    network.startEpoch(loaded, order, 10);
    return [network.trainBatches(5, 0.01, neverCancelled), network.evaluate(loaded, neverCancelled)];
  });
  expect(told[0]).toEqual(told[1]);
});

const plain: NetworkSpec = {
  inputs: 5,
  hidden: [9],
  outputs: 3,
  activation: "relu",
  dropout: 0,
  optimizer: { type: "sgd", weightDecay: 0, momentum: 0.9 },
  loss: { type: "cross_entropy" },
  gradientClip: 0,
  classWeights: null,
};

test("a network whose evaluation was cancelled trains on with batches of any size", () => {
  const samples = samplesFor(plain, 12_000);
  const order = Uint32Array.from({ length: 12_000 }, (_, i) => i);
  const told = [wasmEngine(), referenceEngine].map((engine) => {
    const network = engine.createNetwork(plain, 5);
    const loaded = network.load(samples);
    network.startEpoch(loaded, order, 12_000);
    network.trainBatches(1, 0.01, neverCancelled);
    expect(() => network.evaluate(loaded, { isCancelled: true })).toThrow(CancelledError);
    network.startEpoch(loaded, order, 12_000);
    return [network.trainBatches(1, 0.01, neverCancelled), network.evaluate(loaded, neverCancelled)];
  });
  expect(told[0]).toEqual(told[1]);
});

test.each([2 ** 31, 2 ** 32 + 1])("a batch size of %d is a batch of all samples", (batchSize) => {
  const samples = samplesFor(plain, 50);
  expect(everything(wasmEngine(), plain, samples, batchSize)).toEqual(
    everything(wasmEngine(), plain, samples, 50),
  );
});

test("more memory than addresses reach is refused with the ways out", () => {
  const arena = new Arena();
  arena.allocate(1000);
  expect(() => arena.allocate(2 ** 32)).toThrow(EngineMemoryError);
  expect(() => arena.allocate(2 ** 32)).toThrow(/4096 MiB at most.*--engine reference/);
  expect(arena.floats(arena.allocate(400), 100)).toEqual(new Float32Array(100));
});
