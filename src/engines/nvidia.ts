import { execFile } from "node:child_process";

/** A GPU as NVIDIA's driver tells it. */
export interface NvidiaGpu {
  readonly name: string;
  readonly totalMemoryMb: number;
  readonly usedMemoryMb: number;
}

/** How long figures of the GPU are good enough. */
const refreshMs = 5000;

let known: readonly NvidiaGpu[] = [];
let askedAt = -Infinity;
let asking: Promise<void> | null = null;

/**
 * The GPUs that NVIDIA's driver names; none without the driver. Asking it takes up to a second, so figures are up to 5 s old and only the first
 * caller waits.
 */
export async function nvidiaGpus(): Promise<readonly NvidiaGpu[]> {
  const first = askedAt === -Infinity;
  if (asking === null && performance.now() - askedAt > refreshMs) {
    askedAt = performance.now();
    asking = askDriver().then((devices) => {
      known = devices;
      asking = null;
    });
  }
  if (first && asking !== null) await asking;
  return known;
}

function askDriver(): Promise<NvidiaGpu[]> {
  const args = ["--query-gpu=name,memory.total,memory.used", "--format=csv,noheader,nounits"];
  return new Promise((resolve) => {
    execFile("nvidia-smi", args, { timeout: 3000 }, (error, output) => {
      if (error) return resolve([]);
      const rows = output
        .trim()
        .split("\n")
        .map((line) => line.split(",").map((text) => text.trim()));
      resolve(
        rows
          .filter((row) => row.length === 3)
          .map(([name, total, used]) => ({ name, totalMemoryMb: Number(total), usedMemoryMb: Number(used) })),
      );
    });
  });
}
