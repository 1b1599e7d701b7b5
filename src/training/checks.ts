import type { Samples, Weights } from "../engines/index.js";
import { LossNotFiniteError, TrainingDataError, ValidationRequiredError } from "./errors.js";
import type { TrainingOptions } from "./schema.js";

/** The parts of the data that training sees; `validation` is null where the split has none. */
export interface TrainingParts {
  readonly train: Samples;
  readonly validation: Samples | null;
}

/**
 * Refuses what cannot be trained, before any work.
 *
 * @param inputs of the model
 * @throws TrainingDataError, ValidationRequiredError
 */
export function checkParts(inputs: number, parts: TrainingParts, options: TrainingOptions): void {
  const { train, validation } = parts;
  for (const [name, part] of Object.entries({ training: train, validation })) {
    if (part === null) continue;
    if (part.rows === 0) {
      throw new TrainingDataError(`The ${name} part has no samples. Use more bars or another data_split.`);
    }
    if (part.columns !== inputs) {
      throw new TrainingDataError(
        `The ${name} part has ${part.columns} features and the network ${inputs} inputs. Build both from one strategy.`,
      );
    }
  }
  if (validation !== null) return;
  if (options.earlyStopping !== null) throw new ValidationRequiredError("early_stopping");
  if (options.scheduler?.type === "reduce_on_plateau") throw new ValidationRequiredError("lr_scheduler.type");
}

/** Why a loss may have stopped being a number, and what to change. */
function likelyCause(train: Samples, options: TrainingOptions): string {
  const bad = train.features.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const [row, column] = [Math.floor(bad / train.columns), bad % train.columns];
    return `training sample ${row} has ${train.features[bad]} as its feature ${column}.`;
  }
  const clip = options.gradientClip > 0 ? "" : " or set model.training.gradient_clip: 1";
  return `probably the weights grew without bound; lower model.training.learning_rate (now ${options.learningRate})${clip}.`;
}

/** The error for a loss that is not finite. */
export function notFinite(
  epoch: number,
  batch: number | null,
  train: Samples,
  options: TrainingOptions,
): LossNotFiniteError {
  return new LossNotFiniteError(epoch, batch, likelyCause(train, options));
}

/** Whether all weights are numbers. The last update of a run is followed by no loss that would show it. */
export function areFinite(weights: Weights): boolean {
  return weights.every(({ weight, bias }) => weight.every(Number.isFinite) && bias.every(Number.isFinite));
}
