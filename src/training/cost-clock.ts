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

/** One call in so many is timed, and stands for as many: reading the clock five times costs more than what it measures. */
const sampleEvery = 16;

/** The first calls are all timed: while the code is still being compiled they cost more, and stand for themselves only. */
const firstCalls = 128;

/**
 * Measures what surrounds the arithmetic of a training by timing the first 128 calls of the engine and then every 16th,
 * with its checks and its reports, and as many of the reports of epochs.
 */
export class CostClock {
  readonly #now: () => number;
  /** Milliseconds between two readings that follow each other: what the clock itself adds to an interval. */
  readonly #reading: number;
  #started = 0;
  #calls = 0;
  /** Calls for which the one that is being timed stands. */
  #weight = 1;
  #marked = 0;
  #around = 0;
  #reports = 0;
  #epochReports = 0;
  #epochs = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#reading = readingCost(now);
  }

  /** The first epoch begins. */
  start(): void {
    this.#started = this.#now();
  }

  /** A call of the engine is about to be prepared. Whether to time it. */
  beforeCall(): boolean {
    const call = this.#calls++;
    if (call >= firstCalls && call % sampleEvery !== 0) return false;
    this.#weight = call < firstCalls ? 1 : sampleEvery;
    this.#marked = this.#now();
    return true;
  }

  /** The engine is called. */
  mark(): void {
    this.#around += this.#weight * this.#lap();
  }

  /** It has returned. */
  afterArithmetic(): void {
    this.#marked = this.#now();
  }

  /** Sums and token have been looked at. */
  afterChecks(): void {
    this.#around += this.#weight * this.#lap();
  }

  /** The batch has been reported. */
  afterProgress(): void {
    this.#reports += this.#weight * this.#lap();
  }

  /** Makes the report of an epoch, and times it as calls are. */
  progress(report: () => void): void {
    const epoch = this.#epochs++;
    if (epoch >= firstCalls && epoch % sampleEvery !== 0) return report();
    this.#marked = this.#now();
    report();
    this.#epochReports += (epoch < firstCalls ? 1 : sampleEvery) * this.#lap();
  }

  /** The last epoch is over. */
  stop(): TrainingTiming {
    const loop = this.#now() - this.#started;
    const progress = this.#reports + this.#epochReports;
    const cancellation = this.#around;
    return {
      loop: loop / 1000,
      arithmetic: Math.max(0, loop - progress - cancellation) / 1000,
      progress: progress / 1000,
      cancellation: cancellation / 1000,
    };
  }

  #lap(): number {
    const now = this.#now();
    const lap = Math.max(0, now - this.#marked - this.#reading);
    this.#marked = now;
    return lap;
  }
}

function readingCost(now: () => number): number {
  const readings = 64;
  const started = now();
  for (let i = 1; i < readings; i++) now();
  return (now() - started) / readings;
}
