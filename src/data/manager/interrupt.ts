import { CancelledError, throwIfCancelled, type CancellationToken } from "../../core/index.js";

/**
 * A token that lives in shared memory tells nobody that it was set, so it is read this often while the network is waited
 * for. Only here: no training path waits for a network.
 */
const lookEveryMs = 10;

/** The abort signal of a token while something is waited for. `release` ends the watching. */
export interface Interrupt {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

function signalOf(token: CancellationToken): AbortSignal | null {
  return "signal" in token && token.signal instanceof AbortSignal ? token.signal : null;
}

/** Turns a token into a signal that fires as soon as it is cancelled. @throws CancelledError where it already is */
export function watchToken(token: CancellationToken): Interrupt {
  throwIfCancelled(token);
  const own = signalOf(token);
  if (own !== null) return { signal: own, release: () => undefined };
  const abort = new AbortController();
  const timer = setInterval(() => token.isCancelled && abort.abort(), lookEveryMs);
  return { signal: abort.signal, release: () => clearInterval(timer) };
}

/** Waits before the next attempt. @throws CancelledError at once when the signal fires */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new CancelledError());
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(new CancelledError());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
