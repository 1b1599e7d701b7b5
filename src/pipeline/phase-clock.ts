import type { Phase } from "../core/index.js";

/** What a clock has counted so far, in seconds. */
export interface PhaseTimes {
  /** By phase, in order of first appearance. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly total: number;
  /** Reports of phases. */
  readonly progress: number;
  /** Looks at the token at the beginning of phases. */
  readonly cancellation: number;
}

/**
 * Seconds that a run spent in each of its phases, and, of these, on telling that a phase begins and on looking whether to stop
 * there.
 */
export class PhaseClock {
  readonly #now: () => number;
  readonly #seconds: Map<string, number>;
  #total: number;
  #phase: Phase | null = null;
  #since: number;
  #progress: number;
  #cancellation: number;

  /**
   * @param now    milliseconds
   * @param before what another clock counted; this one goes on from there, as if no time had passed since
   */
  constructor(now: () => number, before?: PhaseTimes) {
    this.#now = now;
    this.#seconds = new Map(Object.entries(before?.seconds ?? {}));
    this.#total = before?.total ?? 0;
    this.#progress = before?.progress ?? 0;
    this.#cancellation = before?.cancellation ?? 0;
    this.#since = now();
  }

  /** Ends the current phase, and with it this clock; what it counted. */
  stop(): PhaseTimes {
    const times = this.times();
    this.#phase = null;
    return times;
  }

  /**
   * Ends the current phase and starts another; the same phase may come again (once per symbol).
   *
   * @param report tells the listener
   * @param look looks at the token; may throw
   */
  enter(phase: Phase, report: () => void, look: () => void): void {
    this.#close();
    this.#phase = phase;
    report();
    const reported = this.#now();
    look();
    this.#progress += (reported - this.#since) / 1000;
    this.#cancellation += (this.#now() - reported) / 1000;
  }

  /** So far. */
  times(): PhaseTimes {
    this.#close();
    return {
      seconds: Object.fromEntries(this.#seconds),
      total: this.#total,
      progress: this.#progress,
      cancellation: this.#cancellation,
    };
  }

  #close(): void {
    const now = this.#now();
    const passed = (now - this.#since) / 1000;
    if (this.#phase !== null) {
      this.#seconds.set(this.#phase, (this.#seconds.get(this.#phase) ?? 0) + passed);
    }
    this.#total += passed;
    this.#since = now;
  }
}
