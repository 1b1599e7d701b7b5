import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CancelledError, createCancellation, neverCancelled, type TrainingProgress } from "../core/index.js";
import {
  referenceEngine,
  type Engine,
  type Network,
  type NetworkSpec,
  type Samples,
  type Weights,
} from "../engines/index.js";
import { flatten, hashSamples, hashUniform } from "../../test/networks.js";
import { rounds } from "../../test/rounds.js";
import { LossNotFiniteError } from "./errors.js";
import { classificationMetrics } from "./metrics.js";
import { MLPTradingModel } from "./model.js";
import { toTrainingOptions, trainingSchema, type TrainingOptions } from "./schema.js";
import type { TrainingParts } from "./checks.js";
import { ModelTrainer, type TrainedModel, type TrainingHooks } from "./trainer.js";

const noClock = (): number => 0;
const model = new MLPTradingModel(6, { hidden: [8, 5], activation: "tanh", dropout: 0.2 });

function options(written: Parameters<typeof trainingSchema.parse>[0] = {}): TrainingOptions {
  return toTrainingOptions(trainingSchema.parse(written));
}

/** Rows [from, to) as samples of their own. */
function rowsOf(samples: Samples, from: number, to: number): Samples {
  const { columns } = samples;
  return {
    rows: to - from,
    columns,
    features: samples.features.slice(from * columns, to * columns),
    labels: samples.labels.slice(from, to),
  };
}

const all = hashSamples(600, 6);
const parts: TrainingParts = { train: rowsOf(all, 0, 400), validation: rowsOf(all, 400, 500) };
const held = rowsOf(all, 500, 600);

function fit(
  written: Parameters<typeof trainingSchema.parse>[0],
  {
    engine = referenceEngine,
    data = parts,
    hooks = {},
  }: { engine?: Engine; data?: TrainingParts; hooks?: TrainingHooks } = {},
): TrainedModel {
  return new ModelTrainer(engine, options(written), noClock).fit(model, data, hooks);
}

/** Accuracy and balanced accuracy of a trained model. */
function testMetrics(trained: TrainedModel, samples: Samples) {
  const network = trained.model.open(referenceEngine);
  const probabilities = network.predict(samples.features, samples.rows, { isCancelled: false });
  const metrics = classificationMetrics(probabilities, samples.labels);
  if (!("test_accuracy" in metrics)) throw new Error("no samples");
  return metrics;
}

interface Script {
  validLosses?: number[];
  /** Batch of the whole run (from 1) whose loss is NaN. */
  nanAt?: number;
  lastWeight?: number;
}

/**
 * An engine that computes nothing: its validation losses are given, its only weight is the number of epochs started. It
 * writes down what it was asked to do.
 */
function scriptedEngine({ validLosses = [], nanAt, lastWeight }: Script = {}) {
  const log = {
    orders: [] as number[][],
    rates: [] as number[],
    spec: null as NetworkSpec | null,
    disposed: 0,
  };
  let epochs = 0;
  let batchesDone = 0;
  let left = 0;
  let size = 0;
  let kept: Weights | null = null;
  const network: Omit<Network, "spec"> = {
    load: (samples) => samples,
    startEpoch(_, order, batchSize) {
      epochs++;
      log.orders.push([...order]);
      left = order.length;
      size = batchSize;
    },
    trainBatches(count, learningRate, _, perBatch) {
      if (log.rates.length < epochs) log.rates.push(learningRate);
      const sums = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
      while (sums.batches < count && left > 0) {
        const rows = Math.min(size, left);
        left -= rows;
        sums.samples += rows;
        sums.lossSum += ++batchesDone === nanAt ? NaN : rows;
        perBatch?.set([sums.lossSum, 0], 2 * sums.batches);
        sums.batches++;
        if (batchesDone === nanAt) break;
      }
      return sums;
    },
    evaluate: (samples) => ({
      samples: samples.rows,
      lossSum: validLosses[epochs - 1] * samples.rows,
      correct: epochs,
    }),
    predict: () => new Float32Array(0),
    exportWeights: (): Weights => [
      { inputs: 1, outputs: 1, weight: Float32Array.of(epochs), bias: Float32Array.of(lastWeight ?? 0) },
    ],
    keepWeights: () => void (kept = network.exportWeights()),
    keptWeights: () => kept,
    importWeights: () => undefined,
    dispose: () => void log.disposed++,
  };
  const engine: Engine = {
    name: "scripted",
    createNetwork(spec) {
      log.spec = spec;
      return { ...network, spec };
    },
  };
  return { engine, log };
}

describe("the saved epoch", () => {
  test("is the one with the lowest validation loss, the earliest on a tie", () => {
    const { engine } = scriptedEngine({ validLosses: [3, 1, 2, 1, 5] });
    const { weights, trainingMetrics } = fit({ epochs: 5 }, { engine });
    expect(weights[0].weight[0]).toBe(2);
    expect(trainingMetrics).toMatchObject({
      epochs_trained: 5,
      best_epoch: 2,
      selected_by: "val_loss",
      stopped_early: false,
      best_val_loss: 1,
      best_val_accuracy: 0.02,
      final_val_loss: 5,
      final_val_accuracy: 0.05,
    });
  });

  test("gives its best_val_loss again when evaluated", () => {
    const { model: trained, trainingMetrics } = fit({ epochs: 40, learning_rate: 0.02 });
    const network = trained.open(referenceEngine);
    const validation = parts.validation!;
    const { lossSum } = network.evaluate(network.load(validation), { isCancelled: false });
    expect(lossSum / validation.rows).toBe(trainingMetrics.best_val_loss);
    expect(trainingMetrics.best_val_loss).toBe(Math.min(...(trainingMetrics.history.val_loss as number[])));
    expect(trainingMetrics.best_epoch, "later epochs overfit here").toBeLessThan(40);
  });

  test("is the last without a validation part, and the result says that nothing was selected", () => {
    const { engine } = scriptedEngine();
    const data = { train: parts.train, validation: null };
    const { weights, trainingMetrics } = fit({ epochs: 3 }, { engine, data });
    expect(weights[0].weight[0]).toBe(3);
    expect(trainingMetrics).toMatchObject({ best_epoch: 3, selected_by: "last_epoch", best_val_loss: null });
    expect(trainingMetrics.history.val_loss).toEqual([null, null, null]);
  });
});

describe("early stopping", () => {
  test("counts epochs since the loss fell by more than min_delta", () => {
    // 0.95 and 0.91 are gains of less than 0.1 over 1; 0.85 is one of more; then three epochs without.
    const validLosses = [1, 0.95, 0.91, 0.85, 0.8, 0.79, 0.78, 0.1];
    const { engine } = scriptedEngine({ validLosses });
    const stopping = { patience: 3, min_delta: 0.1 };
    const { trainingMetrics } = fit({ epochs: 8, early_stopping: stopping }, { engine });
    expect(trainingMetrics).toMatchObject({ epochs_trained: 7, best_epoch: 7, stopped_early: true });
  });

  test("a fall by exactly min_delta is not more than min_delta", () => {
    const { engine } = scriptedEngine({ validLosses: [1, 0.5, 0.5, 0.5] });
    const { trainingMetrics } = fit(
      { epochs: 4, early_stopping: { patience: 1, min_delta: 0.5 } },
      { engine },
    );
    expect(trainingMetrics).toMatchObject({ epochs_trained: 2, best_epoch: 2 });
  });

  test("running out in the very last epoch is not stopping early", () => {
    const { engine } = scriptedEngine({ validLosses: [1, 2, 3] });
    const { trainingMetrics } = fit({ epochs: 3, early_stopping: { patience: 2 } }, { engine });
    expect(trainingMetrics).toMatchObject({ epochs_trained: 3, stopped_early: false });
  });

  test("reads a loss of 0 as a loss", () => {
    const { engine } = scriptedEngine({ validLosses: [1, 0, 1, 1, 1] });
    const { trainingMetrics } = fit({ epochs: 5, early_stopping: { patience: 2 } }, { engine });
    expect(trainingMetrics).toMatchObject({ epochs_trained: 4, best_epoch: 2, best_val_loss: 0 });
  });

  test.each([
    [{ early_stopping: { patience: 3 } }, /model\.training\.early_stopping.*validation" is 0/],
    [
      { lr_scheduler: { type: "reduce_on_plateau" } },
      /model\.training\.lr_scheduler\.type.*remove "lr_scheduler"/,
    ],
  ])("%j is refused without a validation part", (written, message) => {
    const data = { train: parts.train, validation: null };
    expect(() => fit(written, { data })).toThrow(message);
  });
});

describe("the learning rate", () => {
  test("is that of the scheduler, from the second epoch on, and stands in the history", () => {
    const { engine, log } = scriptedEngine({ validLosses: [1, 1, 1, 1] });
    const scheduler = { type: "step", step_size: 2, gamma: 0.1 };
    const { trainingMetrics } = fit({ epochs: 4, learning_rate: 1, lr_scheduler: scheduler }, { engine });
    expect(log.rates).toEqual([1, 1, 0.1, 0.1]);
    expect(trainingMetrics.history.learning_rate).toEqual(log.rates);
  });

  test("falls on a plateau of the validation loss", () => {
    const { engine, log } = scriptedEngine({ validLosses: [2, 1, 1, 1, 1, 1] });
    const scheduler = { type: "reduce_on_plateau", patience: 1, factor: 0.5 };
    fit({ epochs: 6, learning_rate: 1, lr_scheduler: scheduler }, { engine });
    expect(log.rates).toEqual([1, 1, 1, 1, 0.5, 0.5]);
  });
});

describe("the order of visit", () => {
  test("is a new permutation per epoch, given by the seed alone", () => {
    const orders = (seed: number) => {
      const { engine, log } = scriptedEngine({ validLosses: [1, 1, 1] });
      fit({ epochs: 3, seed }, { engine });
      return log.orders;
    };
    const [first, second, third] = orders(1);
    for (const order of [first, second, third]) {
      expect(order.toSorted((i, j) => i - j)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    }
    expect(first).not.toEqual(second);
    expect(second).not.toEqual(third);
    expect(orders(1)).toEqual([first, second, third]);
    expect(orders(2)[0]).not.toEqual(first);
  });

  test("is time order with shuffle: false", () => {
    const { engine, log } = scriptedEngine({ validLosses: [1, 1] });
    fit({ epochs: 2, shuffle: false }, { engine });
    const inTime = Array.from({ length: 400 }, (_, i) => i);
    expect(log.orders).toEqual([inTime, inTime]);
  });
});

describe("progress", () => {
  test("is reported at the first, every 10th and the last batch, and at every epoch, the last one too", () => {
    const { engine } = scriptedEngine({ validLosses: [1, 2, 3, 4] });
    const events: TrainingProgress[] = [];
    const hooks = { progress: (event: TrainingProgress) => events.push(event) };
    // 400 samples in batches of 16: 25 batches
    fit({ epochs: 9, batch_size: 16, early_stopping: { patience: 1 } }, { engine, hooks });
    const seen = events.map((event) => (event.type === "batch" ? event.batch : event.type));
    expect(seen).toEqual([1, 10, 20, 25, "epoch", 1, 10, 20, 25, "epoch"]);
    expect(events[1]).toEqual({
      type: "batch",
      epoch: 1,
      epochs: 9,
      batch: 10,
      batches: 25,
      loss: 1,
      accuracy: 0,
    });
    expect(events[9]).toMatchObject({
      type: "epoch",
      epoch: 2,
      trainLoss: 1,
      validLoss: 2,
      validAccuracy: 0.02,
    });
  });

  test.each([
    [1, [1, 2, 3, 4, 5, 6, 7]],
    [3, [1, 3, 6, 7]],
    [100, [1, 7]],
  ])("progress_update_frequency: %i", (every, expected) => {
    const { engine } = scriptedEngine({ validLosses: [1] });
    const batches: number[] = [];
    const progress = (event: TrainingProgress) => void (event.type === "batch" && batches.push(event.batch));
    fit({ epochs: 1, batch_size: 64, progress_update_frequency: every }, { engine, hooks: { progress } });
    expect(batches).toEqual(expected);
  });

  test.each([
    ["several reports in one call of the engine", [8], 16],
    ["one or two reports in a call", [256, 128], 64],
    ["a call for each report", [512, 512], 64],
  ])("says loss and hits as they were after each batch: %s", (_, hidden, batchSize) => {
    const every = 3;
    const settings = { epochs: 1, batch_size: batchSize, progress_update_frequency: every, shuffle: false };
    const wide = new MLPTradingModel(model.inputs, { ...model.architecture, hidden });
    const heard: number[][] = [];
    const progress = (event: TrainingProgress) =>
      void (event.type === "batch" && heard.push([event.batch, event.loss, event.accuracy]));
    new ModelTrainer(referenceEngine, options(settings), noClock).fit(wide, parts, { progress });

    const network = wide.createNetwork(referenceEngine, options(settings), null);
    const { rows } = parts.train;
    network.startEpoch(
      network.load(parts.train),
      Uint32Array.from({ length: rows }, (_, i) => i),
      batchSize,
    );
    const batches = Math.ceil(rows / batchSize);
    const expected: number[][] = [];
    let [seen, loss, correct] = [0, 0, 0];
    for (let batch = 1; batch <= batches; batch++) {
      const done = network.trainBatches(1, options(settings).learningRate, neverCancelled);
      seen += done.samples;
      loss += done.lossSum;
      correct += done.correct;
      if (batch === 1 || batch % every === 0 || batch === batches)
        expected.push([batch, loss / seen, correct / seen]);
    }
    expect(heard.map(([batch, , accuracy]) => [batch, accuracy])).toEqual(
      expected.map(([batch, , accuracy]) => [batch, accuracy]),
    );
    heard.forEach(([, loss], k) => expect(loss).toBeCloseTo(expected[k][1], 12));
  });

  test("a listener that stops the run hears nothing more, though the engine has gone further", () => {
    const { token, cancel } = createCancellation();
    const batches: number[] = [];
    const progress = (event: TrainingProgress): void => {
      if (event.type === "batch" && batches.push(event.batch) === 2) cancel();
    };
    expect(() => fit({ epochs: 1, batch_size: 16 }, { hooks: { progress, token } })).toThrow(CancelledError);
    expect(batches).toEqual([1, 10]);
  });

  test("a listener changes nothing in the weights", () => {
    const silent = fit({ epochs: 2 });
    const heard = fit({ epochs: 2, progress_update_frequency: 1 }, { hooks: { progress: () => undefined } });
    expect(flatten(heard.weights)).toEqual(flatten(silent.weights));
  });
});

describe("a loss that is not finite", () => {
  test("stops with epoch and batch, and frees the network", () => {
    const { engine, log } = scriptedEngine({ validLosses: [1, 1, 1], nanAt: 20 }); // 13 batches an epoch
    expect(() => fit({ epochs: 3 }, { engine })).toThrow(
      /epoch 2, at batch 7\).*learning_rate \(now 0\.001\).*gradient_clip.*No model was saved/,
    );
    expect(log.disposed).toBe(1);
  });

  test("stops in validation", () => {
    const { engine } = scriptedEngine({ validLosses: [1, Infinity] });
    expect(() => fit({ epochs: 2 }, { engine })).toThrow(/epoch 2, after its last batch/);
  });

  test("stops where only the last update made the weights infinite", () => {
    const { engine } = scriptedEngine({ lastWeight: Infinity });
    const data = { train: parts.train, validation: null };
    expect(() => fit({ epochs: 2 }, { engine, data })).toThrow(/not a finite number/);
  });

  test("names the input that is no number", () => {
    const features = parts.train.features.slice();
    features[6 * 123 + 4] = NaN;
    const data = { ...parts, train: { ...parts.train, features } };
    expect(() => fit({ epochs: 1 }, { data })).toThrow(/training sample 123 has NaN as its feature 4/);
  });

  test("comes from a learning rate beyond reason", () => {
    const relu = new MLPTradingModel(6, { hidden: [8, 8], activation: "relu", dropout: 0 });
    const trainer = new ModelTrainer(
      referenceEngine,
      options({ learning_rate: 1e6, optimizer: "sgd", epochs: 50 }),
      noClock,
    );
    expect(() => trainer.fit(relu, parts)).toThrow(
      /not a finite number.*lower model\.training\.learning_rate/,
    );
  });
});

describe("data that do not fit", () => {
  test("an empty part is refused", () => {
    const none = rowsOf(all, 0, 0);
    expect(() => fit({}, { data: { ...parts, train: none } })).toThrow(/training part has no samples/);
    expect(() => fit({}, { data: { ...parts, validation: none } })).toThrow(/validation part has no samples/);
  });

  test("another number of features is refused", () => {
    expect(() => fit({}, { data: { train: hashSamples(40, 7), validation: null } })).toThrow(
      /training part has 7 features and the network 6 inputs/,
    );
  });
});

test("cancelling at any look ends in CancelledError and frees the network", () => {
  const counted = (limit: number) => {
    let looks = 0;
    return {
      token: {
        get isCancelled() {
          return ++looks > limit;
        },
      },
      looks: () => looks,
    };
  };
  const whole = counted(Infinity);
  fit({ epochs: 2 }, { hooks: { token: whole.token } });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.looks() - 1 }), (limit) => {
      const { token, looks } = counted(limit);
      expect(() => fit({ epochs: 2 }, { hooks: { token } })).toThrow(CancelledError);
      expect(looks() - limit, "looks after the stop").toBeLessThanOrEqual(2);
    }),
    { numRuns: rounds(200, 30) },
  );
});

describe("several seeds in step", () => {
  const seeds = [7, 8, 9, 10];
  const stopping = {
    epochs: 30,
    learning_rate: 0.02,
    batch_size: 16,
    early_stopping: { patience: 2 },
    lr_scheduler: { type: "reduce_on_plateau", patience: 1 },
  };

  /** The reference engine with `together`; it counts what it is asked, and can spoil the loss of one seed in its third call. */
  function counted(spoiled?: number) {
    const log = { loads: 0, disposed: 0, asked: [] as number[] };
    const calls = new Map<Network, number>();
    let bad: Network | undefined;
    const engine: Engine = {
      ...referenceEngine,
      together: {
        createNetworks: (spec, from, token) =>
          from.map((seed) => {
            const network = referenceEngine.createNetwork(spec, seed, token);
            const dispose = network.dispose.bind(network);
            network.dispose = () => (log.disposed++, dispose());
            if (seed === spoiled) bad = network;
            return network;
          }),
        load: (_, samples) => (log.loads++, samples),
        trainBatches(requests, token) {
          log.asked.push(requests.length);
          return requests.map(({ network, count, learningRate, perBatch }) => {
            const sums = network.trainBatches(count, learningRate, token, perBatch);
            calls.set(network, (calls.get(network) ?? 0) + 1);
            return network === bad && calls.get(network) === 3 ? { ...sums, lossSum: NaN } : sums;
          });
        },
        evaluate: (networks, samples, token) => networks.map((network) => network.evaluate(samples, token)),
      },
    };
    return { engine, log };
  }

  const together = (engine: Engine, hooks: TrainingHooks = {}) =>
    new ModelTrainer(engine, options(stopping), noClock).fitTogether(model, seeds, parts, hooks);

  const alone = seeds.map((seed) => fit({ ...stopping, seed }));

  function expectAsAlone(outcome: ReturnType<typeof together>[number], k: number): void {
    if (outcome instanceof Error) throw outcome;
    expect(flatten(outcome.weights), `weights of seed ${seeds[k]}`).toEqual(flatten(alone[k].weights));
    expect(outcome.trainingMetrics).toEqual(alone[k].trainingMetrics);
  }

  test("give each what it gets alone, whichever of them stop early", () => {
    const lengths = alone.map(({ trainingMetrics }) => trainingMetrics.epochs_trained);
    expect(new Set(lengths).size, "some stop before others").toBeGreaterThan(1);
    const { engine, log } = counted();
    together(engine).forEach(expectAsAlone);
    together(referenceEngine).forEach(expectAsAlone);
    expect(log.loads, "training and validation, once each").toBe(2);
    expect(log.disposed).toBe(seeds.length);
    // Batches are small: one call an epoch, each of those that still train, and one for the first report.
    const asked = Array.from(
      { length: Math.max(...lengths) },
      (_, epoch) => lengths.filter((length) => length > epoch).length,
    );
    expect(log.asked).toEqual([seeds.length, ...asked]);
  });

  test("go on when the loss of one is not finite, and its error takes its place", () => {
    for (const spoiled of [0, 2]) {
      const { engine, log } = counted(seeds[spoiled]);
      together(engine).forEach((outcome, k) => {
        if (k !== spoiled) return expectAsAlone(outcome, k);
        expect(outcome).toBeInstanceOf(LossNotFiniteError);
        expect(outcome).toMatchObject({ epoch: 2, batch: 25 });
      });
      expect(log.disposed).toBe(seeds.length);
    }
  });

  test("report the first one's progress only, as it does alone", () => {
    const heard = (run: (hooks: TrainingHooks) => void): TrainingProgress[] => {
      const events: TrainingProgress[] = [];
      run({ progress: (event) => void events.push(event) });
      return events;
    };
    expect(heard((hooks) => together(counted().engine, hooks))).toEqual(
      heard((hooks) => fit({ ...stopping, seed: seeds[0] }, { hooks })),
    );
  });

  test("end in CancelledError at any stop, all networks freed", () => {
    for (const limit of [0, 5, 50, 500]) {
      const { engine, log } = counted();
      let looks = 0;
      const token = {
        get isCancelled() {
          return ++looks > limit;
        },
      };
      const created = vi.spyOn(engine.together!, "createNetworks");
      expect(() => together(engine, { token })).toThrow(CancelledError);
      const made = created.mock.results[0].type === "return" ? seeds.length : 0;
      expect(log.disposed, `${limit} looks`).toBe(made);
    }
  });
});

test("class weights balanced: n / (classes that occur × count)", () => {
  const labels = Uint8Array.from({ length: 400 }, (_, i) => (i < 100 ? 0 : 2));
  const { engine, log } = scriptedEngine({ validLosses: [1] });
  const data = { ...parts, train: { ...parts.train, labels } };
  fit({ epochs: 1, class_weights: "balanced" }, { engine, data });
  expect([...log.spec!.classWeights!]).toEqual([2, 1, Math.fround(400 / 600)]);
});

test("time is taken from the given clock, in seconds: arithmetic, reports, looks at the token", () => {
  let ms = 0;
  const { engine } = scriptedEngine({ validLosses: [2, 1] });
  const slow: Engine = {
    ...engine,
    createNetwork(spec, seed) {
      const network = engine.createNetwork(spec, seed);
      return {
        ...network,
        trainBatches: (...args) => ((ms += 1000), network.trainBatches(...args)),
      };
    },
  };
  const { trainingMetrics, timing } = new ModelTrainer(
    slow,
    options({ epochs: 2, batch_size: 400 }), // one batch, so one call and one report, an epoch
    () => ms,
  ).fit(model, parts, {
    progress: ({ type }) => void (ms += type === "batch" ? 50 : 20),
    token: {
      get isCancelled() {
        ms += 3;
        return false;
      },
    },
  });
  // Two calls; the first ones are all timed, and so is each epoch's report. Shuffling looks at the token
  // as well, once an epoch, and that counts as arithmetic.
  expect(timing.loop).toBeCloseTo(2 * (1 + 0.05 + 0.02 + 0.003 + 0.003), 10);
  expect(timing.progress).toBeCloseTo(2 * (0.05 + 0.02), 10);
  expect(timing.cancellation).toBeCloseTo(2 * 0.003, 10);
  expect(timing.arithmetic).toBeCloseTo(2 * (1 + 0.003), 10);
  expect(trainingMetrics.training_time).toBe(timing.loop);
});

describe("learning", () => {
  test("the same seed gives the same bytes, another seed others", () => {
    const bytes = (seed: number) => flatten(fit({ epochs: 3, seed }).weights);
    expect(bytes(42)).toEqual(bytes(42));
    expect(bytes(42)).not.toEqual(bytes(43));
  });

  test("ten samples are memorised", () => {
    const ten = rowsOf(all, 0, 10);
    const labels = Uint8Array.from(hashUniform(5, 10), (u) => Math.floor(3 * u));
    const wide = new MLPTradingModel(6, { hidden: [32, 16], activation: "relu", dropout: 0 });
    const trained = new ModelTrainer(
      referenceEngine,
      options({ epochs: 300, learning_rate: 0.01 }),
      noClock,
    ).fit(wide, {
      train: { ...ten, labels },
      validation: null,
    });
    expect(testMetrics(trained, { ...ten, labels }).test_accuracy).toBe(1);
  });

  test.each(["adam", "adamw", "sgd", "rmsprop"])("%s finds a planted pattern", (optimizer) => {
    const rate = optimizer === "sgd" ? 0.05 : 0.01;
    const trained = fit({ epochs: 60, optimizer, learning_rate: rate });
    expect(testMetrics(trained, held).balanced_accuracy).toBeGreaterThan(0.85);
  });

  test("shuffled labels score like chance: 30 seeds, within two standard errors", () => {
    const scores: number[] = [];
    for (let seed = 0; seed < 30; seed++) {
      const labels = Uint8Array.from(hashUniform(5000 + seed, 600), (u) => Math.floor(3 * u));
      const shuffled = { ...all, labels };
      const data = { train: rowsOf(shuffled, 0, 400), validation: rowsOf(shuffled, 400, 500) };
      const trained = fit({ epochs: 20, learning_rate: 0.01, seed }, { data });
      scores.push(testMetrics(trained, rowsOf(shuffled, 500, 600)).balanced_accuracy);
    }
    const mean = scores.reduce((sum, score) => sum + score, 0) / 30;
    const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / 29);
    expect(Math.abs(mean - 1 / 3)).toBeLessThan((2 * deviation) / Math.sqrt(30));
  });
});
