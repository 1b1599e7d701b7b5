import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Workload } from "./workloads.js";

/** A Python process that trains when told to. */
export interface PyTorch {
  readonly version: string;
  /** Milliseconds of some epochs from fresh weights, or of a forward pass over all rows (without `epochs`). */
  time(kind: "eager" | "loader" | "forward", workload: Workload, epochs?: number): Promise<number>;
  close(): void;
}

const script = fileURLToPath(new URL("engine_pytorch.py", import.meta.url));

/** PyTorch of the system's Python, on one thread; null where there is none. */
export async function startPyTorch(): Promise<PyTorch | null> {
  return (await start("python3")) ?? start("/usr/bin/python3");
}

async function start(python: string): Promise<PyTorch | null> {
  const child = spawn(python, [script], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" },
  });
  child.on("error", () => undefined); // no such program: its output ends at once
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hello = await lines.next();
  if (hello.done) return null;
  return {
    version: hello.value,
    async time(kind, { rows, batchSize, spec }, epochs = 0) {
      const units = [spec.inputs, ...spec.hidden, spec.outputs];
      child.stdin.write(`${JSON.stringify({ kind, rows, batch: batchSize, units, epochs })}\n`);
      const answer = await lines.next();
      if (answer.done) throw new Error("PyTorch ended in the middle of the benchmark");
      return Number(answer.value);
    },
    close: () => child.stdin.end(),
  };
}
