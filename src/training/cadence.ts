/**
 * Progress is reported at the first, every 10th and the last batch of an epoch (strategy key
 * `progress_update_frequency`). With the mission's 79 batches an epoch that is 9 reports; one costs under 1 µs, so all of
 * them cost less than 0.1 % of an epoch. Thinning is by skipping: nothing waits.
 */
export const PROGRESS_UPDATE_FREQUENCY = 10;

/**
 * Batches in one call of the engine at most, and so the longest stretch between two looks of the loop at the token. An
 * engine looks at it at every batch as well, so a stop never waits for a call to end; the call's own cost is shared by five
 * batches.
 */
export const CANCELLATION_CHECK_FREQUENCY = 5;

/** Whether progress is reported after this batch of an epoch (from 1). */
export function isReported(batch: number, batches: number, every: number): boolean {
  return batch === 1 || batch === batches || batch % every === 0;
}

/** Batches for the engine's next call: up to the next report, at most `CANCELLATION_CHECK_FREQUENCY`. */
export function batchesPerCall(done: number, batches: number, every: number): number {
  const limit = Math.min(CANCELLATION_CHECK_FREQUENCY, batches - done);
  for (let count = 1; count < limit; count++) {
    if (isReported(done + count, batches, every)) return count;
  }
  return limit;
}
