import type { ProgressOf } from "./bridge.js";

/** Numbers of an epoch's report. */
const fields = 7;
/** Of the first ring: two seconds of a run of the mission's size. */
const firstRows = 1024;

/**
 * Reports of epochs on their way from the thread of a run, which writes, to one that reads: numbers in shared memory, since a message of its
 * own for each, or arrays made anew for many, take the run longer than the reports themselves. Neither end waits: who writes
 * looks whether there is room, and tells the other end by a message how many were written.
 *
 * Layout: int32 [0] how many were read, then from byte 8 float64 rows of 7.
 */
export class EpochRing {
  readonly memory: SharedArrayBuffer;
  readonly #read: Int32Array;
  readonly #rows: Float64Array;
  readonly #capacity: number;
  #written = 0;

  /** @param memory that of the other end; default: a new one of this many rows */
  constructor(memory: SharedArrayBuffer | null = null, rows = firstRows) {
    this.memory = memory ?? new SharedArrayBuffer(8 + 8 * fields * rows);
    this.#read = new Int32Array(this.memory, 0, 1);
    this.#rows = new Float64Array(this.memory, 8);
    this.#capacity = this.#rows.length / fields;
  }

  /** How many this end has written. */
  get written(): number {
    return this.#written;
  }

  /** Whether there is no room for another one until the other end has read some. */
  get isFull(): boolean {
    return this.#written - Atomics.load(this.#read, 0) === this.#capacity;
  }

  /** An empty one of twice the size. */
  larger(): EpochRing {
    return new EpochRing(null, 2 * this.#capacity);
  }

  /** Adds a report; there must be room. */
  write(progress: ProgressOf<"epoch">): void {
    const out = this.#rows;
    const at = (this.#written++ % this.#capacity) * fields;
    out[at] = progress.epoch;
    out[at + 1] = progress.epochs;
    out[at + 2] = progress.trainLoss;
    out[at + 3] = progress.trainAccuracy;
    out[at + 4] = progress.validLoss ?? NaN;
    out[at + 5] = progress.validAccuracy ?? NaN;
    out[at + 6] = progress.learningRate;
  }

  /** Takes out what has not been read yet of the first `count` reports, in order. */
  take(count: number): ProgressOf<"epoch">[] {
    const reports: ProgressOf<"epoch">[] = [];
    for (let k = Atomics.load(this.#read, 0); k < count; k++) {
      const at = (k % this.#capacity) * fields;
      const [epoch, epochs, trainLoss, trainAccuracy, valid, validAccuracy, learningRate] =
        this.#rows.subarray(at, at + fields);
      reports.push({
        type: "epoch",
        epoch,
        epochs,
        trainLoss,
        trainAccuracy,
        validLoss: Number.isNaN(valid) ? null : valid,
        validAccuracy: Number.isNaN(validAccuracy) ? null : validAccuracy,
        learningRate,
      });
    }
    if (reports.length > 0) Atomics.store(this.#read, 0, count);
    return reports;
  }
}
