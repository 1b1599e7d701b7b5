import {
  createSnapshotWriter,
  type ControlBlock,
  type Phase,
  type ProgressListener,
  type TrainingProgress,
} from "../core/index.js";
import type { ProgressOf } from "./bridge.js";
import type { PackedProgress } from "./protocol.js";

/**
 * Time between two messages to the listeners. People see 20 updates a second as smooth; a message costs some 10 µs on
 * this side, so 20 of them cost a run 0.02 %.
 */
const messageGapMs = 50;

/**
 * Reports between two readings of the clock at most. A reading costs as much as all else of a report, and reports of a run come
 * evenly, so the clock is read again when about half of the time to the next message should have passed. A run that
 * slows down suddenly makes a message late by so many reports.
 */
const mostUntimed = 15;

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
  const writeSnapshot = createSnapshotWriter(memory);
  // One object for all reports: a new one for each would cost more than writing it.
  const snapshot = {
    phase: null as Phase | null,
    epoch: 0,
    epochs: 0,
    batch: 0,
    batches: 0,
    loss: NaN,
    accuracy: NaN,
  };
  let epochs = new Float64Array(64 * epochFields);
  let gathered = 0;
  let newestBatch: ProgressOf<"batch"> | null = null;
  let isFirstBatch = true;
  let sentAt = now();
  let reports = 0; // since then
  let untimed = 0; // reports to let pass before the clock is read again

  const post = (phase: ProgressOf<"phase"> | null): void => {
    if (gathered > 0 || newestBatch !== null || phase !== null) {
      send({ epochs: epochs.slice(0, gathered * epochFields), batch: newestBatch, phase });
    }
    gathered = 0;
    newestBatch = null;
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
  const listener: ProgressListener = (progress) => {
    if (progress.type === "batch") {
      snapshot.epoch = progress.epoch;
      snapshot.epochs = progress.epochs;
      snapshot.batch = progress.batch;
      snapshot.batches = progress.batches;
      snapshot.loss = progress.loss;
      snapshot.accuracy = progress.accuracy;
      writeSnapshot(snapshot);
      newestBatch = progress;
      if (!isFirstBatch) return postWhenDue();
      isFirstBatch = false;
      return post(null);
    }
    // A batch report older than this one would arrive out of order, and says nothing that this one does not.
    newestBatch = null;
    if (progress.type === "phase") {
      snapshot.phase = progress.phase;
      writeSnapshot(snapshot);
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
  return { listener, flush: () => post(null) };
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
