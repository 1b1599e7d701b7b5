import { KnownError } from "../../core/index.js";

/** What to type where Dawn is missing. */
export const howToInstallDawn =
  "npm run setup:gpu (in a copy of the project), or npm install --ignore-scripts webgpu";

/** The optional package that reaches GPUs is not installed, or does not load here. */
export class GpuPackageError extends KnownError {
  readonly code = "GPU_PACKAGE_MISSING";

  /** @param why null where it is not installed */
  constructor(why: string | null = null) {
    super(
      why === null
        ? `The webgpu engine needs the optional package "webgpu". Install it by ${howToInstallDawn}, or use --engine wasm.`
        : `The optional package "webgpu" is installed and does not load: ${why}. Use --engine wasm.`,
    );
  }
}

/** There is no adapter, or it gives no device. */
export class NoGpuError extends KnownError {
  readonly code = "GPU_NOT_FOUND";

  constructor(why: string) {
    super(
      `The webgpu engine finds no device it can use: ${why}. ` +
        "It needs a driver for Vulkan, Metal or Direct3D 12 (on Linux also the package libvulkan1). " +
        "`ktrdr devices` lists what is there; --engine wasm needs no GPU.",
    );
  }
}

/** The device has no more memory, or a buffer would be larger than it allows. */
export class GpuMemoryError extends KnownError {
  readonly code = "OUT_OF_MEMORY";

  constructor(what: string) {
    super(
      `The GPU does not hold the network and its samples: ${what}. ` +
        "Use a shorter date range, fewer symbols, a smaller batch_size, or --engine wasm.",
    );
  }
}

/** The device went away: a driver that was reset, a GPU that hung or was unplugged. */
export class GpuLostError extends KnownError {
  readonly code = "GPU_LOST";

  constructor(why: string) {
    super(`The GPU was lost during the run: ${why}. Nothing was saved; run it again, or use --engine wasm.`);
  }
}
