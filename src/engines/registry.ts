import { nearestName, UsageError } from "../core/index.js";
import type { Engine } from "./engine.js";
import { referenceEngine } from "./reference/reference.js";
import { relaxedWasmEngine, wasmEngine } from "./wasm/wasm.js";
import { findDawn } from "./webgpu/device.js";
import { GpuPackageError } from "./webgpu/errors.js";
import { webGpuEngine } from "./webgpu/webgpu.js";

/** Makes an engine whose networks use up to this many threads. */
type EngineMaker = (threads: number) => Engine;

/** The engines that there are, by name; the contract and the PyTorch fixtures are tested on each. */
export const engines: Readonly<Record<string, EngineMaker>> = {
  reference: () => referenceEngine,
  wasm: wasmEngine,
  "wasm-relaxed": relaxedWasmEngine,
  webgpu: () => webGpuEngine,
};

/** What `--engine` takes: an engine's name, or `auto`. @see chooseEngine */
export const engineNames: readonly string[] = [...Object.keys(engines), "auto"];

/** @throws UsageError for a name that is no engine's */
export function checkEngineName(name: string): void {
  if (engineNames.includes(name)) return;
  const nearest = nearestName(name, engineNames);
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  throw new UsageError(`--engine: "${name}" is no engine. Known: ${engineNames.join(", ")}.${hint}`);
}

/**
 * The engine of this name; `auto` is the fastest that gives the same bits everywhere.
 *
 * @param threads threads of one network, used where that pays; no result depends on it
 * @throws UsageError for a name that is no engine's; GpuPackageError for `webgpu` where its package is not installed
 */
export function findEngine(name: string, threads = 1): Engine {
  checkEngineName(name);
  if (name === "auto") return wasmEngine(threads);
  if (name === "webgpu" && findDawn() === null) throw new GpuPackageError();
  return engines[name](threads);
}
