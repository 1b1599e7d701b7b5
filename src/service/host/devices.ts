import { execFile } from "node:child_process";
import { cpus, freemem, totalmem } from "node:os";
import { z } from "zod";
import { findDawn } from "../../engines/index.js";

/** A graphics processor of this machine. */
export interface GpuDevice {
  readonly name: string;
  readonly totalMemoryMb: number;
  readonly usedMemoryMb: number;
}

/** How long figures of the GPU are good enough. */
const refreshMs = 5000;
const megabyte = 1 << 20;

let known: readonly GpuDevice[] = [];
let askedAt = -Infinity;
let asking: Promise<void> | null = null;

/**
 * The GPUs that NVIDIA's driver names; none without the driver. Asking it takes up to a second, so figures are up to 5 s old and only the first
 * caller waits.
 */
export async function gpuDevices(): Promise<readonly GpuDevice[]> {
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

function askDriver(): Promise<GpuDevice[]> {
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

/** Whether a training of this host can use a GPU: there is one, and the package that reaches it. */
export function canTrainOnGpu(devices: readonly GpuDevice[]): boolean {
  return devices.length > 0 && findDawn() !== null;
}

/** The document of `gpuStatus`. */
export const gpuStatusSchema = z.object({
  available: z.boolean().describe("Whether trainings can use a GPU here."),
  device_count: z.int(),
  gpu_type: z.enum(["nvidia", "none"]),
  device_name: z.string().nullable(),
  total_memory_mb: z.number().nullable(),
  allocated_memory_mb: z.number().nullable().describe("In use by all programs."),
});

/** The GPU's state as health routes tell it. */
export function gpuStatus(devices: readonly GpuDevice[]): z.infer<typeof gpuStatusSchema> {
  const sum = (pick: (device: GpuDevice) => number): number | null =>
    devices.length === 0 ? null : devices.reduce((total, device) => total + pick(device), 0);
  return {
    available: canTrainOnGpu(devices),
    device_count: devices.length,
    gpu_type: devices.length === 0 ? "none" : "nvidia",
    device_name: devices[0]?.name ?? null,
    total_memory_mb: sum((device) => device.totalMemoryMb),
    allocated_memory_mb: sum((device) => device.usedMemoryMb),
  };
}

/** The document of `createSystemInfo`. */
export const systemInfoSchema = z.object({
  cpu_count: z.int(),
  cpu_percent: z
    .number()
    .describe("Of all cores, since the last look at them at least half a second before."),
  memory_percent: z.number(),
  memory_total_mb: z.number(),
  memory_available_mb: z.number(),
  process_memory_mb: z.number().describe("Of the host process, all its trainings included."),
});

/** Reads the machine's load; processors tell only sums since the boot, so the last ones are kept. */
export function createSystemInfo(): () => z.infer<typeof systemInfoSchema> {
  let last = processorTimes();
  let lastAt = performance.now();
  let percent = last.total === 0 ? 0 : (100 * (last.total - last.idle)) / last.total;
  return () => {
    const now = performance.now();
    if (now - lastAt >= 500) {
      const times = processorTimes();
      const total = times.total - last.total;
      if (total > 0) percent = 100 * (1 - (times.idle - last.idle) / total);
      [last, lastAt] = [times, now];
    }
    const free = process.availableMemory?.() ?? freemem();
    return {
      cpu_count: cpus().length,
      cpu_percent: rounded(percent),
      memory_percent: rounded(100 * (1 - free / totalmem())),
      memory_total_mb: Math.round(totalmem() / megabyte),
      memory_available_mb: Math.round(free / megabyte),
      process_memory_mb: Math.round(process.memoryUsage.rss() / megabyte),
    };
  };
}

function processorTimes(): { total: number; idle: number } {
  let [total, idle] = [0, 0];
  for (const { times } of cpus()) {
    total += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  return { total, idle };
}

const rounded = (value: number): number => Math.round(10 * value) / 10;
