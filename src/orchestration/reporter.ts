import {
  createSnapshotWriter,
  readSnapshot,
  type BatchListener,
  type ControlBlock,
  type ProgressListener,
  type TrainingProgress,
} from "../core/index.js";
import type { ProgressOf } from "./bridge.js";
import { EpochRing } from "./epoch-ring.js";

/**
 * Time between two messages to the listeners. To wake a thread that waits stops a run for 0.1 to 0.5 ms, depending on what else
 * the machine's host does. Five a second are still smooth.
 */
const messageGapMs = 200;

/**
 * Reports between two readings of the clock at most. A reading costs as much as all else of a report, and reports of a run come
 * evenly, so the clock is read again when about half of the time to the next message should have passed. A run that
 * slows down suddenly makes a message late by so many reports.
 */
const mostUntimed = 100;

/** A message that says more than that there is something to read. */
export interface ProgressNews {
  /** Epochs that were in the ring by then, since it began. */
  readonly epochs: number;
  /** Where epochs are from here on. */
  readonly ring?: SharedArrayBuffer;
  /** A phase that has begun. */
  readonly phase?: ProgressOf<"phase">;
  /** The first batch of the run. */
  readonly batch?: ProgressOf<"batch">;
}

/**
 * A message of a run to who listens: that something is there to be read in shared memory. Most are but the number of epochs by then; cloning
 * objects, and the code for it, which is cold each time, took a run several times as long as waking the other thread.
 */
export type ProgressMessage = number | ProgressNews;

/** The end of a progress channel that runs beside the pipeline. */
export interface Reporter {
  readonly listener: ProgressListener;
  /** Tells of what has not been told yet. */
  flush(): void;
}

/**
 * Writes every batch and phase to the control block and every epoch to a ring, and tells of them by messages: of phases and a run's first
 * batch at once, so that whoever waits for it need not wait longer, of all else a few times a second.
 *
 * @param send posts a message, must not wait; null where nobody listens: only the control block is written then
 * @param now milliseconds; decides only when messages leave, never what a run computes
 */
export function createReporter(
  memory: ControlBlock,
  send: ((message: ProgressMessage) => void) | null,
  now: () => number,
): Reporter {
  const snapshot = createSnapshotWriter(memory);
  if (send === null) {
    const phase = (progress: ProgressOf<"phase">): void => snapshot.phase(progress.phase);
    const listener = listenerOf({ phase, batch: snapshot.batch, epoch: () => undefined });
    return { listener, flush: () => undefined };
  }
  let ring = new EpochRing();
  let isFirstBatch = true;
  let sentAt = now();
  let reports = 0; // since then
  let untimed = 0; // reports to let pass before the clock is read again

  const post = (news: Omit<ProgressNews, "epochs"> | null = null): void => {
    send(news === null ? ring.written : { ...news, epochs: ring.written });
    sentAt = now();
    reports = 0;
    untimed = 0;
  };
  const postWhenDue = (): void => {
    reports++;
    if (untimed-- > 0) return;
    const passed = now() - sentAt;
    if (passed >= messageGapMs) post();
    else untimed = Math.floor(Math.min(mostUntimed, ((messageGapMs - passed) * reports) / passed / 2));
  };
  const batch: BatchListener = (epoch, epochs, at, batches, loss, accuracy) => {
    snapshot.batch(epoch, epochs, at, batches, loss, accuracy);
    if (!isFirstBatch) return postWhenDue();
    isFirstBatch = false;
    post({ batch: { type: "batch", epoch, epochs, batch: at, batches, loss, accuracy } });
  };
  const phase = (progress: ProgressOf<"phase">): void => {
    snapshot.phase(progress.phase);
    post({ phase: progress });
  };
  const epoch = (progress: ProgressOf<"epoch">): void => {
    if (ring.isFull) {
      const next = ring.larger();
      post({ ring: next.memory });
      ring = next;
    }
    ring.write(progress);
    postWhenDue();
  };
  const flush = (): void => {
    if (reports > 0) post();
  };
  post({ ring: ring.memory });
  return { listener: listenerOf({ phase, batch, epoch }), flush };
}

/** A listener that hands each report to the function of its kind. */
function listenerOf(to: {
  readonly phase: (progress: ProgressOf<"phase">) => void;
  readonly batch: BatchListener;
  readonly epoch: (progress: ProgressOf<"epoch">) => void;
}): ProgressListener {
  const listener = (progress: TrainingProgress): void => {
    if (progress.type === "epoch") return to.epoch(progress);
    if (progress.type === "phase") return to.phase(progress);
    const { epoch, epochs, batch, batches, loss, accuracy } = progress;
    to.batch(epoch, epochs, batch, batches, loss, accuracy);
  };
  return Object.assign(listener, { batch: to.batch });
}

/**
 * The other end, on the thread of who listens: gives the reports that each message tells of, in the order in which they were made. Of
 * batches, it gives the one that the control block holds by now where that is news.
 *
 * @param memory that of the run's reporter
 */
export function createReportReader(
  memory: ControlBlock,
): (message: ProgressMessage) => readonly TrainingProgress[] {
  let ring: EpochRing | null = null;
  let [epoch, batch] = [0, 0]; // the last epoch that was given, and of the one after it the last batch
  return (message) => {
    const news: ProgressNews = typeof message === "number" ? { epochs: message } : message;
    const events: TrainingProgress[] = ring?.take(news.epochs) ?? [];
    const last = events.at(-1);
    if (last?.type === "epoch") [epoch, batch] = [last.epoch, 0];
    if (news.ring !== undefined) ring = new EpochRing(news.ring);
    if (news.phase !== undefined) events.push(news.phase);
    // What is told at once may be read late: the batch in the control block may be of a phase that is yet to come.
    const newest = typeof message === "number" ? batchIn(memory) : news.batch;
    if (newest?.epoch !== epoch + 1 || newest.batch <= batch) return events;
    ({ batch } = newest);
    return [...events, newest];
  };
}

/** The report of the batch that was written last. */
function batchIn(memory: ControlBlock): ProgressOf<"batch"> | undefined {
  const snapshot = readSnapshot(memory);
  if (snapshot === null) return undefined;
  const { epoch, epochs, batch, batches, loss, accuracy } = snapshot;
  return { type: "batch", epoch, epochs, batch, batches, loss, accuracy };
}
