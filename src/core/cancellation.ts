import { CancelledError } from "./errors.js";

/** One readable fact: has somebody asked this run to stop? Reading it is cheap (an atomic load). */
export interface CancellationToken {
  readonly isCancelled: boolean;
}

/** A token that also tells the thread it lives on, at once, when it is cancelled. */
export interface SignallingToken extends CancellationToken {
  readonly signal: AbortSignal;
}

/** A token whose fact lies in shared memory, so that another thread can read it. */
export interface SharedToken extends SignallingToken {
  /** The control block that holds the stop flag (see `control-block.ts`). */
  readonly memory: SharedArrayBuffer;
}

/** A token that nobody can cancel. */
export const neverCancelled: CancellationToken = { isCancelled: false };

/** @throws CancelledError when the token says so */
export function throwIfCancelled(token: CancellationToken): void {
  if (token.isCancelled) throw new CancelledError();
}

/**
 * Rows to work through between two looks at a token. A pass over 65,536 values takes well under 5 ms on any machine
 * of the last decade (at 20 ns a value: 1.3 ms), which keeps every step's answer to a stop below the 5 ms of design.
 */
export const rowsPerCheck = 65_536;

/** Calls `block(from, to)` over 0..n in blocks of at most `rowsPerCheck`, looking at the token before each. */
export function inBlocks(
  n: number,
  token: CancellationToken,
  block: (from: number, to: number) => void,
): void {
  for (let from = 0; from < n; from += rowsPerCheck) {
    throwIfCancelled(token);
    block(from, Math.min(n, from + rowsPerCheck));
  }
}
