import { Worker } from "node:worker_threads";
import { CancelledError, fromErrorData, type ErrorData } from "../core/index.js";
import { OutOfMemoryError } from "../orchestration/index.js";
import { ServiceError } from "./http/errors.js";
import type { ReplyName, TaskInput, TaskName, TaskOutput } from "./tasks.js";

// Two folders below the package's root, as the command line's bundle is; see training-thread.ts.
const entry = import.meta.url.endsWith(".ts") ? "service/task-boot.mjs" : "orchestration/start-worker.cjs";
const workerUrl = new URL(`../${entry}`, import.meta.url);

/** What a thread is asked to do. */
export interface TaskRequest {
  readonly name: TaskName;
  readonly input: unknown;
  /** One int32; not 0 as soon as nobody waits for the answer any more. */
  readonly stop: SharedArrayBuffer;
}

/** What it answers: the value of a task, or the bytes of its reply. */
export type TaskAnswer = { type: "done"; value: unknown } | { type: "failed"; error: ErrorData };

interface Job {
  readonly request: TaskRequest;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

const maxWaiting = 200;

/**
 * The threads on which a service reads and computes what requests ask for, so that its own thread answers others meanwhile. At most so many
 * tasks run at once; others wait in the order in which they came. One thread stays when nothing runs: the next request finds its modules
 * loaded.
 */
export class TaskThreads {
  readonly #most: number;
  readonly #running = new Map<Worker, Job>();
  readonly #idle: Worker[] = [];
  #waiting: Job[] = [];
  #closed = false;

  /** @param most tasks at once */
  constructor(most: number) {
    this.#most = most;
    this.#idle.push(this.#start());
  }

  /** The bytes of a task's reply: JSON. @throws as `run` */
  reply<Name extends ReplyName>(
    name: Name,
    input: TaskInput<Name>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#ask(name, input, signal);
  }

  /**
   * What a task gives.
   *
   * @param signal aborted when nobody waits for it any more: it fails at once then; a task that runs is told to stop
   * @throws CancelledError, OutOfMemoryError, ServiceError when too many wait, and every `KnownError` of the task
   */
  run<Name extends Exclude<TaskName, ReplyName>>(
    name: Name,
    input: TaskInput<Name>,
    signal?: AbortSignal,
  ): Promise<TaskOutput<Name>> {
    return this.#ask(name, input, signal);
  }

  /** Stops what runs and drops what waits; returns when all threads have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(new CancelledError("The service is shutting down."));
    this.#waiting = [];
    const running = [...this.#running];
    // Told rather than ended: one of them may be writing bars.
    await Promise.all(
      running.map(
        ([worker, { request }]) =>
          new Promise<void>((resolve) => {
            worker.once("message", () => resolve()).once("exit", () => resolve());
            Atomics.store(new Int32Array(request.stop), 0, 1);
          }),
      ),
    );
    await Promise.all(
      [...running.map(([worker]) => worker), ...this.#idle].map((worker) => worker.terminate()),
    );
  }

  async #ask<Value>(name: TaskName, input: unknown, signal?: AbortSignal): Promise<Value> {
    if (signal?.aborted || this.#closed) throw new CancelledError();
    if (this.#waiting.length >= maxWaiting) {
      throw new ServiceError(
        503,
        "BUSY",
        `${maxWaiting} requests wait already. Ask again when some are done.`,
      );
    }
    const stop = new SharedArrayBuffer(4);
    let onAbort = (): void => undefined;
    try {
      return await new Promise<Value>((resolve, reject) => {
        const job: Job = { request: { name, input, stop }, resolve, reject };
        onAbort = () => {
          Atomics.store(new Int32Array(stop), 0, 1);
          this.#waiting = this.#waiting.filter((one) => one !== job);
          reject(new CancelledError());
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        this.#waiting.push(job);
        this.#next();
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Gives the first that waits to a thread, if one is free or may be started. */
  #next(): void {
    if (this.#waiting.length === 0 || this.#running.size >= this.#most) return;
    const worker = this.#idle.pop() ?? this.#start();
    const job = this.#waiting.shift() as Job;
    this.#running.set(worker, job);
    worker.postMessage(job.request);
  }

  #start(): Worker {
    const worker = new Worker(workerUrl, { workerData: "task-worker", execArgv: [] });
    worker.on("message", (answer: TaskAnswer) => {
      const job = this.#running.get(worker);
      this.#running.delete(worker);
      if (answer.type === "done") job?.resolve(answer.value as never);
      else job?.reject(fromErrorData(answer.error));
      if (this.#idle.length > 0 || this.#closed) void worker.terminate();
      else this.#idle.push(worker);
      this.#next();
    });
    worker.on("error", (error: NodeJS.ErrnoException) => {
      const outOfMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#lose(worker, outOfMemory ? new OutOfMemoryError(error, "The request") : error);
    });
    worker.on("exit", () => this.#lose(worker, new Error("A thread of the service ended unexpectedly.")));
    return worker;
  }

  #lose(worker: Worker, error: Error): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    job?.reject(error);
    this.#next();
  }
}
