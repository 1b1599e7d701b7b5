import {
  createCancellation,
  readSnapshot,
  type ControlBlock,
  type ProgressSnapshot,
  type TrainingProgress,
} from "../../core/index.js";
import type { TrainingResult } from "../../pipeline/index.js";
import type { TrainingOperationContext } from "../context.js";
import { createProgressScale, progressText } from "../progress-scale.js";
import { EventLog, type SessionEvent, type SessionFailure } from "./event-log.js";

/** States of a session; it only moves forward, and the last three are final. A waiting session is `initialized`. */
export const sessionStatuses = ["initialized", "running", "completed", "failed", "cancelled"] as const;

/** A state of a session. */
export type SessionStatus = (typeof sessionStatuses)[number];

/** What a session is to train: everything of a training but its id. */
export type SessionConfig = Omit<TrainingOperationContext, "operationId">;

/** Losses and accuracies of one epoch. */
export type EpochMetrics = Extract<TrainingProgress, { type: "epoch" }>;

/** How a session ended. */
export type SessionEnd =
  | { readonly status: "completed"; readonly result: TrainingResult }
  | { readonly status: "failed"; readonly error: SessionFailure }
  | { readonly status: "cancelled" };

/** Events kept of a session at least; one takes some 200 bytes. */
const keptEvents = 5000;

/**
 * A run as the host service holds it. It owns the control block that its run reads the stop flag from and writes its
 * progress to, so both facts are the same on every thread. What it holds does not grow with the number of epochs.
 */
export class TrainingSession {
  readonly sessionId: string;
  readonly config: SessionConfig;
  readonly createdAt: string;
  readonly log = new EventLog(keptEvents);
  readonly #cancellation = createCancellation();
  readonly #scale = createProgressScale();
  #status: SessionStatus = "initialized";
  #startedAt: string | null = null;
  /** Epoch ms; formatted where it is asked for, as an epoch may take 50 µs and its report is to take less. */
  #lastUpdated: number;
  #percent = 0;
  /** Or the report that it is the text of. */
  #message: string | TrainingProgress = "Waiting";
  #currentItem: string | null = null;
  #epoch: EpochMetrics | null = null;
  #best: EpochMetrics | null = null;
  #batch: TrainingProgress | null = null;
  #batchNumber = 0;
  #error: SessionFailure | null = null;
  #result: TrainingResult | null = null;
  /** Where somebody waits for a change. */
  #changed: ReturnType<typeof deferred> | null = null;
  readonly #ended = deferred();

  constructor(sessionId: string, config: SessionConfig) {
    this.sessionId = sessionId;
    this.config = config;
    this.createdAt = new Date().toISOString();
    this.#lastUpdated = Date.parse(this.createdAt);
    this.#tell({ type: "status", status: "initialized", error: null });
  }

  /** Whether somebody asked this session to stop; read from the control block. */
  get stopRequested(): boolean {
    return this.#cancellation.token.isCancelled;
  }

  /** Asks it to stop, which cannot be taken back. */
  set stopRequested(_asked: true) {
    this.#cancellation.cancel();
  }

  /** The control block that the run's thread shares. */
  get memory(): ControlBlock {
    return this.#cancellation.token.memory;
  }

  /** Aborted at the moment a stop is asked for. */
  get signal(): AbortSignal {
    return this.#cancellation.token.signal;
  }

  get status(): SessionStatus {
    return this.#status;
  }

  /** True for a state that never changes again. */
  get isFinal(): boolean {
    return this.#status !== "initialized" && this.#status !== "running";
  }

  /** ISO, UTC; null while it waits. */
  get startedAt(): string | null {
    return this.#startedAt;
  }

  /** When a report or a new state last came: ISO, UTC. */
  get lastUpdated(): string {
    return new Date(this.#lastUpdated).toISOString();
  }

  get error(): SessionFailure | null {
    return this.#error;
  }

  /** Null unless completed. */
  get result(): TrainingResult | null {
    return this.#result;
  }

  /** 0..100, never going back. */
  get percent(): number {
    const newest = this.#newestReport();
    if (newest !== null) this.#percent = this.#scale(newest);
    return this.#percent;
  }

  /** The newest report in words. */
  get message(): string {
    const newest = this.#newestReport();
    const message = newest ?? this.#message;
    return typeof message === "string" ? message : progressText(message);
  }

  /** The symbol being prepared; null in the phases that concern all. */
  get currentItem(): string | null {
    return this.#currentItem;
  }

  /** The newest epoch, and the one with the lowest validation loss (training loss where there is no validation part). */
  get metrics(): { readonly current: EpochMetrics | null; readonly best: EpochMetrics | null } {
    return { current: this.#epoch, best: this.#best };
  }

  /** The newest snapshot that the run wrote: at the first, every 10th and the last batch, every phase and epoch. */
  get snapshot(): ProgressSnapshot | null {
    return readSnapshot(this.memory);
  }

  /** The newest batch report and its number; batches are not in the log, since only the newest matters. */
  get newestBatch(): { readonly number: number; readonly event: TrainingProgress | null } {
    return { number: this.#batchNumber, event: this.#batch };
  }

  /** Takes a report of the run. */
  report(progress: TrainingProgress): void {
    if (this.isFinal) return;
    this.#percent = this.#scale(progress);
    this.#message = progress;
    if (progress.type === "phase") this.#currentItem = progress.symbol ?? null;
    if (progress.type === "epoch") {
      this.#epoch = progress;
      const loss = ({ validLoss, trainLoss }: EpochMetrics): number => validLoss ?? trainLoss;
      if (this.#best === null || loss(progress) < loss(this.#best)) this.#best = progress;
    }
    if (progress.type !== "batch") {
      // A batch from before this report would arrive after it, and says nothing that this does not.
      this.#batch = null;
      return this.#tell(progress);
    }
    this.#batch = progress;
    this.#batchNumber++;
    this.#touch();
  }

  /** initialized -> running; false where the session is past that. */
  begin(at = new Date().toISOString()): boolean {
    if (this.#status !== "initialized") return false;
    this.#status = "running";
    this.#startedAt = at;
    this.#message = "Starting";
    this.#tell({ type: "status", status: "running", error: null });
    return true;
  }

  /** To a final state; false where the session already was in one, which then stays as it is. */
  end(end: SessionEnd, at = new Date().toISOString()): boolean {
    if (this.isFinal) return false;
    this.#status = end.status;
    if (end.status === "completed") {
      this.#result = end.result;
      this.#percent = 100;
    }
    if (end.status === "failed") this.#error = end.error;
    this.#message = { completed: "Completed", failed: this.#error?.message ?? "", cancelled: "Cancelled" }[
      end.status
    ];
    this.#batch = null;
    this.#currentItem = null;
    this.#tell({ type: "status", status: end.status, error: this.#error });
    this.#lastUpdated = Date.parse(at);
    this.#ended.resolve();
    return true;
  }

  /** Resolves at the next report or new state, or when `signal` is aborted. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = deferred();
    signal.addEventListener("abort", resolve, { once: true });
    this.#changed ??= deferred();
    await Promise.race([promise, this.#changed.promise]);
    signal.removeEventListener("abort", resolve);
  }

  /** Resolves when the session is in a final state. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The batch of the snapshot, which is ahead of the reports that have arrived; null outside training. */
  #newestReport(): TrainingProgress | null {
    const snapshot = this.#status === "running" ? this.snapshot : null;
    if (snapshot?.phase !== "training" || snapshot.batch === 0) return null;
    return { ...snapshot, type: "batch" };
  }

  #tell(event: SessionEvent): void {
    this.log.append(event);
    this.#touch();
  }

  #touch(): void {
    this.#lastUpdated = Date.now();
    this.#changed?.resolve();
    this.#changed = null;
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((onResolve) => (resolve = onResolve));
  return { promise, resolve };
}
