import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import type { ControlBlock } from "../../core/index.js";
import { builtFile } from "../built-file.js";

/** What the kernel offers; see kernel/kernel.ts. Addresses and sizes are bytes. */
export interface Kernel {
  descriptionBytes(): number;
  blockBytes(columns: number): number;
  panelStride(rows: number): number;
  bind(description: number, fractions: number, scratch: number, buffers: number, widest: number): void;
  describe(
    layers: number,
    inputs: number,
    outputs: number,
    activation: number,
    dropLimit: number,
    keepScale: number,
    dropKey: number,
    classWeights: number,
    gamma: number,
    clip: number,
    results: number,
  ): void;
  describeOptimizer(
    optimizer: number,
    weightDecay: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): void;
  describeLayer(
    l: number,
    inputs: number,
    outputs: number,
    parameters: number,
    gradients: number,
    first: number,
    second: number,
    turned: number,
  ): void;
  describeBatch(x: number, stride: number, rowLoss: number): void;
  describeLayerBatch(l: number, output: number, slope: number, delta: number): void;
  startAfresh(): void;
  trainBatches(
    samples: number,
    labels: number,
    order: number,
    rows: number,
    batchSize: number,
    count: number,
    learningRate: number,
    masks: number,
    perBatch: number,
    shared: number,
  ): void;
  inferRows(
    samples: number,
    labels: number,
    rows: number,
    probabilities: number,
    column: number,
    permuted: number,
    all: number,
    rowLoss: number,
    shared: number,
  ): number;
  helpersAtWork(): number;
  help(): void;
}

/** `kernel-relaxed` rounds multiply-adds once where the processor can, so its bits differ between machines. */
export type KernelBuild = "kernel" | "kernel-relaxed";

/** A function that tells whether a run was asked to stop; one from WebAssembly is called without leaving it. */
type StopReader = () => number | boolean;

const modules = new Map<string, WebAssembly.Module>();

/** A module, compiled once per thread. */
function compiled(build: KernelBuild | "flag"): WebAssembly.Module {
  let module = modules.get(build);
  if (module === undefined) {
    // Node 20 knows relaxed SIMD behind a flag only; later versions ignore it.
    if (build === "kernel-relaxed") setFlagsFromString("--experimental-wasm-relaxed-simd");
    module = new WebAssembly.Module(readFileSync(builtFile(`engines/wasm/${build}.wasm`)));
    modules.set(build, module);
  }
  return module;
}

/** The kernel, compiled once per thread. */
export function kernelModule(build: KernelBuild): WebAssembly.Module {
  return compiled(build);
}

/**
 * Reads the stop flag of a control block: 3 ns a call from the kernel, where one into JavaScript takes 15, which would be
 * 0.2 % of a step of the mission's size.
 */
export function flagReader(block: ControlBlock): StopReader {
  const instance = new WebAssembly.Instance(compiled("flag"), { env: { memory: block } });
  return instance.exports["isStopped"] as StopReader;
}

/** An instance of the kernel on a network's memory. */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  isStopped: StopReader,
): Kernel {
  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      isStopped,
      abort: () => {
        throw new Error("the kernel's description of a network does not fit its memory");
      },
    },
  });
  return instance.exports as unknown as Kernel;
}
