import type { TrainingProgress } from "../../core/index.js";
import type { SessionStatus } from "./training-session.js";

/** What a session tells those who follow it: a report of the run, or a new state. */
export type SessionEvent =
  | TrainingProgress
  | { readonly type: "status"; readonly status: SessionStatus; readonly error: SessionFailure | null };

/** Why a session failed: the `code` of a `KnownError`, or `INTERNAL`. */
export interface SessionFailure {
  readonly code: string;
  readonly message: string;
}

/** An event with its place in the session: the first has number 1. */
export interface NumberedEvent {
  readonly id: number;
  readonly event: SessionEvent;
}

/**
 * Phases, epochs and states of one session, in order. A session of a million epochs must not fill the memory, so at least
 * the newest `limit` events are kept, at most twice as many; whoever asks for older ones is told how many are missing.
 */
export class EventLog {
  readonly #limit: number;
  #events: SessionEvent[] = [];
  /** Number of the first event kept. */
  #first = 1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of the newest event; 0 before the first. */
  get last(): number {
    return this.#first + this.#events.length - 1;
  }

  append(event: SessionEvent): void {
    this.#events.push(event);
    if (this.#events.length < 2 * this.#limit) return;
    this.#first += this.#events.length - this.#limit;
    this.#events = this.#events.slice(-this.#limit);
  }

  /**
   * The events after number `id`, at most `count` of them.
   *
   * @returns `missed`: how many of those asked for are no longer kept
   */
  after(id: number, count: number): { readonly events: NumberedEvent[]; readonly missed: number } {
    const from = Math.max(id + 1, this.#first);
    const events = this.#events
      .slice(from - this.#first, from - this.#first + count)
      .map((event, index) => ({ id: from + index, event }));
    return { events, missed: from - id - 1 };
  }
}
