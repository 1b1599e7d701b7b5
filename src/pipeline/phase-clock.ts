import type { Phase } from "../core/index.js";

/**
 * Seconds that a run spent in each of its phases, and, of these, on telling that a phase begins and on looking whether to stop
 * there.
 */
export class PhaseClock {
  readonly #now: () => number;
  readonly #seconds = new Map<Phase, number>();
  readonly #startedAt: number;
  #phase: Phase | null = null;
  #since: number;
  #progress = 0;
  #cancellation = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
    this.#since = this.#startedAt;
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

  /** Seconds of all reports of phases. */
  get progress(): number {
    return this.#progress;
  }

  /** Seconds of all looks at the token at the beginning of phases. */
  get cancellation(): number {
    return this.#cancellation;
  }

  /** Seconds by phase so far, in order of first appearance. */
  seconds(): Record<string, number> {
    this.#close();
    return Object.fromEntries(this.#seconds);
  }

  /** Seconds since the clock was made. */
  total(): number {
    return (this.#now() - this.#startedAt) / 1000;
  }

  #close(): void {
    const now = this.#now();
    if (this.#phase !== null) {
      this.#seconds.set(this.#phase, (this.#seconds.get(this.#phase) ?? 0) + (now - this.#since) / 1000);
    }
    this.#since = now;
  }
}
