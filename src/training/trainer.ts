import {
  createRandom,
  ignoreProgress,
  neverCancelled,
  throwIfCancelled,
  type BatchListener,
  type CancellationToken,
  type ProgressListener,
} from "../core/index.js";
import {
  parameterCount,
  type BatchRequest,
  type BatchSums,
  type Engine,
  type EvaluationSums,
  type LoadedSamples,
  type Network,
  type NetworkSpec,
  type Samples,
  type Weights,
} from "../engines/index.js";
import { batchesPerCall, endOfCall, nextReported } from "./cadence.js";
import { areFinite, checkParts, notFinite, type TrainingParts } from "./checks.js";
import { balancedClassWeights } from "./class-weights.js";
import { createEarlyStopping } from "./early-stopping.js";
import { CostClock, type TrainingTiming } from "./cost-clock.js";
import { LossNotFiniteError } from "./errors.js";
import { emptyHistory, recordEpoch, summarizeTraining, type TrainingMetrics } from "./history.js";
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
    const [outcome] = this.fitTogether(model, [this.#options.seed], parts, hooks);
    if (outcome instanceof LossNotFiniteError) throw outcome;
    return outcome;
  }

  /**
   * `fit` with each of these seeds in place of the options' own, all networks in step: by the engine's `together` where it has one, else
   * one after the other at each step. What comes of a seed is what `fit` makes of it, to the bit, and one whose loss is not finite leaves
   * the others going. Reports are those of the first; times are those of all, up to the end of each.
   *
   * @param seeds one or more
   * @returns for each seed, in order, the trained model or why there is none
   * @throws as `fit`, but for LossNotFiniteError
   */
  fitTogether(
    model: MLPTradingModel,
    seeds: readonly number[],
    parts: TrainingParts,
    { progress = ignoreProgress, token = neverCancelled }: TrainingHooks = {},
  ): (TrainedModel | LossNotFiniteError)[] {
    const options = this.#options;
    const { labels } = parts.train;
    checkParts(model.inputs, parts, options);
    const classWeights = options.classWeights === "balanced" ? balancedClassWeights(labels, 3) : null;
    const lanes = new Lanes(seeds.length > 1 ? this.#engine.together : undefined, token);
    try {
      lanes.open(this.#engine, model.trainingSpec(options, classWeights), seeds);
      const train = lanes.load(parts.train);
      const validation = parts.validation && lanes.load(parts.validation);
      const costs = new CostClock(this.#now);
      const runs = lanes.networks.map((network, k) => {
        const samples = { train: train[k], validation: validation && validation[k] };
        return new Run(
          network,
          parts.train,
          samples,
          { ...options, seed: seeds[k] },
          k === 0 ? progress : null,
          costs,
          token,
        );
      });
      advance(runs, lanes, costs, token);
      return runs.map((run) => run.outcome(model));
    } finally {
      lanes.close();
    }
  }
}

/** Networks that are asked in step: through the engine's `together`, or each by itself. */
class Lanes {
  readonly networks: Network[] = [];
  readonly #together: Engine["together"];
  readonly #token: CancellationToken;

  constructor(together: Engine["together"], token: CancellationToken) {
    this.#together = together;
    this.#token = token;
  }

  open(engine: Engine, spec: NetworkSpec, seeds: readonly number[]): void {
    if (this.#together !== undefined) {
      this.networks.push(...this.#together.createNetworks(spec, seeds, this.#token));
    } else {
      for (const seed of seeds) this.networks.push(engine.createNetwork(spec, seed, this.#token));
    }
  }

  /** The samples as each of the networks takes them. */
  load(samples: Samples): LoadedSamples[] {
    const loaded = this.#together?.load(this.networks, samples, this.#token);
    return this.networks.map((network) => loaded ?? network.load(samples, this.#token));
  }

  /** Has each run's network train on as many batches as it asks for. */
  trainBatches(runs: readonly Run[]): void {
    if (this.#together !== undefined) {
      const done = this.#together.trainBatches(runs, this.#token);
      for (let k = 0; k < runs.length; k++) runs[k].done = done[k];
      return;
    }
    for (let k = 0; k < runs.length; k++) {
      const run = runs[k];
      run.done = run.network.trainBatches(run.count, run.learningRate, this.#token, run.perBatch);
    }
  }

  /** The validation part of each run, where they have one, dropout off. */
  validate(runs: readonly Run[]): void {
    const validation = runs.length > 0 ? runs[0].validation : null;
    if (validation === null) return;
    if (this.#together !== undefined) {
      const networks = runs.map(({ network }) => network);
      const validated = this.#together.evaluate(networks, validation, this.#token);
      for (let k = 0; k < runs.length; k++) runs[k].validated = validated[k];
      return;
    }
    for (let k = 0; k < runs.length; k++) {
      const run = runs[k];
      if (run.validation !== null) run.validated = run.network.evaluate(run.validation, this.#token);
    }
  }

  close(): void {
    for (const network of this.networks) network.dispose();
  }
}

/** A listener that takes numbers, for one that takes events. */
function asEvent(progress: ProgressListener): BatchListener {
  return (epoch, epochs, batch, batches, loss, accuracy) =>
    progress({ type: "batch", epoch, epochs, batch, batches, loss, accuracy });
}

/** All epochs of all runs, in step: they have as many samples, so that they need the same number of batches up to their next reports. */
function advance(runs: readonly Run[], lanes: Lanes, costs: CostClock, token: CancellationToken): void {
  costs.start();
  for (const going = [...runs]; going.length > 0;) advanceEpoch(going, lanes, costs, token);
}

const startEpoch = (run: Run): boolean => run.startEpoch();
const addDone = (run: Run): boolean => run.addDone();
const endEpoch = (run: Run): boolean => run.endEpoch();

/**
 * The next epoch of those that go on, which stay in `going`. A function of its own, as V8 compiles those that are called often, and without
 * an array, iterator or object that is not needed: it runs thousands of times a second, uncompiled for the first hundreds of epochs.
 */
function advanceEpoch(going: Run[], lanes: Lanes, costs: CostClock, token: CancellationToken): void {
  retain(going, startEpoch);
  while (going.length > 0 && going[0].count > 0) {
    lanes.trainBatches(going);
    const timed = costs.afterCall();
    retain(going, addDone);
    throwIfCancelled(token);
    if (timed) costs.afterChecks();
    if (going.length > 0) going[0].reportBatches();
    if (timed) costs.afterReport();
  }
  lanes.validate(going);
  retain(going, endEpoch);
}

/** Drops those that do not go on, in place. */
function retain(runs: Run[], goesOn: (run: Run) => boolean): void {
  let kept = 0;
  for (let k = 0; k < runs.length; k++) if (goesOn(runs[k])) runs[kept++] = runs[k];
  if (kept < runs.length) runs.length = kept;
}

/** One training under way: what its network is asked for next, and what came of it. */
class Run implements BatchRequest {
  readonly network: Network;
  readonly validation: LoadedSamples | null;
  /** Batches of the next call, which ends with a report; 0 when the epoch is over. */
  count = 0;
  learningRate: number;
  readonly perBatch: Float64Array | null;
  /** What came of the last call. */
  done: BatchSums = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
  /** Of the epoch that ends; null without a validation part. */
  validated: EvaluationSums | null = null;
  readonly #samples: Samples;
  readonly #train: LoadedSamples;
  readonly #options: TrainingOptions;
  readonly #progress: ProgressListener | null;
  readonly #costs: CostClock;
  readonly #token: CancellationToken;
  readonly #scheduler: ReturnType<typeof createScheduler>;
  readonly #stopping: ReturnType<typeof createEarlyStopping> | null;
  readonly #history = emptyHistory();
  readonly #order: Uint32Array;
  readonly #batches: number;
  readonly #perCall: number;
  readonly #reportBatch: BatchListener | null;
  #epoch = 0;
  #batch = 0;
  /** Sums over the epoch's batches so far, as they were met. */
  #lossSum = 0;
  #correct = 0;
  /** The same before the last call. */
  #batchBefore = 0;
  #lossBefore = 0;
  #correctBefore = 0;
  #best: { epoch: number; loss: number } | null = null;
  #stopped = false;
  #timing: TrainingTiming | null = null;
  #failure: LossNotFiniteError | null = null;

  /** @param progress null where nobody listens */
  constructor(
    network: Network,
    samples: Samples,
    loaded: { readonly train: LoadedSamples; readonly validation: LoadedSamples | null },
    options: TrainingOptions,
    progress: ProgressListener | null,
    costs: CostClock,
    token: CancellationToken,
  ) {
    const { learningRate, scheduler, earlyStopping, batchSize } = options;
    this.network = network;
    this.validation = loaded.validation;
    this.learningRate = learningRate;
    this.#samples = samples;
    this.#train = loaded.train;
    this.#options = options;
    this.#progress = progress;
    this.#costs = costs;
    this.#token = token;
    this.#scheduler = createScheduler(scheduler, learningRate);
    this.#stopping = earlyStopping && createEarlyStopping(earlyStopping);
    this.#order = new Uint32Array(samples.rows);
    this.#batches = Math.ceil(samples.rows / batchSize);
    // Forward, and the gradients of weights and inputs.
    const batchWork = 3 * parameterCount(network.spec) * Math.min(batchSize, samples.rows);
    this.#perCall = batchesPerCall(batchWork);
    this.#reportBatch = progress && (progress.batch ?? asEvent(progress));
    const most = Math.max(this.#perCall, options.progressUpdateFrequency);
    this.perBatch = progress && new Float64Array(2 * Math.min(this.#batches, most));
  }

  /** Begins the next epoch; false where there is none, as all are over or training stopped early. */
  startEpoch(): boolean {
    if (this.#stopped || this.#epoch === this.#options.epochs) {
      this.#timing = this.#costs.stop();
      return false;
    }
    this.#epoch++;
    this.#batch = this.#lossSum = this.#correct = 0;
    this.#arrange();
    this.network.startEpoch(this.#train, this.#order, this.#options.batchSize);
    this.#ask();
    return true;
  }

  /** The order of visit: time order, or a new permutation that depends on seed and epoch only. */
  #arrange(): void {
    const order = this.#order;
    for (let i = 0; i < order.length; i++) order[i] = i;
    if (this.#options.shuffle) {
      createRandom(this.#options.seed, `shuffle of epoch ${this.#epoch}`).shuffle(order, this.#token);
    }
  }

  #ask(): void {
    const { progressUpdateFrequency: every } = this.#options;
    // Whoever waits for the first report of a run gets it at once.
    const perCall = this.#epoch === 1 && this.#batch === 0 ? 0 : this.#perCall;
    this.count = endOfCall(this.#batch, this.#batches, every, perCall) - this.#batch;
  }

  /** Adds what came of the last call to the epoch's sums; false where their loss is not finite. */
  addDone(): boolean {
    const { batches, lossSum, correct } = this.done;
    this.#batchBefore = this.#batch;
    this.#lossBefore = this.#lossSum;
    this.#correctBefore = this.#correct;
    this.#batch += batches;
    this.#lossSum += lossSum;
    this.#correct += correct;
    if (!Number.isFinite(this.#lossSum)) return this.#fail(this.#batch);
    this.#ask();
    return true;
  }

  #fail(batch: number | null): false {
    this.#failure = notFinite(this.#epoch, batch, this.#samples, this.#options);
    return false;
  }

  /** Makes the reports of the last call, each with the sums as they were after its batch. */
  reportBatches(): void {
    const report = this.#reportBatch;
    const perBatch = this.perBatch;
    if (report === null || perBatch === null) return;
    const { epochs, batchSize, progressUpdateFrequency: every } = this.#options;
    const batches = this.#batches;
    const before = this.#batchBefore;
    for (let batch = before; batch < this.#batch;) {
      if (batch > before) throwIfCancelled(this.#token); // the listener may have stopped the run
      batch = nextReported(batch, batches, every);
      const seen = Math.min(batch * batchSize, this.#samples.rows);
      const at = 2 * (batch - before - 1);
      const loss = (this.#lossBefore + perBatch[at]) / seen;
      const accuracy = (this.#correctBefore + perBatch[at + 1]) / seen;
      report(this.#epoch, epochs, batch, batches, loss, accuracy);
    }
  }

  /** Records an epoch, keeps its weights where they are the best, and plans the next; false where its loss is not finite. */
  endEpoch(): boolean {
    const rows = this.#samples.rows;
    const { validated } = this;
    const train = { loss: this.#lossSum / rows, accuracy: this.#correct / rows };
    const valid = validated && {
      loss: validated.lossSum / validated.samples,
      accuracy: validated.correct / validated.samples,
    };
    if (valid !== null && !Number.isFinite(valid.loss)) return this.#fail(null);
    const { learningRate } = this;
    const { epochs } = this.#options;
    const epoch = this.#epoch;
    const best = this.#best;
    recordEpoch(this.#history, train, valid, learningRate);
    if (valid === null ? epoch === epochs : best === null || valid.loss < best.loss) {
      this.#best = { epoch, loss: valid?.loss ?? train.loss };
      this.network.keepWeights();
    }
    if (this.#progress !== null) {
      const timed = this.#costs.beforeEpochReport();
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
      if (timed) this.#costs.afterReport();
    }
    this.learningRate = this.#scheduler.next(valid?.loss ?? null);
    this.#stopped = valid !== null && this.#stopping !== null && this.#stopping.shouldStop(valid.loss);
    return true;
  }

  /** The best epoch's model, or why there is none; the training must be over. */
  outcome(model: MLPTradingModel): TrainedModel | LossNotFiniteError {
    if (this.#failure !== null) return this.#failure;
    const epochs = this.#history.train_loss.length;
    const [best, timing, weights] = [this.#best, this.#timing, this.network.keptWeights()];
    if (best === null || timing === null || weights === null || !areFinite(weights)) {
      return notFinite(epochs, null, this.#samples, this.#options);
    }
    const stoppedEarly = this.#stopped && epochs < this.#options.epochs;
    return {
      model: model.withWeights(weights),
      weights,
      trainingMetrics: summarizeTraining(this.#history, best.epoch, stoppedEarly, timing.loop),
      timing,
    };
  }
}
