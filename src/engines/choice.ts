import { KnownError } from "../core/index.js";
import type { Engine } from "./engine.js";
import { findEngine } from "./registry.js";
import { findDawn } from "./webgpu/device.js";
import { webGpuEngine } from "./webgpu/webgpu.js";

/** How much a training hands over at once: what decides whether a GPU pays. */
export interface BatchWork {
  /** Weights and biases. */
  readonly parameters: number;
  readonly batchSize: number;
  /** That are trained together, a batch of each at a time. Default: 1. */
  readonly networks?: number;
}

/** An engine, and why it was taken; both are part of a run's result. */
export interface EngineChoice {
  readonly engine: Engine;
  /** Half a sentence. */
  readonly reason: string;
}

/**
 * Multiply-adds of a batch's forward pass, of all networks, from which `auto` takes a GPU that is there. Not measured: no GPU was at hand. Below it
 * results keep the bits that they have on every machine.
 */
const gpuWork = 64e6;

/**
 * The engine of this name; for `auto` a GPU where the batches are large and a hardware GPU is there, else `wasm`. Where the optional package
 * is missing, or the network is small, nothing is asked of any driver.
 *
 * @param threads as for `findEngine`
 * @throws UsageError, GpuPackageError, NoGpuError
 */
export function chooseEngine(
  name: string,
  threads: number,
  { parameters, batchSize, networks = 1 }: BatchWork,
): EngineChoice {
  const engine = findEngine(name, threads);
  if (engine === webGpuEngine) {
    const device = engine.device;
    if (device?.type === "gpu") return { engine, reason: `asked for; ${device.name}` };
    return { engine, reason: `asked for; ${device?.name} is a software device and no GPU` };
  }
  if (name !== "auto") return { engine, reason: "asked for" };
  if (findDawn() === null)
    return { engine, reason: "for processors, as no package that reaches GPUs is installed" };
  const few = parameters * batchSize < gpuWork;
  if (few && parameters * batchSize * networks < gpuWork)
    return { engine, reason: "for processors, as the network and its batches are small" };
  try {
    const { device } = webGpuEngine;
    if (device?.type === "gpu")
      return {
        engine: webGpuEngine,
        reason: `${device.name}, as the batches ${few ? `of ${networks} networks together ` : ""}are large`,
      };
    return { engine, reason: `for processors, as there is no GPU but ${device?.name}` };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { engine, reason: "for processors, as no GPU was found" };
  }
}
