import { CancelledError } from "./errors.js";

/** One readable fact: has somebody asked this run to stop? Reading it is cheap (an atomic load). */
export interface CancellationToken {
  readonly isCancelled: boolean;
}

/** A token that also tells the thread it lives on, at once, when it is cancelled. */
export interface SignallingToken extends CancellationToken {
  readonly signal: AbortSignal;
}

/**
 * Memory that a run shares with whoever asked for it: a stop flag, and the last progress snapshot under its sequence
 * counter. It is WebAssembly memory, so that a kernel can read the flag itself: 3 ns, where a call back into JavaScript takes 15.
 */
export type ControlBlock = WebAssembly.Memory;

/** A token whose fact lies in a control block, so that other threads and kernels can read it. */
export interface BlockToken extends CancellationToken {
  readonly memory: ControlBlock;
}

/** A token that does both. */
export interface SharedToken extends SignallingToken, BlockToken {}

/** A token that nobody can cancel. */
export const neverCancelled: CancellationToken = { isCancelled: false };

/** @throws CancelledError when the token says so */
export function throwIfCancelled(token: CancellationToken): void {
  if (token.isCancelled) throw new CancelledError();
}

/**
 * Rows to work through between two looks at a token. The slowest rows (a random number drawn for each) cost some 300 ns,
 * so a block of them takes 2.5 ms, which keeps every step's answer to a stop below the 5 ms of design; at 20 ns a
 * look, 8192 rows do not feel it.
 */
export const rowsPerCheck = 8192;

/**
 * Looks at the token and says where the block of rows that begins at `from` ends: `rowsPerCheck` rows on, or at `to`. A
 * loop over bars keeps its state in local variables this way, and its innermost part is free of the token:
 *
 *     for (let t = 0; t < n; )
 *       for (const end = blockEnd(t, n, token); t < end; t++) out[t] = ...
 *
 * @param unit rows that belong together: the block is a whole number of them, at least one
 * @throws CancelledError
 */
export function blockEnd(from: number, to: number, token: CancellationToken, unit = 1): number {
  throwIfCancelled(token);
  return Math.min(to, from + unit * Math.max(1, Math.floor(rowsPerCheck / unit)));
}

/** Calls `block(from, to)` over 0..n in blocks of at most `rowsPerCheck`, looking at the token before each. */
export function inBlocks(
  n: number,
  token: CancellationToken,
  block: (from: number, to: number) => void,
): void {
  for (let from = 0; from < n;) {
    const to = blockEnd(from, n, token);
    block(from, to);
    from = to;
  }
}
