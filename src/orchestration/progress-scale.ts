import { phaseTexts, type Phase, type TrainingProgress } from "../core/index.js";

/*
 * One scale for every run, wherever it is: bars and features up to 5 %, training from 5 to 95 %, evaluating and saving the
 * rest. Epochs take nearly all of the time, so within training the scale is proportional to batches.
 */
const trainingFrom = 5;
const trainingTo = 95;
const perSymbol = [
  "computing_indicators",
  "generating_fuzzy",
  "creating_features",
  "generating_labels",
  "splitting_data",
  "checking_leaks",
] as const satisfies readonly Phase[];
const fixed: Partial<Record<Phase, number>> = {
  combining_data: 4.5,
  creating_model: 4.8,
  training: trainingFrom,
  evaluating: trainingTo,
  saving: 98,
};

/** How far a run is after a report, 0..100. Grows through a run, but for what early stopping leaves out. */
export function percentOf(progress: TrainingProgress): number {
  if (progress.type !== "phase") {
    const { epoch, epochs } = progress;
    const done = progress.type === "epoch" ? epoch : epoch - 1 + progress.batch / progress.batches;
    return trainingFrom + ((trainingTo - trainingFrom) * done) / epochs;
  }
  const { phase, symbolIndex = 1, symbols = 1 } = progress;
  if (phase === "loading_data") return (2 * (symbolIndex - 1)) / Math.max(1, symbols);
  const step = perSymbol.findIndex((name) => name === phase);
  if (step < 0) return fixed[phase] ?? 0;
  return 2 + (2.5 * (symbolIndex - 1 + step / perSymbol.length)) / Math.max(1, symbols);
}

/** Follows the reports of one run; what it returns never goes back. 100 is for whoever knows that the run is over. */
export function createProgressScale(): (progress: TrainingProgress) => number {
  let reached = 0;
  return (progress) => (reached = Math.max(reached, percentOf(progress)));
}

/** A report in words: "Computing indicators AAPL (1/3)", "Epoch 3/60 · Batch 10/27". */
export function progressText(progress: TrainingProgress): string {
  if (progress.type === "epoch") return `Epoch ${progress.epoch}/${progress.epochs}`;
  if (progress.type === "batch") {
    const { epoch, epochs, batch, batches } = progress;
    return `Epoch ${epoch}/${epochs} · Batch ${batch}/${batches}`;
  }
  const { phase, symbol, symbolIndex, symbols } = progress;
  const which =
    symbol === undefined ? "" : ` ${symbol}${symbols === 1 ? "" : ` (${symbolIndex}/${symbols})`}`;
  return `${phaseTexts[phase]}${which}`;
}
