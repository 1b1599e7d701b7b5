/** Mean loss and share of hits over the samples of an epoch or a part. */
export interface EpochScore {
  readonly loss: number;
  readonly accuracy: number;
}

/** One number per epoch; validation has null where the split has no validation part. */
export interface TrainingHistory {
  readonly train_loss: number[];
  readonly train_accuracy: number[];
  readonly val_loss: (number | null)[];
  readonly val_accuracy: (number | null)[];
  /** The rate that the epoch was trained with. */
  readonly learning_rate: number[];
}

/**
 * What is known about a training afterwards, under the names of files and HTTP. Training loss and accuracy are measured
 * while the weights move, dropout on; validation after the epoch, dropout off, unweighted.
 */
export interface TrainingMetrics {
  readonly epochs_trained: number;
  /** From 1: the epoch whose weights were kept. */
  readonly best_epoch: number;
  /** How it was chosen; `"last_epoch"` means that nothing was selected, for want of a validation part. */
  readonly selected_by: "val_loss" | "last_epoch";
  readonly stopped_early: boolean;
  readonly final_train_loss: number;
  readonly final_train_accuracy: number;
  readonly final_val_loss: number | null;
  readonly final_val_accuracy: number | null;
  /** Of the saved weights. */
  readonly best_val_loss: number | null;
  readonly best_val_accuracy: number | null;
  /** Seconds. */
  readonly training_time: number;
  readonly history: TrainingHistory;
}

/** A history without epochs. */
export function emptyHistory(): TrainingHistory {
  return { train_loss: [], train_accuracy: [], val_loss: [], val_accuracy: [], learning_rate: [] };
}

/** Adds an epoch. */
export function recordEpoch(
  history: TrainingHistory,
  train: EpochScore,
  validation: EpochScore | null,
  learningRate: number,
): void {
  history.train_loss.push(train.loss);
  history.train_accuracy.push(train.accuracy);
  history.val_loss.push(validation?.loss ?? null);
  history.val_accuracy.push(validation?.accuracy ?? null);
  history.learning_rate.push(learningRate);
}

/** The metrics of a training that is over, of at least one epoch. */
export function summarizeTraining(
  history: TrainingHistory,
  bestEpoch: number,
  stoppedEarly: boolean,
  seconds: number,
): TrainingMetrics {
  const last = history.train_loss.length - 1;
  const best = bestEpoch - 1;
  return {
    epochs_trained: last + 1,
    best_epoch: bestEpoch,
    selected_by: history.val_loss[best] === null ? "last_epoch" : "val_loss",
    stopped_early: stoppedEarly,
    final_train_loss: history.train_loss[last],
    final_train_accuracy: history.train_accuracy[last],
    final_val_loss: history.val_loss[last],
    final_val_accuracy: history.val_accuracy[last],
    best_val_loss: history.val_loss[best],
    best_val_accuracy: history.val_accuracy[best],
    training_time: seconds,
    history,
  };
}
