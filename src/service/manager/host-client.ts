import { setTimeout as wait } from "node:timers/promises";
import type { z } from "zod";
import {
  CancelledError,
  fromErrorData,
  type SignallingToken,
  type TrainingProgress,
} from "../../core/index.js";
import {
  deliver,
  type HostTrainingResult,
  type ProgressBridge,
  type SessionFailure,
  type SessionStatus,
} from "../../orchestration/index.js";
import type { healthSchema, startReply, startSchema } from "../host/host-service.js";
import type { sessionStatusSchema } from "../host/session-views.js";
import { HostLostError, HostRefusedError } from "./errors.js";
import { HttpClient, type Answer } from "./http-client.js";
import { createEventParser, type ReceivedEvent } from "./server-events.js";

/** What the host tells of itself. */
export type HostHealth = z.infer<typeof healthSchema>;

type StatusReply = z.infer<typeof sessionStatusSchema>;

/** What became of a session: the last thing that is heard of it. */
type FinalState = { readonly status: SessionStatus; readonly error: SessionFailure | null };

/** The host sends something every second; silence for longer means that it, or the way to it, is gone. */
const silenceMs = 3500;
/** How long a host that does not answer is tried again before it counts as lost. */
const lostAfterMs = 1500;
/** Time between two polls, where streams do not get through. */
const pollMs = 300;
/** Streams in a row that break without an event before polling takes their place. */
const fruitlessStreams = 2;

/** Speaks with a training host. */
export class HostClient {
  readonly #http: HttpClient;

  constructor(url: string, token: string | null) {
    this.#http = new HttpClient(url, token);
  }

  get url(): string {
    return this.#http.url;
  }

  /** @throws HostRefusedError; what `fetch` throws where nobody answers in time */
  async health(timeoutMs: number): Promise<HostHealth> {
    // The first `fetch` of a process loads its modules, which takes some 40 ms: not of the host's time.
    await fetch("data:,");
    return this.#checked(await this.#http.request<HostHealth>("/health", { timeoutMs }));
  }

  /** @throws HostRefusedError; what `fetch` throws where there is no answer, see `wasNotSent` */
  async start(body: z.infer<typeof startSchema>): Promise<z.infer<typeof startReply>> {
    return this.#checked(
      await this.#http.request("/training/start", { method: "POST", body, timeoutMs: 10_000 }),
    );
  }

  /** Asks a session to stop; whatever comes of it is told by the session's end. */
  async stop(sessionId: string): Promise<void> {
    const body = { session_id: sessionId };
    await this.#http
      .request("/training/stop", { method: "POST", body, timeoutMs: 10_000 })
      .catch(() => undefined);
  }

  /**
   * Follows a session to its end: by its stream, which goes on where it broke, or by polling where streams do not get through.
   * A stop of the token is passed on at once.
   *
   * @throws CancelledError, HostLostError, and the error that the session failed with
   */
  async follow(
    sessionId: string,
    bridge: ProgressBridge,
    token: SignallingToken,
  ): Promise<HostTrainingResult> {
    const onAbort = (): void => void this.stop(sessionId);
    if (token.isCancelled) onAbort();
    else token.signal.addEventListener("abort", onAbort, { once: true });
    let end: FinalState;
    try {
      end = await this.#untilFinal(sessionId, bridge);
    } finally {
      token.signal.removeEventListener("abort", onAbort);
    }
    if (end.status === "cancelled") throw new CancelledError();
    if (end.error?.code === "INTERRUPTED") throw new HostLostError(this.url, sessionId);
    if (end.error !== null) {
      const { code, message } = end.error;
      throw fromErrorData({ code, message, isUsage: false, name: "Error", details: {}, stack: "" });
    }
    const {
      status: _status,
      start_time: _start,
      last_updated: _last,
      ...result
    } = await this.#result(sessionId);
    return result as unknown as HostTrainingResult;
  }

  async #untilFinal(sessionId: string, bridge: ProgressBridge): Promise<FinalState> {
    const progress = createProgressFilter(bridge);
    let last = 0;
    let fruitless = 0;
    for (;;) {
      if (fruitless < fruitlessStreams) {
        fruitless++;
        try {
          for await (const event of this.#events(sessionId, last)) {
            if (event.id !== null) [last, fruitless] = [event.id, 0];
            const end = finalStateOf(event);
            if (end !== null) return end;
            progress.take(event);
          }
        } catch (error) {
          if (error instanceof ListenerError) throw error.cause;
          // Whether the host is gone or only the stream, the status tells.
        }
      }
      const status = await this.#status(sessionId);
      progress.takeStatus(status);
      if (isFinal(status.status)) return { status: status.status, error: status.error };
      await wait(pollMs);
    }
  }

  async *#events(sessionId: string, last: number): AsyncGenerator<ReceivedEvent> {
    const parse = createEventParser();
    const headers = { "last-event-id": String(last) };
    for await (const text of this.#http.stream(`/training/stream/${sessionId}`, { headers, silenceMs })) {
      yield* parse(text);
    }
  }

  #status(sessionId: string): Promise<StatusReply> {
    return this.#untilAnswered(sessionId, `/training/status/${sessionId}`);
  }

  #result(sessionId: string): Promise<Record<string, unknown>> {
    return this.#untilAnswered(sessionId, `/training/result/${sessionId}`);
  }

  /** @throws HostLostError */
  async #untilAnswered<Body>(sessionId: string, path: string): Promise<Body> {
    const from = performance.now();
    for (;;) {
      try {
        const answer = await this.#http.request<Body>(path, { timeoutMs: lostAfterMs });
        if (answer.ok) return answer.body;
        // Another host in its place does not know the session.
        if (answer.status === 404) throw new HostLostError(this.url, sessionId);
        if (answer.status < 500 && answer.status !== 429) throw this.#refused(answer);
      } catch (error) {
        if (error instanceof HostLostError || error instanceof HostRefusedError) throw error;
        if (performance.now() - from > lostAfterMs) throw new HostLostError(this.url, sessionId, error);
      }
      await wait(pollMs);
    }
  }

  #checked<Body>(answer: Answer<Body>): Body {
    if (answer.ok) return answer.body;
    throw this.#refused(answer);
  }

  #refused(answer: Extract<Answer<unknown>, { ok: false }>): HostRefusedError {
    return new HostRefusedError(this.url, answer.status, answer.error);
  }
}

function isFinal(status: SessionStatus): boolean {
  return status !== "initialized" && status !== "running";
}

function finalStateOf({ event, data }: ReceivedEvent): FinalState | null {
  if (event !== "status" || !isFinal(data["status"] as SessionStatus)) return null;
  return { status: data["status"] as SessionStatus, error: (data["error"] ?? null) as SessionFailure | null };
}

/** A listener threw: that ends the following, and is no trouble of the stream. */
class ListenerError extends Error {}

/** Hands reports to the bridge, whichever way they came, each once and none that is older than the last. */
function createProgressFilter(bridge: ProgressBridge) {
  let epoch = 0;
  const pass = (progress: TrainingProgress): void => {
    if (progress.type === "epoch") epoch = progress.epoch;
    try {
      deliver(bridge, progress);
    } catch (error) {
      throw new ListenerError("", { cause: error });
    }
  };
  return {
    take({ event, data }: ReceivedEvent): void {
      if (event !== "phase" && event !== "batch" && event !== "epoch") return;
      const { progress_percent: _percent, ...report } = data;
      const progress = { type: event, ...report } as TrainingProgress;
      if (progress.type === "epoch" && progress.epoch <= epoch) return;
      pass(progress);
    },
    takeStatus({ progress, metrics: { current } }: StatusReply): void {
      if (progress === null) return;
      const { total_epochs: epochs } = progress;
      if (current !== null && current.epoch > epoch) {
        pass({
          type: "epoch",
          epoch: current.epoch,
          epochs,
          trainLoss: current.train_loss,
          trainAccuracy: current.train_accuracy,
          validLoss: current.val_loss,
          validAccuracy: current.val_accuracy,
          learningRate: current.learning_rate,
        });
      }
      if (progress.phase !== "training" || progress.batch === 0 || progress.loss === null) return;
      const { batch, total_batches: batches, loss, accuracy } = progress;
      pass({ type: "batch", epoch: progress.epoch, epochs, batch, batches, loss, accuracy: accuracy ?? 0 });
    },
  };
}
