import type { BlockToken, ControlBlock, SharedToken } from "./cancellation.js";
import { KnownError } from "./errors.js";
import { phases, type BatchListener, type Phase } from "./progress.js";

/*
 * Layout: int32 [0] stop flag, [1] sequence counter of the snapshot, [2] who had the run first (see `claimRun`), then
 * from byte 16 float64 fields of the snapshot.
 * The writer makes the counter odd, writes, makes it even; a reader that saw an odd or changed counter reads again.
 * Without the counter a reader can see the batch of one report with the loss of another.
 */
const stopFlag = 0; // the kernels' flag.ts reads it at this place
const sequence = 1;
const claim = 2;
const ints = 4;
const fields = 7;

/** The last state of a run, as read from its control block. Counts are from 1; 0 means "not yet". */
export interface ProgressSnapshot {
  readonly phase: Phase | null;
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  /** NaN before the first batch. */
  readonly loss: number;
  readonly accuracy: number;
}

/** No room for the control block of one more run. */
export class TooManyRunsError extends KnownError {
  readonly code = "TOO_MANY_RUNS";

  constructor(cause: unknown) {
    super(
      "This process holds so many runs that there are no addresses left for one more (some 13,000 on Linux). Let some end, or forget ended ones, and try again.",
      { cause },
    );
  }
}

/** A control block for one run; it can be posted to other threads. @throws TooManyRunsError */
export function createControlBlock(): ControlBlock {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  } catch (error) {
    // V8 keeps 8 GB of addresses free behind each memory, so that kernels need not check bounds.
    if (error instanceof RangeError) throw new TooManyRunsError(error);
    throw error;
  }
}

/** Reads the stop flag of a control block on whatever thread it is used. */
export function tokenOf(memory: ControlBlock): BlockToken {
  const flags = new Int32Array(memory.buffer, 0, ints);
  return {
    memory,
    get isCancelled() {
      return Atomics.load(flags, stopFlag) !== 0;
    },
  };
}

/** Sets the stop flag of a control block. */
export function requestStop(memory: ControlBlock): void {
  Atomics.store(new Int32Array(memory.buffer, 0, ints), stopFlag, 1);
}

/**
 * True for the first caller only. The worker claims its run before it touches anything; a caller that wants to stop a
 * worker which is still loading modules or reading the request claims the run in its place and may then end the thread at once.
 */
export function claimRun(memory: ControlBlock): boolean {
  return Atomics.compareExchange(new Int32Array(memory.buffer, 0, ints), claim, 0, 1) === 0;
}

/** The two ends of one possible stop: `token` is read by the run, `cancel` is called by whoever may stop it. */
export interface Cancellation {
  readonly token: SharedToken;
  readonly cancel: () => void;
}

/** Creates a stop that can be read on any thread. */
export function createCancellation(): Cancellation {
  const memory = createControlBlock();
  const abort = new AbortController();
  const reader = tokenOf(memory);
  return {
    token: {
      memory,
      signal: abort.signal,
      get isCancelled() {
        return reader.isCancelled;
      },
    },
    cancel() {
      requestStop(memory);
      abort.abort();
    },
  };
}

/** Writes snapshots of one run's progress. */
export interface SnapshotWriter {
  /** A phase begins; the rest of the snapshot stays. */
  readonly phase: (phase: Phase) => void;
  readonly batch: BatchListener;
}

/**
 * Some 20 ns a batch, without garbage, never waiting. One run has one writer, so the counter is kept here and only stored.
 * Before the first batch its counts are 0, its loss and accuracy NaN.
 */
export function createSnapshotWriter(memory: ControlBlock): SnapshotWriter {
  const counters = new Int32Array(memory.buffer, 0, ints);
  const values = new Float64Array(memory.buffer, ints * 4, fields);
  let count = Atomics.load(counters, sequence);
  if (count === 0) values.set([-1, 0, 0, 0, 0, NaN, NaN]);
  return {
    phase(phase) {
      Atomics.store(counters, sequence, ++count);
      values[0] = phases.indexOf(phase);
      Atomics.store(counters, sequence, ++count);
    },
    batch(epoch, epochs, batch, batches, loss, accuracy) {
      Atomics.store(counters, sequence, ++count);
      values[1] = epoch;
      values[2] = epochs;
      values[3] = batch;
      values[4] = batches;
      values[5] = loss;
      values[6] = accuracy;
      Atomics.store(counters, sequence, ++count);
    },
  };
}

/** The last whole snapshot; null before the first one. */
export function readSnapshot(memory: ControlBlock): ProgressSnapshot | null {
  const counters = new Int32Array(memory.buffer, 0, ints);
  const values = new Float64Array(memory.buffer, ints * 4, fields);
  for (;;) {
    const before = Atomics.load(counters, sequence);
    if (before === 0) return null;
    const [phase, epoch, epochs, batch, batches, loss, accuracy] = values.slice();
    if (before % 2 === 0 && Atomics.load(counters, sequence) === before) {
      return { phase: phases[phase] ?? null, epoch, epochs, batch, batches, loss, accuracy };
    }
  }
}
