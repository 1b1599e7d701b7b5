/** A named stretch of the pipeline, in the order in which a run passes them. */
export const phases = [
  "loading_data",
  "computing_indicators",
  "generating_fuzzy",
  "creating_features",
  "generating_labels",
  "splitting_data",
  "checking_leaks",
  "combining_data",
  "creating_model",
  "training",
  "evaluating",
  "saving",
] as const;

/** The name of a stretch of the pipeline. */
export type Phase = (typeof phases)[number];

/** What a person calls each phase. */
export const phaseTexts: Readonly<Record<Phase, string>> = {
  loading_data: "Loading bars",
  computing_indicators: "Computing indicators",
  generating_fuzzy: "Computing fuzzy degrees",
  creating_features: "Building features",
  generating_labels: "Labelling",
  splitting_data: "Splitting by date",
  checking_leaks: "Checking for leaks",
  combining_data: "Joining symbols",
  creating_model: "Creating the network",
  training: "Training",
  evaluating: "Evaluating on test",
  saving: "Saving",
};

/**
 * What a run reports. Epochs and batches count from 1. Losses are mean cross-entropies over the samples so far;
 * `validLoss` and `validAccuracy` are null without a validation part.
 */
export type TrainingProgress =
  | { type: "phase"; phase: Phase; symbol?: string; symbolIndex?: number; symbols?: number; samples?: number }
  | {
      type: "batch";
      epoch: number;
      epochs: number;
      batch: number;
      batches: number;
      loss: number;
      accuracy: number;
    }
  | {
      type: "epoch";
      epoch: number;
      epochs: number;
      trainLoss: number;
      trainAccuracy: number;
      validLoss: number | null;
      validAccuracy: number | null;
      learningRate: number;
    };

/** Takes the numbers of a batch report. */
export type BatchListener = (
  epoch: number,
  epochs: number,
  batch: number,
  batches: number,
  loss: number,
  accuracy: number,
) => void;

/** Receives progress; must return at once. */
export interface ProgressListener {
  (progress: TrainingProgress): void;
  /**
   * Called in place of the listener itself for reports of batches, where it is there: an object for each costs more than all that
   * a listener does which looks at one in a thousand.
   */
  readonly batch?: BatchListener;
}

/** A progress listener that does nothing. */
export const ignoreProgress: ProgressListener = () => undefined;
