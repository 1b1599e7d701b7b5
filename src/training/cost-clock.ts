/** Where the time of a training went, seconds. */
export interface TrainingTiming {
  /** From before the first batch to after the last epoch. */
  readonly loop: number;
  /** Of these: batches, shuffling, validation; what is left of `loop` after the other two. */
  readonly arithmetic: number;
  /** Reports to the listener. */
  readonly progress: number;
  /** Looks at the token between calls of the engine, and what surrounds a call: adding up, checking the loss. */
  readonly cancellation: number;
}

/** One call in so many is timed, and stands for as many: reading the clock three times costs more than what it measures. */
const sampleEvery = 16;

/** The first are all timed: while the code is still being compiled they cost more, and stand for themselves only. */
const first = 128;

/** What the `k`-th of something counts for: 0 when it is not timed. */
const weightOf = (k: number): number => (k < first ? 1 : k % sampleEvery === 0 ? sampleEvery : 0);

/**
 * Measures what surrounds the arithmetic of a training by timing the checks and reports of the first 128 calls of the engine and
 * then of every 16th, and as many of the reports of epochs.
 */
export class CostClock {
  readonly #now: () => number;
  /** Milliseconds between two readings that follow each other: what the clock itself adds to an interval. */
  readonly #reading: number;
  #started = 0;
  #calls = 0;
  #epochs = 0;
  /** Of what is being timed. */
  #weight = 0;
  #marked = 0;
  #checks = 0;
  #reports = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#reading = readingCost(now);
  }

  /** The first epoch begins. */
  start(): void {
    this.#started = this.#now();
  }

  /** A call of the engine has returned. Whether what follows is timed. */
  afterCall(): boolean {
    return this.#begin(this.#calls++);
  }

  /** Sums and token have been looked at. */
  afterChecks(): void {
    this.#checks += this.#lap();
  }

  /** An epoch is about to be reported. Whether that is timed. */
  beforeEpochReport(): boolean {
    return this.#begin(this.#epochs++);
  }

  /** The report, of batches or of an epoch, has been made. */
  afterReport(): void {
    this.#reports += this.#lap();
  }

  /** The last epoch is over. */
  stop(): TrainingTiming {
    const loop = this.#now() - this.#started;
    const [progress, cancellation] = [this.#reports, this.#checks];
    return {
      loop: loop / 1000,
      arithmetic: Math.max(0, loop - progress - cancellation) / 1000,
      progress: progress / 1000,
      cancellation: cancellation / 1000,
    };
  }

  #begin(k: number): boolean {
    this.#weight = weightOf(k);
    if (this.#weight === 0) return false;
    this.#marked = this.#now();
    return true;
  }

  #lap(): number {
    const now = this.#now();
    const lap = Math.max(0, now - this.#marked - this.#reading);
    this.#marked = now;
    return this.#weight * lap;
  }
}

function readingCost(now: () => number): number {
  const readings = 64;
  const started = now();
  for (let i = 1; i < readings; i++) now();
  return (now() - started) / readings;
}
