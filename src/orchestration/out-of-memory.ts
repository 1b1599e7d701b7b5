import { totalmem } from "node:os";
import { KnownError } from "../core/index.js";

/** A run got no more memory: its thread met its heap limit, or the system refused an array. */
export class OutOfMemoryError extends KnownError {
  readonly code = "OUT_OF_MEMORY";

  constructor(cause: unknown, what = "The training") {
    super(
      `${what} ran out of memory. Use a shorter date range, fewer symbols or a coarser timeframe, ` +
        "or give Node more (NODE_OPTIONS=--max-old-space-size=<MiB>).",
    );
    this.cause = cause;
  }
}

/** A refused array as `OutOfMemoryError`; every other value as it is. */
export function asMemoryError(error: unknown): unknown {
  const refused = error instanceof RangeError && error.message === "Array buffer allocation failed";
  return refused ? new OutOfMemoryError(error) : error;
}

/**
 * Bytes that this process may use: the machine's memory, or its container's share. Systems promise more than they have
 * and then kill a process, so what cannot fit is refused before it is begun.
 */
export function usableMemory(): number {
  const share = process.constrainedMemory();
  return share > 0 ? Math.min(share, totalmem()) : totalmem();
}
