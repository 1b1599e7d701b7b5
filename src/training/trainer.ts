import {
  createRandom,
  ignoreProgress,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
  type ProgressListener,
} from "../core/index.js";
import type { Engine, LoadedSamples, Network, Weights } from "../engines/index.js";
import { nextReported } from "./cadence.js";
import { areFinite, checkParts, notFinite, type TrainingParts } from "./checks.js";
import { balancedClassWeights } from "./class-weights.js";
import { createEarlyStopping } from "./early-stopping.js";
import { CostClock, type TrainingTiming } from "./cost-clock.js";
import {
  emptyHistory,
  recordEpoch,
  summarizeTraining,
  type EpochScore,
  type TrainingMetrics,
} from "./history.js";
import type { MLPTradingModel } from "./model.js";
import { createScheduler } from "./schedulers.js";
import type { TrainingOptions } from "./schema.js";

/** What surrounds a training: who listens and who may stop it. */
export interface TrainingHooks {
  readonly progress?: ProgressListener;
  readonly token?: CancellationToken;
}

/** What a training gives. */
export interface TrainedModel {
  /** The model with the weights of the best epoch. */
  readonly model: MLPTradingModel;
  readonly weights: Weights;
  readonly trainingMetrics: TrainingMetrics;
  readonly timing: TrainingTiming;
}

/** Trains models: epochs of seeded mini-batches, scheduler, early stopping, the best epoch kept. */
export class ModelTrainer {
  readonly #engine: Engine;
  readonly #options: TrainingOptions;
  readonly #now: () => number;

  /** @param now a clock in milliseconds: for `training_time` and `timing`; nothing is computed from it */
  constructor(engine: Engine, options: TrainingOptions, now: () => number) {
    this.#engine = engine;
    this.#options = options;
    this.#now = now;
  }

  /**
   * Trains from fresh weights and returns those of the epoch with the lowest validation loss (the earliest on a tie), or
   * of the last epoch where there is no validation part. Same model, parts, options and engine: same bytes of weights.
   *
   * @throws CancelledError when the token says so
   * @throws LossNotFiniteError when the loss or a weight stops being a number
   * @throws TrainingDataError, ValidationRequiredError when model, parts and options do not fit together
   */
  fit(model: MLPTradingModel, parts: TrainingParts, hooks: TrainingHooks = {}): TrainedModel {
    const options = this.#options;
    const { labels } = parts.train;
    checkParts(model.inputs, parts, options);
    const classWeights = options.classWeights === "balanced" ? balancedClassWeights(labels, 3) : null;
    const network = model.createNetwork(this.#engine, options, classWeights, hooks.token);
    try {
      return new Run(network, parts, options, hooks, this.#now).fit(model);
    } finally {
      network.dispose();
    }
  }
}

/** One training under way: `fit` over epochs, `#runEpoch` over batches, the network's own step below. */
class Run {
  readonly #network: Network;
  readonly #parts: TrainingParts;
  readonly #train: LoadedSamples;
  readonly #validation: LoadedSamples | null;
  readonly #options: TrainingOptions;
  readonly #progress: ProgressListener;
  readonly #token: CancellationToken;
  readonly #costs: CostClock;
  readonly #order: Uint32Array;

  constructor(
    network: Network,
    parts: TrainingParts,
    options: TrainingOptions,
    { progress = ignoreProgress, token = neverCancelled }: TrainingHooks,
    now: () => number,
  ) {
    this.#network = network;
    this.#parts = parts;
    this.#train = network.load(parts.train, token);
    this.#validation = parts.validation && network.load(parts.validation, token);
    this.#options = options;
    this.#progress = progress;
    this.#token = token;
    this.#costs = new CostClock(now);
    this.#order = new Uint32Array(parts.train.rows);
  }

  fit(model: MLPTradingModel): TrainedModel {
    const { epochs, learningRate: firstRate, scheduler: plan, earlyStopping } = this.#options;
    const scheduler = createScheduler(plan, firstRate);
    const stopping = earlyStopping && createEarlyStopping(earlyStopping);
    const history = emptyHistory();
    this.#costs.start();
    let learningRate = firstRate;
    let best: { epoch: number; loss: number } | null = null;
    let stopped = false;
    for (let epoch = 1; epoch <= epochs && !stopped; epoch++) {
      const train = this.#runEpoch(epoch, learningRate);
      const valid = this.#validate(epoch);
      recordEpoch(history, train, valid, learningRate);
      if (valid === null ? epoch === epochs : best === null || valid.loss < best.loss) {
        best = { epoch, loss: valid?.loss ?? train.loss };
        this.#network.keepWeights();
      }
      this.#costs.progress(() => {
        this.#progress({
          type: "epoch",
          epoch,
          epochs,
          trainLoss: train.loss,
          trainAccuracy: train.accuracy,
          validLoss: valid?.loss ?? null,
          validAccuracy: valid?.accuracy ?? null,
          learningRate,
        });
      });
      learningRate = scheduler.next(valid?.loss ?? null);
      stopped = stopping !== null && valid !== null && stopping.shouldStop(valid.loss);
    }
    const timing = this.#costs.stop();
    const weights = this.#network.keptWeights();
    if (best === null || weights === null || !areFinite(weights)) {
      throw notFinite(history.train_loss.length, null, this.#parts.train, this.#options);
    }
    const stoppedEarly = stopped && history.train_loss.length < epochs;
    return {
      model: model.withWeights(weights),
      weights,
      trainingMetrics: summarizeTraining(history, best.epoch, stoppedEarly, timing.loop),
      timing,
    };
  }

  /** All batches of an epoch, one call of the network up to each report; loss and accuracy over them as they were met. */
  #runEpoch(epoch: number, learningRate: number): EpochScore {
    const { epochs, batchSize, progressUpdateFrequency: every } = this.#options;
    const rows = this.#order.length;
    const batches = Math.ceil(rows / batchSize);
    let samples = 0;
    let lossSum = 0;
    let correct = 0;
    this.#arrange(epoch);
    this.#network.startEpoch(this.#train, this.#order, batchSize);
    for (let batch = 0; batch < batches;) {
      const sampled = this.#costs.beforeCall();
      const count = nextReported(batch, batches, every) - batch;
      if (sampled) this.#costs.mark();
      const done = this.#network.trainBatches(count, learningRate, this.#token);
      if (sampled) this.#costs.afterArithmetic();
      batch += done.batches;
      samples += done.samples;
      lossSum += done.lossSum;
      correct += done.correct;
      if (!Number.isFinite(lossSum)) throw notFinite(epoch, batch, this.#parts.train, this.#options);
      throwIfCancelled(this.#token);
      if (sampled) this.#costs.afterChecks();
      const [loss, accuracy] = [lossSum / samples, correct / samples];
      this.#progress({ type: "batch", epoch, epochs, batch, batches, loss, accuracy });
      if (sampled) this.#costs.afterProgress();
    }
    return { loss: lossSum / rows, accuracy: correct / rows };
  }

  /** The order of visit: time order, or a new permutation that depends on seed and epoch only. */
  #arrange(epoch: number): void {
    const order = this.#order;
    for (let i = 0; i < order.length; i++) order[i] = i;
    if (this.#options.shuffle) {
      createRandom(this.#options.seed, `shuffle of epoch ${epoch}`).shuffle(order, this.#token);
    }
  }

  /** The validation part with dropout off; null where there is none. */
  #validate(epoch: number): EpochScore | null {
    const part = this.#validation;
    if (part === null) return null;
    const { samples, lossSum, correct } = this.#network.evaluate(part, this.#token);
    if (!Number.isFinite(lossSum)) throw notFinite(epoch, null, this.#parts.train, this.#options);
    return { loss: lossSum / samples, accuracy: correct / samples };
  }
}
