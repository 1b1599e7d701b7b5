import { KnownError } from "../core/index.js";

/** The loss is no number any more: the weights are worthless, and nothing is saved. */
export class LossNotFiniteError extends KnownError {
  readonly code = "LOSS_NOT_FINITE";
  readonly epoch: number;
  /** From 1; null when it showed after the epoch, in validation or in the weights. */
  readonly batch: number | null;

  constructor(epoch: number, batch: number | null, cause: string) {
    const place = batch === null ? "after its last batch" : `at batch ${batch}`;
    super(`The loss is not a finite number (epoch ${epoch}, ${place}): ${cause} No model was saved.`);
    this.epoch = epoch;
    this.batch = batch;
  }
}

/** Samples that cannot train this network. */
export class TrainingDataError extends KnownError {
  readonly code = "TRAINING_DATA";
}

/** A key of `model.training` that reads the validation loss, in a run without a validation part. */
export class ValidationRequiredError extends KnownError {
  readonly code = "VALIDATION_REQUIRED";
  readonly key: string;

  constructor(key: string) {
    super(
      `"model.training.${key}" reads the validation loss, but "training.data_split.validation" is 0. ` +
        `Give validation a part of the data (0.15), or remove "${key.split(".")[0]}".`,
    );
    this.key = key;
  }
}
