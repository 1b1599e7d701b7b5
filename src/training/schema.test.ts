import { expect, test } from "vitest";
import {
  architectureSchema,
  toArchitecture,
  toTrainingOptions,
  trainingSchema,
  unreadTrainingKeys,
} from "./schema.js";

const parse = (written: unknown) => toTrainingOptions(trainingSchema.parse(written));

test("an empty map has the older system's defaults, and seed 42", () => {
  expect(parse({})).toEqual({
    learningRate: 0.001,
    batchSize: 32,
    epochs: 100,
    optimizer: { type: "adam", weightDecay: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    loss: { type: "cross_entropy" },
    classWeights: "none",
    gradientClip: 0,
    scheduler: null,
    earlyStopping: null,
    seed: 42,
    shuffle: true,
    progressUpdateFrequency: 10,
  });
  expect(toArchitecture(architectureSchema.parse({ hidden_layers: [32, 16] }))).toEqual({
    hidden: [32, 16],
    activation: "relu",
    dropout: 0.2,
  });
});

test("the block that older files have is read whole", () => {
  const options = parse({
    learning_rate: 0.002,
    batch_size: 128,
    epochs: 40,
    optimizer: "SGD",
    weight_decay: 0,
    momentum: 0.8,
    gradient_clip: 1,
    lr_scheduler: { type: "reduce_on_plateau" },
    early_stopping: { patience: 6, monitor: "val_loss" },
  });
  expect(options.optimizer).toEqual({ type: "sgd", weightDecay: 0, momentum: 0.8 });
  expect(options.scheduler).toEqual({
    type: "reduce_on_plateau",
    factor: 0.5,
    patience: 5,
    threshold: 1e-4,
    cooldown: 0,
    minRate: 0,
  });
  expect(options.earlyStopping).toEqual({ patience: 6, minDelta: 1e-4 });
  expect(options.gradientClip).toBe(1);
});

test.each([
  ["adamw", { type: "adamw", weightDecay: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }],
  ["RMSprop", { type: "rmsprop", weightDecay: 1e-4, alpha: 0.99, epsilon: 1e-8 }],
  ["sgd", { type: "sgd", weightDecay: 1e-4, momentum: 0.9 }],
])("optimizer %s has PyTorch's constants", (optimizer, spec) => {
  expect(parse({ optimizer }).optimizer).toEqual(spec);
});

test.each([
  [{ type: "step" }, { type: "step", stepSize: 30, gamma: 0.1 }],
  [{ type: "exponential" }, { type: "exponential", gamma: 0.95 }],
  [{ type: "cosine" }, { type: "cosine", period: 70, minRate: 0 }],
  [
    { type: "cosine", t_max: 20, eta_min: 1e-5 },
    { type: "cosine", period: 20, minRate: 1e-5 },
  ],
])("scheduler %j", (written, spec) => {
  expect(parse({ epochs: 70, lr_scheduler: written }).scheduler).toEqual(spec);
});

test("an absent, null or empty map is off", () => {
  for (const off of [null, {}]) {
    expect(parse({ early_stopping: off, lr_scheduler: off })).toEqual(parse({}));
  }
  expect(parse({ gradient_clip: null }).gradientClip).toBe(0);
});

test("focal loss has gamma 2 unless given", () => {
  expect(parse({ loss: "focal" }).loss).toEqual({ type: "focal", gamma: 2 });
  expect(parse({ loss: "focal", focal_gamma: 0.5 }).loss).toEqual({ type: "focal", gamma: 0.5 });
});

test("keys that nothing reads are told", () => {
  expect(unreadTrainingKeys({ momentum: 0.9, focal_gamma: 2 })).toEqual([
    "model.training.momentum has no effect: it belongs to the optimizer sgd, not to adam.",
    "model.training.focal_gamma has no effect: it belongs to the loss focal, not to cross_entropy.",
  ]);
  expect(unreadTrainingKeys({ optimizer: "SGD", momentum: 0.9, loss: "focal", focal_gamma: 2 })).toEqual([]);
});

test.each([
  [{ epochs: 0 }, "epochs"],
  [{ epochs: "10" }, "epochs"],
  [{ batch_size: 2.5 }, "batch_size"],
  [{ learning_rate: 0 }, "learning_rate"],
  [{ learning_rate: Infinity }, "learning_rate"],
  [{ learning_rate: NaN }, "learning_rate"],
  [{ optimizer: "lion" }, "optimizer"],
  [{ momentum: 1 }, "momentum"],
  [{ seed: -1 }, "seed"],
  [{ seed: 2 ** 32 }, "seed"],
  [{ class_weights: "auto" }, "class_weights"],
  [{ early_stopping: { patience: 0 } }, "early_stopping.patience"],
  [{ early_stopping: { monitor: "val_accuracy" } }, "early_stopping.monitor"],
  [{ early_stopping: { patiense: 3 } }, "early_stopping"],
  [{ lr_scheduler: { type: "linear" } }, "lr_scheduler.type"],
  [{ lr_scheduler: { type: "step", patience: 3 } }, "lr_scheduler"],
  [{ progress_update_frequency: 0 }, "progress_update_frequency"],
  [{ learnin_rate: 0.1 }, ""],
])("%j is refused at its place", (written, path) => {
  const issues = trainingSchema.safeParse(written).error?.issues;
  expect(issues?.map((issue) => issue.path.join("."))).toEqual([path]);
});

test.each([
  [{}, "hidden_layers"],
  [{ hidden_layers: [0] }, "hidden_layers.0"],
  [{ hidden_layers: [8], dropout: 1 }, "dropout"],
  [{ hidden_layers: [8], activation: "gelu" }, "activation"],
  [{ hidden_layers: [8], layers: 2 }, ""],
])("architecture %j is refused at its place", (written, path) => {
  const issues = architectureSchema.safeParse(written).error?.issues;
  expect(issues?.map((issue) => issue.path.join("."))).toEqual([path]);
});
