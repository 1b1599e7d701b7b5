import { cpus, totalmem } from "node:os";
import { Worker } from "node:worker_threads";
import { builtFile } from "./built-file.js";
import { nvidiaGpus, type NvidiaGpu } from "./nvidia.js";
import { findDawn } from "./webgpu/device.js";
import { howToInstallDawn } from "./webgpu/errors.js";
import type { AdapterFacts, AdapterList, DeviceLimits } from "./webgpu/protocol.js";

/** Something that a network can be trained on. */
export interface Device {
  readonly name: string;
  readonly vendor: string;
  /**
   * `gpu`: hardware of which WebGPU does not tell whether it has memory of its own; `software`: a processor that plays a GPU, and never
   * counted as one.
   */
  readonly type: "discrete" | "integrated" | "gpu" | "software" | "processor";
  /** Null where neither WebGPU nor a driver tells. */
  readonly memoryMb: number | null;
  readonly usedMemoryMb: number | null;
  /** Of processors. */
  readonly cores: number | null;
  readonly limits: DeviceLimits | null;
  /** Engines that run on it. */
  readonly engines: readonly string[];
}

/** What there is to train on. */
export interface DeviceList {
  /** The processor, then what WebGPU shows, the one that the webgpu engine takes first, then what only a driver names. */
  readonly devices: readonly Device[];
  /** Why no more is shown, and what to do; null where everything was asked. */
  readonly hint: string | null;
}

/** Finds the devices of this machine. Nothing is asked of a driver before somebody wants to know. */
export class DeviceManager {
  #adapters: Promise<AdapterList> | null = null;

  /** Everything there is. Adapters are asked for once, as a driver has to be loaded for it. */
  async list(): Promise<DeviceList> {
    const { devices, hint } = await this.#graphics();
    return { devices: [processor(), ...devices], hint };
  }

  /** The hardware GPUs, with those that no engine reaches. */
  async gpus(): Promise<readonly Device[]> {
    const { devices } = await this.#graphics();
    return devices.filter(({ type }) => type !== "software");
  }

  async #graphics(): Promise<DeviceList> {
    const [{ adapters, problem }, gpus] = await Promise.all([this.#list(), nvidiaGpus()]);
    const shown = adapters.map((facts, k) => deviceOf(facts, gpus, k === 0));
    const noAdapter =
      adapters.length > 0
        ? null
        : "WebGPU shows no device: it needs a driver for Vulkan, Metal or Direct3D 12 (on Linux also the package libvulkan1).";
    const others = gpus.filter(({ name }) => !shown.some((device) => device.name.includes(name)));
    return { devices: [...shown, ...others.map(unreachable)], hint: problem ?? noAdapter };
  }

  #list(): Promise<AdapterList> {
    this.#adapters ??= listAdapters();
    return this.#adapters;
  }
}

/** This process's manager. */
export const deviceManager = new DeviceManager();

/** Whether the webgpu engine trains on it. */
export function isTrainable({ engines }: Device): boolean {
  return engines.includes("webgpu");
}

function listAdapters(): Promise<AdapterList> {
  const dawn = findDawn();
  if (dawn === null) {
    const problem = `The optional package "webgpu", which reaches GPUs, is not installed: ${howToInstallDawn}.`;
    return Promise.resolve({ adapters: [], problem });
  }
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve({ adapters: [], problem: error.message });
    new Worker(builtFile("engines/webgpu/adapters-thread.js"), { workerData: dawn, execArgv: [] })
      .once("message", resolve)
      .once("error", failed)
      .once("exit", () => failed(new Error("The thread that asks for adapters ended without an answer.")));
  });
}

function processor(): Device {
  const all = cpus();
  return {
    name: all[0]?.model.trim() || process.arch,
    vendor: "",
    type: "processor",
    memoryMb: Math.round(totalmem() / 2 ** 20),
    usedMemoryMb: null,
    cores: all.length,
    limits: null,
    engines: ["wasm", "wasm-relaxed", "reference"],
  };
}

/** @param first whether the engine takes this one */
function deviceOf(facts: AdapterFacts, gpus: readonly NvidiaGpu[], first: boolean): Device {
  const { vendor, device, description, isSoftware, limits } = facts;
  const own = isSoftware
    ? undefined
    : gpus.find((gpu) => [device, description].some((text) => text.includes(gpu.name)));
  return {
    name: own?.name ?? (description || device || "without a name"),
    vendor,
    type: isSoftware ? "software" : typeOf(facts, own !== undefined),
    memoryMb: own?.totalMemoryMb ?? null,
    usedMemoryMb: own?.usedMemoryMb ?? null,
    cores: null,
    limits,
    engines: first ? ["webgpu"] : [],
  };
}

/** WebGPU does not tell it; vendors who make one kind only do. */
function typeOf({ vendor }: AdapterFacts, hasDriver: boolean): Device["type"] {
  if (vendor === "apple") return "integrated";
  return hasDriver ? "discrete" : "gpu";
}

/** A GPU that its driver names and WebGPU does not show. */
function unreachable({ name, totalMemoryMb, usedMemoryMb }: NvidiaGpu): Device {
  return {
    name,
    vendor: "nvidia",
    type: "discrete",
    memoryMb: totalMemoryMb,
    usedMemoryMb,
    cores: null,
    limits: null,
    engines: [],
  };
}
