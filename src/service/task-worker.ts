// What runs on the threads of `TaskThreads`: one task after the other; nothing else of the caller's is seen.
import { parentPort } from "node:worker_threads";
import * as z from "zod";
import { asFileError, toErrorData, type CancellationToken } from "../core/index.js";
import type { TaskAnswer, TaskRequest } from "./task-threads.js";
import { encodeReply, Reply, tasks } from "./tasks.js";

// As on the thread of trainings: compiling zod's checks to code first takes longer than the few that are made here.
z.config({ jitless: true });

const send = (answer: TaskAnswer, transfer: ArrayBuffer[] = []): void =>
  parentPort?.postMessage(answer, transfer);

async function answer({ name, input, stop }: TaskRequest): Promise<void> {
  const flag = new Int32Array(stop);
  const token: CancellationToken = {
    get isCancelled() {
      return Atomics.load(flag, 0) !== 0;
    },
  };
  try {
    const run = tasks[name] as (input: unknown, token: CancellationToken) => unknown;
    const value = await run(input, token);
    if (!(value instanceof Reply)) return send({ type: "done", value });
    const bytes = encodeReply(value, token);
    send({ type: "done", value: bytes }, [bytes.buffer]);
  } catch (error) {
    send({ type: "failed", error: toErrorData(asFileError(error)) });
  }
}

parentPort?.on("message", (request: TaskRequest) => {
  if ("name" in request) void answer(request);
});
