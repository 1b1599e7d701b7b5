import fc from "fast-check";
import { expect, test } from "vitest";
import { CancelledError, createCancellation, neverCancelled, type CancellationToken } from "../core/index.js";
import { describeEachEngine } from "../../test/engines.js";
import {
  flatten,
  gradientsOf,
  hashNetwork,
  hashSamples,
  hashUniform,
  inOrder,
  smallSpec,
} from "../../test/networks.js";
import { rounds } from "../../test/rounds.js";
import {
  activations,
  CANCELLATION_CHECK_FREQUENCY,
  WeightShapesError,
  type BatchSums,
  type Network,
  type NetworkSpec,
  type Samples,
} from "./index.js";

/** Cancelled from the nth look on. */
function cancelledAtLook(n: number): CancellationToken {
  let looks = 0;
  return {
    get isCancelled() {
      return ++looks >= n;
    },
  };
}

/** Trains some epochs in calls of `count` batches. */
function trainEpochs(network: Network, samples: Samples, epochs: number, batchSize = 8, count = 5): void {
  const loaded = network.load(samples);
  for (let epoch = 0; epoch < epochs; epoch++) {
    network.startEpoch(loaded, inOrder(samples.rows), batchSize);
    while (network.trainBatches(count, 0.01, neverCancelled).batches === count);
  }
}

/** Mean training loss by its definition in float64, dropout off: independent of any engine. */
function definedLoss(spec: NetworkSpec, parameters: Float64Array, samples: Samples): number {
  const act = {
    relu: (z: number) => Math.max(0, z),
    leaky_relu: (z: number) => (z > 0 ? z : Math.fround(0.01) * z),
    tanh: Math.tanh,
    sigmoid: (z: number) => 1 / (1 + Math.exp(-z)),
  }[spec.activation];
  let sum = 0;
  let total = 0;
  for (let i = 0; i < samples.rows; i++) {
    let x = [...samples.features.subarray(i * samples.columns, (i + 1) * samples.columns)];
    let at = 0;
    [...spec.hidden, spec.outputs].forEach((units, l) => {
      const inputs = x.length;
      const z = Array.from({ length: units }, (_, j) =>
        x.reduce(
          (s, value, k) => s + parameters[at + j * inputs + k] * value,
          parameters[at + units * inputs + j],
        ),
      );
      at += units * (inputs + 1);
      x = l < spec.hidden.length ? z.map(act) : z;
    });
    const p = Math.exp(x[samples.labels[i]]) / x.reduce((s, z) => s + Math.exp(z), 0);
    const weight = spec.classWeights?.[samples.labels[i]] ?? 1;
    const gamma = spec.loss.type === "focal" ? spec.loss.gamma : 0;
    sum += weight * -((1 - p) ** gamma) * Math.log(p);
    total += weight;
  }
  return sum / total;
}

describeEachEngine("engine", (engine) => {
  const samples = hashSamples(45, 6);

  const variants = activations.flatMap((activation) => [
    smallSpec({ activation }),
    smallSpec({ activation, loss: { type: "focal", gamma: 2 }, classWeights: Float32Array.of(0.5, 1, 2) }),
  ]);

  test.each(variants)("$activation, $loss.type: gradients are those of finite differences", (spec) => {
    const found = gradientsOf(engine, spec, samples, inOrder(45));
    const parameters = Float64Array.from(flatten(hashNetwork(engine, spec).exportWeights()));
    const h = 1e-5; // the error of a central difference is h² and 1e-16 / h: both 1e-10
    for (let i = 0; i < parameters.length; i++) {
      const [up, down] = [1, -1].map((sign) =>
        definedLoss(
          spec,
          Float64Array.from(parameters, (p, k) => (k === i ? p + sign * h : p)),
          samples,
        ),
      );
      // float32 sums of 45 terms of size 0.1
      expect(Math.abs(found[i] - (up - down) / (2 * h)), `parameter ${i}`).toBeLessThan(1e-6);
    }
  });

  test("a batch's loss and hits are those of its rows before the update", () => {
    const spec = smallSpec({ classWeights: Float32Array.of(0.5, 1, 2) });
    const network = hashNetwork(engine, spec);
    const parameters = Float64Array.from(flatten(network.exportWeights()));
    network.startEpoch(network.load(samples), inOrder(45), 45);
    const sums = network.trainBatches(1, 0.01, neverCancelled);
    expect(sums.samples).toBe(45);
    expect(sums.lossSum / 45).toBeCloseTo(definedLoss(spec, parameters, samples), 6);
    const before = hashNetwork(engine, spec);
    expect(sums.correct).toBe(before.evaluate(before.load(samples), neverCancelled).correct);
  });

  test("evaluate is the unweighted cross-entropy with dropout off, whatever the training loss", () => {
    const classWeights = Float32Array.of(0.5, 1, 2);
    const spec = smallSpec({ dropout: 0.5, classWeights, loss: { type: "focal", gamma: 2 } });
    const network = hashNetwork(engine, spec);
    const parameters = Float64Array.from(flatten(network.exportWeights()));
    const sums = network.evaluate(network.load(samples), neverCancelled);
    expect(sums.lossSum / 45).toBeCloseTo(definedLoss(smallSpec(), parameters, samples), 6);
  });

  test("predict gives rows that sum to 1 and agree with evaluate", () => {
    const many = hashSamples(1000, 6); // more than an engine handles at a time
    const network = hashNetwork(engine, smallSpec());
    const p = network.predict(many.features, many.rows, neverCancelled);
    let loss = 0;
    for (let i = 0; i < many.rows; i++) {
      expect(p[3 * i] + p[3 * i + 1] + p[3 * i + 2]).toBeCloseTo(1, 6);
      loss -= Math.log(p[3 * i + many.labels[i]]);
    }
    const sums = network.evaluate(network.load(many), neverCancelled);
    expect(loss / 1000).toBeCloseTo(sums.lossSum / 1000, 6);
  });

  test("a row's probabilities do not depend on the rows around it, bit for bit", () => {
    const network = hashNetwork(engine, smallSpec({ hidden: [17, 9] }));
    const whole = network.predict(samples.features, 45, neverCancelled);
    for (let i = 0; i < 45; i++) {
      const alone = network.predict(samples.features.slice(6 * i, 6 * i + 6), 1, neverCancelled);
      expect(alone).toEqual(whole.slice(3 * i, 3 * i + 3));
    }
  });

  test("extreme logits keep loss and probabilities finite", () => {
    const network = engine.createNetwork(smallSpec({ inputs: 1, hidden: [] }), 1);
    const weight = Float32Array.of(1000, 0, -1000);
    network.importWeights([{ inputs: 1, outputs: 3, weight, bias: new Float32Array(3) }]);
    expect([...network.predict(Float32Array.of(1), 1, neverCancelled)]).toEqual([1, 0, 0]);
    const wrong = { rows: 1, columns: 1, features: Float32Array.of(1), labels: Uint8Array.of(2) };
    expect(network.evaluate(network.load(wrong), neverCancelled).lossSum).toBe(2000);
  });

  test("one seed gives one trajectory, another seed another", () => {
    const bytes = (seed: number): Float32Array => {
      const network = engine.createNetwork(smallSpec({ dropout: 0.3 }), seed);
      trainEpochs(network, samples, 3);
      return flatten(network.exportWeights());
    };
    expect(bytes(7)).toEqual(bytes(7));
    expect(bytes(7)).not.toEqual(bytes(8));
  });

  test("new weights are uniform in ±1/sqrt(inputs), biases too", () => {
    const [first, second] = engine.createNetwork(smallSpec({ inputs: 100, hidden: [64] }), 3).exportWeights();
    for (const [values, bound] of [
      [first.weight, 1 / 10],
      [first.bias, 1 / 10],
      [second.weight, 1 / 8],
    ] as const) {
      const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.9 * bound);
    }
    const mean = first.weight.reduce((sum, value) => sum + value, 0) / first.weight.length;
    // deviation of the mean of 6400 uniform numbers in ±0.1: 0.1 / sqrt(3 × 6400) = 0.0007
    expect(Math.abs(mean)).toBeLessThan(0.003);
  });

  test("how batches are gathered into calls does not change the weights", () => {
    const spec = smallSpec({ dropout: 0.3, gradientClip: 0.5 });
    const weightsAfter = (count: number): Float32Array => {
      const network = engine.createNetwork(spec, 5);
      trainEpochs(network, samples, 2, 8, count);
      return flatten(network.exportWeights());
    };
    const oneByOne = weightsAfter(1);
    for (const count of [2, 5, 100]) expect(weightsAfter(count)).toEqual(oneByOne);
  });

  test("a call tells its sums after each batch as calls of one batch would add up", () => {
    // 50 rows in batches of 8: the last has 2; a shorter call comes first, so that room for more is made.
    const samples = hashSamples(50, 6);
    const start = (): Network => {
      const network = hashNetwork(engine, smallSpec({ dropout: 0.3 }));
      network.startEpoch(network.load(samples), inOrder(50), 8);
      return network;
    };
    const single = start();
    const each = Array.from({ length: 7 }, () => single.trainBatches(1, 0.01, neverCancelled));
    const sumsFrom = (batches: readonly BatchSums[]): number[] => {
      let [loss, hits] = [0, 0];
      return batches.flatMap(({ lossSum, correct }) => [(loss += lossSum), (hits += correct)]);
    };
    const network = start();
    const numbers = new Float64Array(12).fill(-1);
    network.trainBatches(2, 0.01, neverCancelled, numbers.subarray(0, 4));
    expect([...numbers.subarray(0, 6)]).toEqual([...sumsFrom(each.slice(0, 2)), -1, -1]);
    const { lossSum, correct } = network.trainBatches(6, 0.01, neverCancelled, numbers);
    expect([...numbers.subarray(0, 10)]).toEqual(sumsFrom(each.slice(2)));
    expect([...numbers.subarray(8, 10)]).toEqual([lossSum, correct]);
  });

  test("an epoch visits every row once, in the given order, and ends", () => {
    const network = hashNetwork(engine, smallSpec());
    const order = inOrder(45).reverse();
    network.startEpoch(network.load(samples), order, 10);
    const seen = [3, 3, 3].map((count) => network.trainBatches(count, 0.01, neverCancelled));
    expect(seen.map(({ batches, samples: n }) => [batches, n])).toEqual([
      [3, 30],
      [2, 15],
      [0, 0],
    ]);
    const same = hashNetwork(engine, smallSpec());
    const reversed: Samples = {
      ...samples,
      features: samples.features.slice(),
      labels: samples.labels.slice().reverse(),
    };
    for (let i = 0; i < 45; i++)
      reversed.features.set(samples.features.subarray(6 * i, 6 * i + 6), 6 * (44 - i));
    trainEpochs(same, reversed, 1, 10);
    expect(flatten(same.exportWeights())).toEqual(flatten(network.exportWeights()));
  });

  test("given dropout masks are used", () => {
    const spec = smallSpec({ hidden: [8], dropout: 0.5, activation: "relu" });
    const masks = [Uint8Array.from(hashUniform(9, 45 * 8), (u) => (u < 0.5 ? 0 : 1))];
    const none = gradientsOf(engine, { ...spec, dropout: 0 }, samples, inOrder(45));
    const dropped = gradientsOf(engine, spec, samples, inOrder(45), masks);
    expect(dropped).not.toEqual(none);
    // With all units dropped only the last bias learns.
    const nothing = gradientsOf(engine, spec, samples, inOrder(45), [new Uint8Array(45 * 8)]);
    expect(nothing.slice(0, -3).every((g) => g === 0)).toBe(true);
    expect(nothing.slice(-3).every((g) => g !== 0)).toBe(true);
  });

  test("clipped gradients have the norm of the limit, unclipped ones their own", () => {
    const norm = (gradients: Float64Array): number => Math.hypot(...gradients);
    const free = norm(gradientsOf(engine, smallSpec(), samples, inOrder(45)));
    const clipped = norm(gradientsOf(engine, smallSpec({ gradientClip: free / 3 }), samples, inOrder(45)));
    expect(clipped).toBeCloseTo(free / 3, 5);
    const loose = gradientsOf(engine, smallSpec({ gradientClip: 2 * free }), samples, inOrder(45));
    expect(norm(loose)).toBe(free);
  });

  test("weights survive export and import, and optimizer state starts afresh", () => {
    const first = engine.createNetwork(smallSpec({ dropout: 0.2 }), 11);
    const fresh = first.exportWeights();
    trainEpochs(first, samples, 1);
    const once = flatten(first.exportWeights());
    expect(once).not.toEqual(flatten(fresh));
    first.importWeights(fresh);
    expect(flatten(first.exportWeights())).toEqual(flatten(fresh));
    trainEpochs(first, samples, 1);
    expect(flatten(first.exportWeights())).toEqual(once);
  });

  test("kept weights are those of the moment, whatever comes after", () => {
    const network = hashNetwork(engine, smallSpec());
    expect(network.keptWeights()).toBeNull();
    trainEpochs(network, samples, 1);
    const then = network.exportWeights();
    network.keepWeights();
    trainEpochs(network, samples, 1);
    expect(network.keptWeights()).toEqual(then);
    expect(network.exportWeights()).not.toEqual(then);
    network.keepWeights();
    expect(network.keptWeights()).toEqual(network.exportWeights());
  });

  test("the token is looked at at least every CANCELLATION_CHECK_FREQUENCY batches", () => {
    const network = hashNetwork(engine, smallSpec());
    network.startEpoch(network.load(samples), inOrder(45), 1);
    let looks = 0;
    const token = {
      get isCancelled() {
        looks++;
        return false;
      },
    };
    network.trainBatches(45, 0.01, token);
    expect(looks).toBeGreaterThanOrEqual(45 / CANCELLATION_CHECK_FREQUENCY);
  });

  test("a control block stops a call as any token does", () => {
    const { token, cancel } = createCancellation();
    const network = hashNetwork(engine, smallSpec());
    const loaded = network.load(samples);
    network.startEpoch(loaded, inOrder(45), 10);
    expect(network.trainBatches(2, 0.01, token).batches).toBe(2);
    cancel();
    expect(network.trainBatches(2, 0.01, token).batches).toBe(0);
    expect(() => network.evaluate(loaded, token)).toThrow(CancelledError);
    expect(network.trainBatches(9, 0.01, neverCancelled).batches).toBe(3);
  });

  test("exported weights are a copy", () => {
    const network = hashNetwork(engine, smallSpec());
    const weights = network.exportWeights();
    weights[0].weight.fill(NaN);
    expect(flatten(network.exportWeights()).every(Number.isFinite)).toBe(true);
  });

  test("weights of another network are refused", () => {
    const network = hashNetwork(engine, smallSpec());
    const other = hashNetwork(engine, smallSpec({ hidden: [8, 4] })).exportWeights();
    expect(() => network.importWeights(other)).toThrow(WeightShapesError);
    expect(() => network.importWeights(other)).toThrow(/6x8 8x4 4x3.*6x8 8x5 5x3/);
  });

  test("a loss that is not finite ends the call with its batch", () => {
    const poisoned: Samples = { ...samples, features: samples.features.slice() };
    poisoned.features[6 * 25] = NaN; // row 25: the third batch of ten
    for (const activation of activations) {
      const network = hashNetwork(engine, smallSpec({ activation }));
      network.startEpoch(network.load(poisoned), inOrder(45), 10);
      const sums = network.trainBatches(5, 0.01, neverCancelled);
      expect([activation, sums.batches, sums.lossSum]).toEqual([activation, 3, NaN]);
    }
  });

  test("a cancelled call leaves the weights of the last whole batch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), (look) => {
        const network = hashNetwork(engine, smallSpec());
        network.startEpoch(network.load(samples), inOrder(45), 10);
        const { batches } = network.trainBatches(5, 0.01, cancelledAtLook(look));
        const other = hashNetwork(engine, smallSpec());
        other.startEpoch(other.load(samples), inOrder(45), 10);
        other.trainBatches(batches, 0.01, neverCancelled);
        expect(flatten(network.exportWeights())).toEqual(flatten(other.exportWeights()));
      }),
      { numRuns: rounds(200, 30) },
    );
  });

  test("a token cancelled before the call stops everything", () => {
    const cancelled = { isCancelled: true };
    const network = hashNetwork(engine, smallSpec());
    const loaded = network.load(samples);
    network.startEpoch(loaded, inOrder(45), 10);
    expect(network.trainBatches(5, 0.01, cancelled).batches).toBe(0);
    expect(() => network.evaluate(loaded, cancelled)).toThrow(CancelledError);
    expect(() => network.predict(samples.features, 45, cancelled)).toThrow(CancelledError);
  });

  test("a large batch looks at the token many times", () => {
    // 512 rows × (100×512 + 512×128 + 128×3) weights × 3 products: 180 million multiply-adds, some 10 to 180 ms.
    const large = hashSamples(512, 100);
    const network = engine.createNetwork(smallSpec({ inputs: 100, hidden: [512, 128] }), 1);
    network.startEpoch(network.load(large), inOrder(512), 512);
    let looks = 0;
    network.trainBatches(1, 0.01, {
      get isCancelled() {
        looks++;
        return false;
      },
    });
    expect(looks).toBeGreaterThan(20);
  });

  test("ten samples are memorised", () => {
    const labels = Uint8Array.from(hashUniform(77, 10), (u) => Math.floor(3 * u));
    const ten = { ...hashSamples(10, 6), labels };
    const network = engine.createNetwork(smallSpec({ hidden: [32, 16] }), 1);
    trainEpochs(network, ten, 300, 10);
    const { correct, lossSum } = network.evaluate(network.load(ten), neverCancelled);
    expect(correct).toBe(10);
    expect(lossSum / 10).toBeLessThan(0.01);
  });
});
