import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Workload } from "./workloads.js";

/** A Python process that trains when told to. */
export interface PyTorch {
  readonly version: string;
  /** Milliseconds of some epochs from fresh weights, or of a forward pass over all rows (without `epochs`); of several networks at once on a GPU. */
  time(
    kind: "eager" | "loader" | "forward" | "graphs",
    workload: Workload,
    epochs?: number,
    networks?: number,
  ): Promise<number>;
  close(): void;
}

/** PyTorch of the system's Python, on one thread; null where there is none. */
export async function startPyTorch(): Promise<PyTorch | null> {
  return (await start("python3", "engine_pytorch.py")) ?? start("/usr/bin/python3", "engine_pytorch.py");
}

/** PyTorch on a CUDA device; null where there is none. */
export async function startPyTorchOnGpu(): Promise<PyTorch | null> {
  return (await start("python3", "gpu_pytorch.py")) ?? start("/usr/bin/python3", "gpu_pytorch.py");
}

async function start(python: string, script: string): Promise<PyTorch | null> {
  const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url))], {
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
    async time(kind, { rows, batchSize, spec }, epochs = 0, networks?) {
      const units = [spec.inputs, ...spec.hidden, spec.outputs];
      child.stdin.write(`${JSON.stringify({ kind, rows, batch: batchSize, units, epochs, networks })}\n`);
      const answer = await lines.next();
      if (answer.done) throw new Error("PyTorch ended in the middle of the benchmark");
      return Number(answer.value);
    },
    close: () => child.stdin.end(),
  };
}
