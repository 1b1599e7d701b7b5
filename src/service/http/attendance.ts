import type { TrainingSession } from "../../orchestration/index.js";

/**
 * How long a run that somebody waits for goes on when nobody asks for it any more. Whoever follows asks again at once where a stream breaks, and
 * after two and a half seconds of silence: where nobody does for longer, the asker is gone.
 */
const leftAfterMs = 3500;

/**
 * Knows of the runs that end with whoever asked for them, such as those of a command line: the trainer's machine must not go on for hours for
 * a process that was killed. Following is an open stream, or a request for the state.
 */
export class Attendance {
  readonly #watched = new Map<string, WatchedRun>();

  /** Watches a run from now on until it is over. @param onLeft called once, when nobody follows it any more */
  watch(session: TrainingSession, onLeft: () => void): void {
    const { sessionId: id } = session;
    const run: WatchedRun = { streams: 0, onLeft, timer: setTimeout(onLeft, leftAfterMs) };
    this.#watched.set(id, run);
    void session.ended.then(() => {
      clearTimeout(run.timer);
      this.#watched.delete(id);
    });
  }

  /** Somebody asked for the state of a run. */
  ask(id: string): void {
    const run = this.#watched.get(id);
    if (run !== undefined) waitAgain(run);
  }

  /** Somebody follows the stream of a run, until the signal is aborted. */
  follow(id: string, signal: AbortSignal): void {
    const run = this.#watched.get(id);
    if (run === undefined || signal.aborted) return;
    run.streams++;
    clearTimeout(run.timer);
    const leave = (): void => {
      run.streams--;
      if (this.#watched.has(id)) waitAgain(run);
    };
    signal.addEventListener("abort", leave, { once: true });
  }
}

interface WatchedRun {
  streams: number;
  timer: NodeJS.Timeout;
  readonly onLeft: () => void;
}

function waitAgain(run: WatchedRun): void {
  clearTimeout(run.timer);
  if (run.streams === 0) run.timer = setTimeout(run.onLeft, leftAfterMs);
}
