import { setTimeout as wait } from "node:timers/promises";
import type { z } from "zod";
import {
  CancelledError,
  fromErrorData,
  type SignallingToken,
  type TrainingProgress,
} from "../../core/index.js";
import { deliver, type ProgressBridge, type SessionFailure } from "../../orchestration/index.js";
import type { sessionStatusSchema } from "../host/session-views.js";
import { HostLostError, HostRefusedError } from "./errors.js";
import type { HttpClient } from "./http-client.js";
import { createEventParser, type ReceivedEvent } from "./server-events.js";

/** What is read of a status. */
export type FollowedStatus = Pick<z.infer<typeof sessionStatusSchema>, "progress" | "metrics"> & {
  readonly status: string;
  readonly error: SessionFailure | null;
};

/** Where a service tells of a run. */
export interface FollowedRoutes {
  readonly stream: string;
  readonly status: string;
  readonly result: string;
  /** Asks for a stop. */
  readonly stop: () => Promise<unknown>;
  /** The status in a reply of the status route. */
  readonly statusOf: (reply: Record<string, unknown>) => FollowedStatus;
}

/** What became of a run: the last thing that is heard of it. */
type FinalState = { readonly status: string; readonly error: SessionFailure | null };

/** A service sends something every second; silence for longer means that it, or the way to it, is gone. */
const silenceMs = 2500;
/** How long a service that does not answer is tried again before it counts as lost. */
const lostAfterMs = 1500;
/** Time between two polls, where streams do not get through. */
const pollMs = 300;
/** Streams in a row that break without an event before polling takes their place. */
const fruitlessStreams = 2;

/**
 * Follows a run of a service to its end: by its stream, which goes on where it broke, or by polling where streams do not get through.
 * A stop of the token is passed on at once. Returns what the result route replies.
 *
 * @throws CancelledError, HostLostError, HostRefusedError, and the error that the run failed with
 */
export async function followRun(
  http: HttpClient,
  id: string,
  routes: FollowedRoutes,
  bridge: ProgressBridge,
  token: SignallingToken,
): Promise<Record<string, unknown>> {
  const onAbort = (): void => void routes.stop().catch(() => undefined);
  if (token.isCancelled) onAbort();
  else token.signal.addEventListener("abort", onAbort, { once: true });
  let end: FinalState;
  try {
    end = await followToEnd(http, id, routes, bridge);
  } finally {
    token.signal.removeEventListener("abort", onAbort);
  }
  if (end.status === "cancelled") throw new CancelledError();
  if (end.error?.code === "INTERRUPTED") throw new HostLostError(http.url, id);
  if (end.error !== null) {
    const { code, message } = end.error;
    throw fromErrorData({ code, message, isUsage: false, name: "Error", details: {}, stack: "" });
  }
  return untilAnswered(http, id, routes.result);
}

/** Follows a run to its final state, whatever that is. @throws HostLostError, HostRefusedError */
export async function followToEnd(
  http: HttpClient,
  id: string,
  routes: FollowedRoutes,
  bridge: ProgressBridge,
): Promise<FinalState> {
  const progress = createProgressFilter(bridge);
  let last = 0;
  let fruitless = 0;
  for (;;) {
    if (fruitless < fruitlessStreams) {
      fruitless++;
      try {
        for await (const event of eventsOf(http, routes.stream, last)) {
          if (event.id !== null) [last, fruitless] = [event.id, 0];
          const end = finalStateOf(event);
          if (end !== null) return end;
          progress.take(event);
        }
      } catch (error) {
        if (error instanceof ListenerError) throw error.cause;
        // Whether the service is gone or only the stream, the status tells.
      }
    }
    const status = routes.statusOf(await untilAnswered(http, id, routes.status));
    if (isFinal(status.status)) return { status: status.status, error: status.error };
    progress.takeStatus(status);
    await wait(pollMs);
  }
}

async function* eventsOf(http: HttpClient, path: string, last: number): AsyncGenerator<ReceivedEvent> {
  const parse = createEventParser();
  const headers = { "last-event-id": String(last) };
  for await (const text of http.stream(path, { headers, silenceMs })) yield* parse(text);
}

/** @throws HostLostError, HostRefusedError */
async function untilAnswered(http: HttpClient, id: string, path: string): Promise<Record<string, unknown>> {
  const from = performance.now();
  for (;;) {
    try {
      const answer = await http.request<Record<string, unknown>>(path, { timeoutMs: lostAfterMs });
      if (answer.ok) return answer.body;
      // Another service in its place does not know the run.
      if (answer.status === 404) throw new HostLostError(http.url, id);
      if (answer.status < 500 && answer.status !== 429) {
        throw new HostRefusedError(http.url, answer.status, answer.error);
      }
    } catch (error) {
      if (error instanceof HostLostError || error instanceof HostRefusedError) throw error;
      if (performance.now() - from > lostAfterMs) throw new HostLostError(http.url, id, error);
    }
    await wait(pollMs);
  }
}

function isFinal(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

function finalStateOf({ event, data }: ReceivedEvent): FinalState | null {
  const status = String(data["status"]);
  if (event !== "status" || !isFinal(status)) return null;
  return { status, error: (data["error"] ?? null) as SessionFailure | null };
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
    takeStatus({ progress, metrics: { current } }: FollowedStatus): void {
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
