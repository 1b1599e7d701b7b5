import type { MessagePort } from "node:worker_threads";

/** Number of a buffer, a kernel or a binding; given out by the thread that asks. */
export type Handle = number;

/** A compute shader and the storage buffers that it reads (`r`) or also writes (`w`), in the order of their bindings. */
export interface KernelSource {
  readonly code: string;
  readonly access: string;
}

/** A kernel with the buffers that it works on. */
export interface BindingPlan {
  readonly binding: Handle;
  readonly kernel: Handle;
  readonly buffers: readonly Handle[];
}

/** Numbers per dispatch in a submission: binding, workgroups. */
export const numbersPerDispatch = 2;

/**
 * What the training thread asks of the device thread. Commands are carried out in order. One with an `id` is answered by a reply
 * of that number.
 */
export type Command =
  | {
      readonly type: "allocate";
      readonly id: number;
      readonly buffers: readonly (readonly [Handle, bytes: number])[];
    }
  | { readonly type: "free"; readonly buffers: readonly Handle[]; readonly bindings: readonly Handle[] }
  | {
      readonly type: "write";
      /** Null where nobody waits. */
      readonly id: number | null;
      readonly buffer: Handle;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  | {
      readonly type: "compile";
      readonly id: number;
      readonly kernels: readonly (readonly [Handle, KernelSource])[];
    }
  | { readonly type: "bind"; readonly bindings: readonly BindingPlan[] }
  | {
      readonly type: "submit";
      readonly id: number;
      /** One record after the other, `recordStride` apart; the k-th dispatch reads the k-th. */
      readonly records: Uint8Array;
      readonly dispatches: Uint32Array;
    }
  | {
      readonly type: "copy";
      readonly from: Handle;
      readonly to: Handle;
      /** First byte that is copied, and where to. */
      readonly offset: number;
      readonly bytes: number;
    }
  | { readonly type: "clear"; readonly buffer: Handle; readonly offset: number; readonly bytes: number }
  | {
      readonly type: "read";
      readonly id: number;
      readonly buffer: Handle;
      readonly offset: number;
      readonly bytes: number;
    };

/** Limits of a device that the engine heeds; names as in WebGPU. */
export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly minUniformBufferOffsetAlignment: number;
}

/** What WebGPU tells of an adapter. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** A processor that plays a GPU. */
  readonly isSoftware: boolean;
  readonly limits: DeviceLimits;
}

/** The adapters that WebGPU shows, the one that the engine takes first. */
export interface AdapterList {
  readonly adapters: readonly AdapterFacts[];
  /** Why there may be more; null where all were asked for. */
  readonly problem: string | null;
}

/** How a command or the device failed. */
export interface Failure {
  readonly kind: "package" | "adapter" | "memory" | "lost" | "bug";
  readonly message: string;
}

/** Answers to commands, by their numbers; 0 answers the start of the thread. */
export type Reply =
  | { readonly id: number; readonly type: "ready"; readonly adapter: AdapterFacts }
  | { readonly id: number; readonly type: "done"; readonly busyMs: number }
  | { readonly id: number; readonly type: "data"; readonly data: Uint8Array }
  | { readonly id: number; readonly type: "failed"; readonly failure: Failure };

/** What the device thread is started with. */
export interface DeviceThreadData {
  /** File URL of the package's entry. */
  readonly dawn: string;
  readonly port: MessagePort;
  /** One number that grows, and wakes whoever waits at it, after each reply. */
  readonly replies: Int32Array;
}
