import { KnownError } from "../../core/index.js";

const pageBytes = 65_536;
/** 4 GiB: what 32-bit addresses reach. */
const mostPages = 65_536;
/** Kernels read whole vectors, up to this far past the end of what they need. */
const slack = 64;
/** Memory grows by 1 MiB at least: one growth in a training took 1.6 ms, and pages that nobody touches take no memory. */
const stepPages = 16;

/** The network and its samples need more memory than the engine can address. */
export class EngineMemoryError extends KnownError {
  readonly code = "OUT_OF_MEMORY";

  constructor(bytes: number) {
    super(
      `The network and its samples need more than ${Math.floor(bytes / 2 ** 20)} MiB, and the wasm engine can hold 4096 MiB at most. ` +
        "Use a shorter date range, fewer symbols, a coarser timeframe or fewer features, or --engine reference.",
    );
  }
}

/** The memory of one network: grows, and is freed as a whole. New memory holds zeros. */
export class Arena {
  readonly memory = new WebAssembly.Memory({ initial: stepPages, maximum: mostPages, shared: true });
  #end = slack;

  /** Address of `bytes` new bytes, on a cache line of its own. @throws EngineMemoryError */
  allocate(bytes: number): number {
    const address = this.#end;
    const end = address + Math.ceil((bytes + slack) / 64) * 64;
    const present = this.memory.buffer.byteLength / pageBytes;
    const missing = Math.ceil(end / pageBytes) - present;
    if (missing > 0) {
      try {
        this.memory.grow(Math.max(missing, Math.min(stepPages, mostPages - present)));
      } catch {
        throw new EngineMemoryError(end);
      }
    }
    this.#end = end;
    return address;
  }

  /** A view of `length` numbers. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  /** A view of `length` numbers. */
  doubles(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length);
  }

  /** A view of `length` numbers. */
  integers(address: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, length);
  }

  /** A view of `length` bytes. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }
}
