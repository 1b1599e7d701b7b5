import type { EarlyStoppingSpec } from "./schema.js";

/** Decides after each epoch whether training stops. */
export interface EarlyStopping {
  shouldStop(loss: number): boolean;
}

/**
 * Counts epochs since the validation loss fell by more than `minDelta` below the lowest that counted; stops when the
 * count reaches `patience` (Prechelt 1998). Many small gains below `minDelta` add up, as they are compared with that loss.
 */
export function createEarlyStopping({ patience, minDelta }: EarlyStoppingSpec): EarlyStopping {
  let reference = Infinity;
  let waited = 0;
  return {
    shouldStop(loss) {
      if (loss < reference - minDelta) {
        reference = loss;
        waited = 0;
      } else {
        waited++;
      }
      return waited >= patience;
    },
  };
}
