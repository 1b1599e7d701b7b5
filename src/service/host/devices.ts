import { cpus, freemem, totalmem } from "node:os";
import { z } from "zod";
import { deviceManager, isTrainable, type Device } from "../../engines/index.js";

const megabyte = 1 << 20;

/** The hardware GPUs of this machine, with figures up to 5 s old; only the first caller waits. */
export function gpuDevices(): Promise<readonly Device[]> {
  return deviceManager.gpus();
}

/** Whether a training of this host can use a GPU: there is one, and the webgpu engine reaches it. */
export function canTrainOnGpu(devices: readonly Device[]): boolean {
  return devices.some(isTrainable);
}

/** The document of `gpuStatus`. */
export const gpuStatusSchema = z.object({
  available: z.boolean().describe("Whether trainings can use a GPU here."),
  device_count: z.int(),
  gpu_type: z.string().describe("The vendor, or none."),
  device_name: z.string().nullable(),
  total_memory_mb: z.number().nullable(),
  allocated_memory_mb: z.number().nullable().describe("In use by all programs."),
});

/** The GPU's state as health routes tell it. */
export function gpuStatus(devices: readonly Device[]): z.infer<typeof gpuStatusSchema> {
  const first = devices.find(isTrainable) ?? devices[0];
  const sum = (pick: (device: Device) => number | null): number | null => {
    const known = devices.flatMap((device) => pick(device) ?? []);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  };
  return {
    available: canTrainOnGpu(devices),
    device_count: devices.length,
    gpu_type: first?.vendor ?? "none",
    device_name: first?.name ?? null,
    total_memory_mb: sum(({ memoryMb }) => memoryMb),
    allocated_memory_mb: sum(({ usedMemoryMb }) => usedMemoryMb),
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
