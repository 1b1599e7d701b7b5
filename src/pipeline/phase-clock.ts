import type { Phase } from "../core/index.js";

/**
 * Seconds that a run spent in each of its phases, and, of these, on telling that a phase begins and on looking whether to stop
 * there.
 */
export class PhaseClock {
  readonly #now: () => number;
  readonly #seconds = new Map<Phase, number>();
  #total = 0;
  #phase: Phase | null = null;
  #since: number;
  #progress = 0;
  #cancellation = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  /** Ends the current phase, and with it this clock, but for those that go on from it. */
  stop(): void {
    this.#close();
    this.#phase = null;
  }

  /** Another clock that goes on from where this one was stopped, as if no time had passed since. */
  goOn(): PhaseClock {
    const clock = new PhaseClock(this.#now);
    for (const [phase, seconds] of this.#seconds) clock.#seconds.set(phase, seconds);
    clock.#total = this.#total;
    clock.#progress = this.#progress;
    clock.#cancellation = this.#cancellation;
    return clock;
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

  /** Seconds since the clock was made, and of those that it goes on from. */
  total(): number {
    this.#close();
    return this.#total;
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
