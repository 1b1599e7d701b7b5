import {
  createSnapshotWriter,
  readSnapshot,
  type BatchListener,
  type ControlBlock,
  type ProgressListener,
  type TrainingProgress,
} from "../core/index.js";
import type { ProgressOf } from "./bridge.js";
import type { PackedProgress } from "./protocol.js";

/**
 * Time between two messages to the listeners. Posting one to a thread that waits stops a run for 0.1 to 1 ms, depending on what else
 * the machine's host does; with 20 a second orchestration took 1.1 % of W1 where it took 0.6 % without any. Five a second are still smooth.
 */
const messageGapMs = 200;

/**
 * Reports between two readings of the clock at most. A reading costs as much as all else of a report, and reports of a run come
 * evenly, so the clock is read again when about half of the time to the next message should have passed. A run that
 * slows down suddenly makes a message late by so many reports.
 */
const mostUntimed = 100;

/** The end of a progress channel that runs beside the pipeline. */
export interface Reporter {
  readonly listener: ProgressListener;
  /** Sends what has been gathered. */
  flush(): void;
}

/**
 * Writes every batch and phase to the control block, and gathers phases, epochs and the newest batch into messages. Of a run's
 * batches the first is sent at once, so that whoever waits for it need not wait longer.
 *
 * @param send posts a message; must not wait
 * @param now milliseconds; decides only when messages leave, never what a run computes
 */
export function createReporter(
  memory: ControlBlock,
  send: (progress: PackedProgress) => void,
  now: () => number,
): Reporter {
  const snapshot = createSnapshotWriter(memory);
  let epochs = new Float64Array(64 * epochFields);
  let gathered = 0;
  let hasBatch = false; // whether the batch in the snapshot is to be sent
  let isFirstBatch = true;
  let sentAt = now();
  let reports = 0; // since then
  let untimed = 0; // reports to let pass before the clock is read again

  const post = (phase: ProgressOf<"phase"> | null): void => {
    if (gathered > 0 || hasBatch || phase !== null) {
      const batch = hasBatch ? batchIn(memory) : null;
      send({ epochs: epochs.slice(0, gathered * epochFields), batch, phase });
    }
    gathered = 0;
    hasBatch = false;
    sentAt = now();
    reports = 0;
    untimed = 0;
  };
  const postWhenDue = (): void => {
    reports++;
    if (untimed-- > 0) return;
    const passed = now() - sentAt;
    if (passed >= messageGapMs) post(null);
    else untimed = Math.min(mostUntimed, ((messageGapMs - passed) * reports) / passed / 2);
  };
  const reportBatch: BatchListener = (epoch, of, batch, batches, loss, accuracy) => {
    snapshot.batch(epoch, of, batch, batches, loss, accuracy);
    hasBatch = true;
    if (!isFirstBatch) return postWhenDue();
    isFirstBatch = false;
    post(null);
  };
  const report = (progress: TrainingProgress): void => {
    if (progress.type === "batch") {
      const { epoch, epochs: of, batch, batches, loss, accuracy } = progress;
      return reportBatch(epoch, of, batch, batches, loss, accuracy);
    }
    // A batch report older than this one would arrive out of order, and says nothing that this one does not.
    hasBatch = false;
    if (progress.type === "phase") {
      snapshot.phase(progress.phase);
      return post(progress);
    }
    if ((gathered + 1) * epochFields > epochs.length) {
      const larger = new Float64Array(epochs.length * 2);
      larger.set(epochs);
      epochs = larger;
    }
    packEpoch(progress, epochs, gathered++ * epochFields);
    postWhenDue();
  };
  return { listener: Object.assign(report, { batch: reportBatch }), flush: () => post(null) };
}

/** The report of the batch that was written last. */
function batchIn(memory: ControlBlock): ProgressOf<"batch"> | null {
  const snapshot = readSnapshot(memory);
  if (snapshot === null) return null;
  const { epoch, epochs, batch, batches, loss, accuracy } = snapshot;
  return { type: "batch", epoch, epochs, batch, batches, loss, accuracy };
}

/** Numbers of an epoch's report. */
const epochFields = 7;

/** Cloning objects for other threads costs 3 µs each, and a fast run has a thousand epochs a second; numbers cost nothing. */
function packEpoch(progress: ProgressOf<"epoch">, out: Float64Array, at: number): void {
  out[at] = progress.epoch;
  out[at + 1] = progress.epochs;
  out[at + 2] = progress.trainLoss;
  out[at + 3] = progress.trainAccuracy;
  out[at + 4] = progress.validLoss ?? NaN;
  out[at + 5] = progress.validAccuracy ?? NaN;
  out[at + 6] = progress.learningRate;
}

/** The reports of a message in the order in which they were made. */
export function unpackProgress({ epochs, batch, phase }: PackedProgress): TrainingProgress[] {
  const events: TrainingProgress[] = [];
  for (let at = 0; at < epochs.length; at += epochFields) {
    const [epoch, of, trainLoss, trainAccuracy, validLoss, validAccuracy, learningRate] = epochs.subarray(at);
    events.push({
      type: "epoch",
      epoch,
      epochs: of,
      trainLoss,
      trainAccuracy,
      validLoss: Number.isNaN(validLoss) ? null : validLoss,
      validAccuracy: Number.isNaN(validAccuracy) ? null : validAccuracy,
      learningRate,
    });
  }
  if (batch !== null) events.push(batch);
  if (phase !== null) events.push(phase);
  return events;
}
