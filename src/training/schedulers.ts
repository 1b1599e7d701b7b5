import { cosine } from "../core/index.js";

/** A plan for the learning rate, stepped once per epoch; PyTorch's algorithms. */
export type SchedulerSpec =
  | { readonly type: "step"; readonly stepSize: number; readonly gamma: number }
  | { readonly type: "exponential"; readonly gamma: number }
  | {
      readonly type: "reduce_on_plateau";
      readonly factor: number;
      readonly patience: number;
      /** The loss must fall below (1 - threshold) × the best so far to count as better. */
      readonly threshold: number;
      readonly cooldown: number;
      readonly minRate: number;
    }
  | { readonly type: "cosine"; readonly period: number; readonly minRate: number };

/** Gives the learning rate of the next epoch. */
export interface Scheduler {
  /** @param loss validation loss of the epoch that ended; only `reduce_on_plateau` reads it */
  next(loss: number | null): number;
}

/** A scheduler that starts from the learning rate of the first epoch; null keeps it. */
export function createScheduler(spec: SchedulerSpec | null, learningRate: number): Scheduler {
  let epoch = 0;
  let rate = learningRate;
  switch (spec?.type) {
    case undefined:
      return { next: () => rate };
    case "step":
      return { next: () => (++epoch % spec.stepSize === 0 ? (rate *= spec.gamma) : rate) };
    case "exponential":
      return { next: () => (rate *= spec.gamma) };
    case "cosine":
      // Loshchilov & Hutter 2017, eq. 5, without restarts; past the period the rate rises again, as in PyTorch.
      return {
        next: () => {
          const half = (1 + cosine((Math.PI * ++epoch) / spec.period)) / 2;
          return spec.minRate + (learningRate - spec.minRate) * half;
        },
      };
    case "reduce_on_plateau":
      return createPlateau(spec, learningRate);
  }
}

/** PyTorch ignores reductions smaller than this. */
const smallestReduction = 1e-8;

function createPlateau(
  spec: Extract<SchedulerSpec, { type: "reduce_on_plateau" }>,
  learningRate: number,
): Scheduler {
  let rate = learningRate;
  let best = Infinity;
  let badEpochs = 0;
  let cooling = 0;
  return {
    next(loss) {
      if (loss !== null && loss < best * (1 - spec.threshold)) {
        best = loss;
        badEpochs = 0;
      } else {
        badEpochs++;
      }
      if (cooling > 0) {
        cooling--;
        badEpochs = 0;
      }
      if (badEpochs > spec.patience) {
        const reduced = Math.max(rate * spec.factor, spec.minRate);
        if (rate - reduced > smallestReduction) rate = reduced;
        cooling = spec.cooldown;
        badEpochs = 0;
      }
      return rate;
    },
  };
}
