import type { Phase } from "../core/index.js";

/** Seconds that a run spent in each of its phases. */
export class PhaseClock {
  readonly #now: () => number;
  readonly #seconds = new Map<Phase, number>();
  readonly #startedAt: number;
  #phase: Phase | null = null;
  #since: number;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
    this.#since = this.#startedAt;
  }

  /** Ends the current phase and starts another; the same phase may come again (once per symbol). */
  enter(phase: Phase): void {
    this.#close();
    this.#phase = phase;
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
