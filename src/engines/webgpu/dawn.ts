/// <reference types="@webgpu/types" />
import type { AdapterFacts, Failure } from "./protocol.js";

/** The little of the package `webgpu` that is used here. */
interface Dawn {
  readonly create: (options: string[]) => GPU;
  readonly globals: Record<string, unknown>;
}

/** Something failed in a way that the thread which asked can tell in its own words. */
export class DawnFailure extends Error {
  readonly kind: Failure["kind"];

  constructor(kind: Failure["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * WebGPU of this thread.
 *
 * @param entry file URL of the package's entry
 * @throws DawnFailure
 */
export async function openDawn(entry: string): Promise<GPU> {
  try {
    const { create, globals } = (await import(entry)) as Dawn;
    // Our shaders write what they read. To fill their memory with zeros first, SwiftShader compiled a store for each number: 2 s a shader.
    const gpu = create(["enable-dawn-features=disable_workgroup_init"]);
    // Dawn lives as long as this object is referred to, and a device that outlives it crashes the process.
    Object.assign(globalThis, globals, { dawn: gpu });
    return gpu;
  } catch (error) {
    throw new DawnFailure("package", (error as Error).message.split("\n")[0]);
  }
}

/** What WebGPU tells of an adapter, as plain data. */
export function factsOf({ info, limits }: GPUAdapter): AdapterFacts {
  const { vendor, architecture, device, description } = info;
  return {
    vendor,
    architecture,
    device,
    description,
    isSoftware: info.isFallbackAdapter,
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
    },
  };
}
