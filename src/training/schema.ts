import * as z from "zod";
import { activations, type Activation, type LossSpec, type OptimizerSpec } from "../engines/index.js";
import { PROGRESS_UPDATE_FREQUENCY } from "./cadence.js";
import type { SchedulerSpec } from "./schedulers.js";

/** A word out of a list, upper and lower case alike. */
const word = <const Words extends readonly string[]>(words: Words) =>
  z.string().toLowerCase().pipe(z.enum(words));

/** A map that may be absent, null or empty, which all mean "off". */
const optionalMap = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .preprocess(
      (value) =>
        typeof value === "object" && value !== null && Object.keys(value).length === 0 ? null : value,
      schema.nullable(),
    )
    .default(null);

/** `model.architecture` of a strategy file, its `output_activation` aside, which never had an effect. */
export const architectureSchema = z.strictObject({
  hidden_layers: z.array(z.int().min(1).max(16_384)).max(64),
  dropout: z.number().min(0).lt(1).default(0.2),
  activation: word(activations).default("relu"),
});

const gamma = z.number().gt(0).lte(1);

const schedulerSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("step"),
    step_size: z.int().min(1).default(30),
    gamma: gamma.default(0.1),
  }),
  z.strictObject({ type: z.literal("exponential"), gamma: gamma.default(0.95) }),
  z.strictObject({
    type: z.literal("reduce_on_plateau"),
    factor: z.number().gt(0).lt(1).default(0.5),
    patience: z.int().min(0).default(5),
    threshold: z.number().min(0).lt(1).default(1e-4),
    cooldown: z.int().min(0).default(0),
    min_lr: z.number().min(0).default(0),
  }),
  z.strictObject({
    type: z.literal("cosine"),
    t_max: z.int().min(1).optional(),
    eta_min: z.number().min(0).default(0),
  }),
]);

const earlyStoppingSchema = z.strictObject({
  patience: z.int().min(1).default(10),
  monitor: z
    .literal("val_loss", {
      error:
        'only "val_loss" can be monitored: early stopping, the saved epoch and the plateau scheduler read the same loss; write "monitor: val_loss"',
    })
    .default("val_loss"),
  min_delta: z.number().min(0).default(1e-4),
});

/** `model.training` of a strategy file: the keys that have an effect, with their defaults. */
export const trainingSchema = z.strictObject({
  learning_rate: z.number().positive().default(0.001),
  batch_size: z.int().min(1).default(32),
  epochs: z.int().min(1).default(100),
  optimizer: word(["adam", "adamw", "sgd", "rmsprop"]).default("adam"),
  weight_decay: z.number().min(0).default(1e-4),
  /** Read by `sgd` only. */
  momentum: z.number().min(0).lt(1).default(0.9),
  gradient_clip: z.number().min(0).nullable().default(0),
  lr_scheduler: optionalMap(schedulerSchema),
  early_stopping: optionalMap(earlyStoppingSchema),
  seed: z.int().min(0).max(0xffffffff).default(42),
  shuffle: z.boolean().default(true),
  class_weights: word(["none", "balanced"]).default("none"),
  loss: word(["cross_entropy", "focal"]).default("cross_entropy"),
  /** Read with `loss: focal` only. */
  focal_gamma: z.number().min(0).max(20).default(2),
  progress_update_frequency: z.int().min(1).default(PROGRESS_UPDATE_FREQUENCY),
});

/**
 * Keys of a `model.training` as written that nothing reads, with the reason: `momentum` without `sgd`, `focal_gamma`
 * without `focal`. One sentence each.
 */
export function unreadTrainingKeys(written: z.input<typeof trainingSchema>): string[] {
  const { optimizer, loss } = trainingSchema.parse(written);
  const unread: string[] = [];
  if (written.momentum !== undefined && optimizer !== "sgd") {
    unread.push(
      `model.training.momentum has no effect: it belongs to the optimizer sgd, not to ${optimizer}.`,
    );
  }
  if (written.focal_gamma !== undefined && loss !== "focal") {
    unread.push(`model.training.focal_gamma has no effect: it belongs to the loss focal, not to ${loss}.`);
  }
  return unread;
}

/** The hidden part of a network, as strategy files describe it. */
export interface Architecture {
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly dropout: number;
}

/** Stops when the validation loss has not fallen by more than `minDelta` for `patience` epochs. */
export interface EarlyStoppingSpec {
  readonly patience: number;
  readonly minDelta: number;
}

/** How to train. */
export interface TrainingOptions {
  readonly learningRate: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly optimizer: OptimizerSpec;
  readonly loss: LossSpec;
  /** `balanced`: inversely proportional to the frequency of each class in the training part. */
  readonly classWeights: "none" | "balanced";
  /** L2 norm of all gradients together; 0 is off. */
  readonly gradientClip: number;
  readonly scheduler: SchedulerSpec | null;
  readonly earlyStopping: EarlyStoppingSpec | null;
  readonly seed: number;
  /** Visit the training samples in a new seeded order each epoch; false: in time order. */
  readonly shuffle: boolean;
  /** Batches between two progress reports; the first and last batch of an epoch are always reported. */
  readonly progressUpdateFrequency: number;
}

/** The architecture of a checked `model.architecture`. */
export function toArchitecture(file: z.output<typeof architectureSchema>): Architecture {
  return { hidden: file.hidden_layers, activation: file.activation, dropout: file.dropout };
}

/** The options of a checked `model.training`. */
export function toTrainingOptions(file: z.output<typeof trainingSchema>): TrainingOptions {
  return {
    learningRate: file.learning_rate,
    batchSize: file.batch_size,
    epochs: file.epochs,
    optimizer: toOptimizer(file),
    loss: file.loss === "focal" ? { type: "focal", gamma: file.focal_gamma } : { type: "cross_entropy" },
    classWeights: file.class_weights,
    gradientClip: file.gradient_clip ?? 0,
    scheduler: toScheduler(file),
    earlyStopping: file.early_stopping && {
      patience: file.early_stopping.patience,
      minDelta: file.early_stopping.min_delta,
    },
    seed: file.seed,
    shuffle: file.shuffle,
    progressUpdateFrequency: file.progress_update_frequency,
  };
}

/** Constants that strategy files do not name are PyTorch's defaults. */
function toOptimizer(file: z.output<typeof trainingSchema>): OptimizerSpec {
  const weightDecay = file.weight_decay;
  switch (file.optimizer) {
    case "adam":
    case "adamw":
      return { type: file.optimizer, weightDecay, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    case "sgd":
      return { type: "sgd", weightDecay, momentum: file.momentum };
    case "rmsprop":
      return { type: "rmsprop", weightDecay, alpha: 0.99, epsilon: 1e-8 };
  }
}

function toScheduler({ lr_scheduler: file, epochs }: z.output<typeof trainingSchema>): SchedulerSpec | null {
  switch (file?.type) {
    case undefined:
      return null;
    case "step":
      return { type: "step", stepSize: file.step_size, gamma: file.gamma };
    case "exponential":
      return { type: "exponential", gamma: file.gamma };
    case "reduce_on_plateau": {
      const { type, factor, patience, threshold, cooldown, min_lr: minRate } = file;
      return { type, factor, patience, threshold, cooldown, minRate };
    }
    case "cosine":
      return { type: "cosine", period: file.t_max ?? epochs, minRate: file.eta_min };
  }
}
