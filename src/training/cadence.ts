/**
 * Progress is reported at the first, every 10th and the last batch of an epoch (strategy key
 * `progress_update_frequency`). With the mission's 79 batches an epoch that is 9 reports. Thinning is by skipping: nothing waits.
 */
export const PROGRESS_UPDATE_FREQUENCY = 10;

/**
 * Multiply-adds in one call of the engine, some 20 ms of the fast one. Where batches are small a call covers several reports, which are
 * made when it returns: a return for each, and an object for each, cost an epoch of the mission's size 6 µs of 560. With calls
 * of a tenth, orchestration without messages took 1.3 % of W2 where it took 0.7 %.
 */
const callWork = 320e6;
/** Batches in one call at most. */
const callBatches = 1024;

/** Batches of `batchWork` multiply-adds that a call may cover beyond those up to the next report. */
export function batchesPerCall(batchWork: number): number {
  return Math.min(callBatches, Math.floor(callWork / batchWork));
}

/** The reported batch (from 1) at which a call after `done` batches of an epoch ends: the last one within `perCall` batches, or the next. */
export function endOfCall(done: number, batches: number, every: number, perCall: number): number {
  const most = done + perCall;
  if (most >= batches) return batches;
  return Math.max(nextReported(done, batches, every), Math.floor(most / every) * every);
}

/** The batch (from 1) that is reported next after `done` batches of an epoch. */
export function nextReported(done: number, batches: number, every: number): number {
  if (done === 0) return 1;
  return Math.min(batches, (Math.floor(done / every) + 1) * every);
}
