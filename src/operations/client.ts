import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { CancelledError, type TrainingProgress } from "../core/index.js";
import { OperationFinishedError, OperationUnreachableError } from "./errors.js";
import { createLineReader, type RunMessage, type WatcherRequest } from "./protocol.js";
import { isFinal, type OperationDetails } from "./record.js";
import type { OperationStore } from "./store.js";

/*
 * A process that is being killed closes its sockets before the system shows it as gone, by up to some milliseconds for
 * a large one. Only in that gap is the state looked at again, every 10 ms for at most 2 s.
 */
const retryMs = 10;
const retries = 200;

/** How a cancel went. */
export interface CancelOutcome {
  /** The operation in its final state; `completed` where the run was over before the request reached it. */
  readonly record: OperationDetails;
  /** From the request to the stored final state. */
  readonly latencyMs: number;
}

/**
 * Asks the process of an operation to stop, and returns when the operation is in a final state, told by that process.
 *
 * @param id as in `OperationStore.get`
 * @throws OperationNotFoundError, OperationFinishedError, OperationUnreachableError
 */
export async function cancelOperation(store: OperationStore, id: string): Promise<CancelOutcome> {
  const found = store.get(id);
  if (isFinal(found.status)) {
    throw new OperationFinishedError(found.operation_id, found.status, found.completed_at);
  }
  const askedAt = performance.now();
  store.requestCancel(found.operation_id);
  const record = await untilFinal(store, found.operation_id, "cancel", () => undefined);
  return { record, latencyMs: performance.now() - askedAt };
}

/**
 * Follows an operation until it is in a final state, which it returns.
 *
 * @param id as in `OperationStore.get`
 * @param onEvent every phase and epoch from now on, and batches thinned; first the newest of each kind so far
 * @param signal ends the following, not the operation
 * @throws OperationNotFoundError, OperationUnreachableError; CancelledError when the signal came first
 */
export function watchOperation(
  store: OperationStore,
  id: string,
  onEvent: (event: TrainingProgress) => void,
  signal?: AbortSignal,
): Promise<OperationDetails> {
  return untilFinal(store, store.get(id).operation_id, "watch", onEvent, signal);
}

async function untilFinal(
  store: OperationStore,
  id: string,
  request: WatcherRequest["type"],
  onEvent: (event: TrainingProgress) => void,
  signal?: AbortSignal,
): Promise<OperationDetails> {
  for (let attempt = 0; ; attempt++) {
    if (signal?.aborted) throw new CancelledError();
    const record = store.get(id);
    if (isFinal(record.status)) return record;
    if (attempt > retries) throw new OperationUnreachableError(id, record.pid);
    if (attempt > 0) await wait(retryMs);
    if (record.address !== null) await converse(record.address, request, onEvent, signal);
  }
}

/** Sends one request and listens until the run says that it is over, or its end of the socket is gone. */
function converse(
  address: string,
  request: WatcherRequest["type"],
  onEvent: (event: TrainingProgress) => void,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address, ...(signal === undefined ? {} : { signal }) });
    const read = createLineReader<RunMessage>((message) => {
      if (message.type === "progress") onEvent(message.event);
      else socket.destroy();
    });
    socket.on("connect", () => socket.write(`${JSON.stringify({ type: request })}\n`));
    socket.on("data", (chunk) => {
      try {
        if (!read(chunk)) socket.destroy();
      } catch (error) {
        socket.destroy();
        reject(error as Error);
      }
    });
    // Refused, reset, no such socket: the record tells what became of the run.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
  });
}
