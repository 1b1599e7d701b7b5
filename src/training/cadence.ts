/**
 * Progress is reported at the first, every 10th and the last batch of an epoch (strategy key
 * `progress_update_frequency`). With the mission's 79 batches an epoch that is 9 reports; one costs some 0.1 µs, so all of
 * them cost 0.1 % of an epoch. Thinning is by skipping: nothing waits.
 */
export const PROGRESS_UPDATE_FREQUENCY = 10;

/** The batch (from 1) that is reported next after `done` batches of an epoch. One call of the engine leads there. */
export function nextReported(done: number, batches: number, every: number): number {
  if (done === 0) return 1;
  return Math.min(batches, (Math.floor(done / every) + 1) * every);
}
