import type { GpuDevice } from "./device.js";
import type { Handle } from "./protocol.js";

/** A buffer that grows: what was in it is lost then. */
export class Room {
  readonly #device: GpuDevice;
  #buffer: Handle | null = null;
  #bytes = 0;

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  get buffer(): Handle {
    if (this.#buffer === null) this.grow(16);
    return this.#buffer as Handle;
  }

  /** Makes room for at least `bytes`. @returns whether it is another buffer now, to be bound again */
  grow(bytes: number): boolean {
    if (bytes <= this.#bytes) return false;
    // Whole words of four numbers, as which some shaders read it.
    const size = 16 * Math.ceil(Math.max(bytes, 2 * this.#bytes) / 16);
    this.free();
    this.#buffer = this.#device.allocate([size])[0];
    this.#bytes = size;
    return true;
  }

  free(): void {
    if (this.#buffer !== null) this.#device.free([this.#buffer]);
    this.#buffer = null;
    this.#bytes = 0;
  }
}
