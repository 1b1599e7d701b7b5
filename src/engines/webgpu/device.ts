import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import { neverCancelled, throwIfCancelled } from "../../core/index.js";
import { builtFile, packageFile } from "../built-file.js";
import { GpuLostError, GpuMemoryError, GpuPackageError, NoGpuError } from "./errors.js";
import type {
  AdapterFacts,
  BindingPlan,
  Command,
  DeviceThreadData,
  Failure,
  Handle,
  KernelSource,
  Reply,
} from "./protocol.js";

/** Where the optional package's entry lies; null where it is not installed. Looking costs some 0.8 ms and loads nothing. */
export function findDawn(): string | null {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve("webgpu")).href;
  } catch {
    const own = packageFile("optional/gpu/node_modules/webgpu/index.js");
    return own !== null && existsSync(own) ? own.href : null;
  }
}

/** Bytes of one message of samples, so that few are under way at a time. */
const bytesPerWrite = 4 << 20;

function errorOf({ kind, message }: Failure): Error {
  if (kind === "package") return new GpuPackageError(message);
  if (kind === "adapter") return new NoGpuError(message);
  if (kind === "memory") return new GpuMemoryError(message);
  if (kind === "lost") return new GpuLostError(message);
  return new Error(`webgpu: ${message}`);
}

/**
 * A device as the training thread sees it: everything it asks is done in order by the thread that owns it, and it waits for an
 * answer only where it needs one. The thread is this thread's, starts with the first network, and ends with this thread.
 */
export class GpuDevice {
  readonly adapter: AdapterFacts;
  readonly #port: MessagePort;
  readonly #replies: Int32Array;
  /** Replies that came while another was waited for. */
  readonly #arrived = new Map<number, Reply>();
  /** Answers to come that nobody waits for any more. */
  readonly #unwanted = new Set<number>();
  readonly #compiled = new Map<string, Handle>();
  #isLost = false;
  #lastHandle = 0;
  #lastId = 0;

  /** @throws GpuPackageError, NoGpuError */
  constructor() {
    const dawn = findDawn();
    if (dawn === null) throw new GpuPackageError();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#replies = new Int32Array(new SharedArrayBuffer(4));
    const data: DeviceThreadData = { dawn, port: port2, replies: this.#replies };
    const thread = new Worker(builtFile("engines/webgpu/device-thread.js"), {
      workerData: data,
      transferList: [port2],
      execArgv: [],
    });
    thread.unref();
    this.#port.unref();
    const reply = this.#wait(0);
    if (reply.type !== "ready") throw new Error("webgpu: the device thread began with another reply");
    this.adapter = reply.adapter;
  }

  /** Whether the device went away: the next network needs another. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Waits for one reply. @throws what the command failed with */
  #wait(id: number): Reply {
    for (;;) {
      const seen = Atomics.load(this.#replies, 0);
      let message: { message: Reply } | undefined;
      while ((message = receiveMessageOnPort(this.#port) as { message: Reply } | undefined) !== undefined) {
        const { message: reply } = message;
        if (!this.#unwanted.delete(reply.id)) this.#arrived.set(reply.id, reply);
      }
      const reply = this.#arrived.get(id);
      if (reply !== undefined) {
        this.#arrived.delete(id);
        if (reply.type === "failed") {
          this.#isLost ||= reply.failure.kind === "lost";
          throw errorOf(reply.failure);
        }
        return reply;
      }
      // Woken by the reply itself: the device thread counts after it has posted, so none is missed between the two lines.
      Atomics.wait(this.#replies, 0, seen);
    }
  }

  /** Drops the answer to a command, come or to come. */
  forget(id: number): void {
    if (!this.#arrived.delete(id)) this.#unwanted.add(id);
  }

  #send(command: Command, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(command, transfer);
  }

  /** New buffers of these sizes in bytes, holding zeros. @throws GpuMemoryError */
  allocate(sizes: readonly number[]): Handle[] {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.adapter.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    for (const bytes of sizes) {
      if (bytes > most) {
        const [asked, allowed] = [bytes, most].map((size) => Math.ceil(size / 2 ** 20));
        throw new GpuMemoryError(
          `one part of them takes ${asked} MiB, and a buffer of this device ${allowed} MiB at most`,
        );
      }
    }
    const buffers = sizes.map((bytes) => [++this.#lastHandle, bytes] as const);
    const id = ++this.#lastId;
    this.#send({ type: "allocate", id, buffers });
    try {
      this.#wait(id);
    } catch (error) {
      this.free(buffers.map(([handle]) => handle));
      throw error;
    }
    return buffers.map(([handle]) => handle);
  }

  /** Gives buffers and bindings back. */
  free(buffers: readonly Handle[], bindings: readonly Handle[] = []): void {
    if (buffers.length + bindings.length > 0) this.#send({ type: "free", buffers, bindings });
  }

  /**
   * Copies data into a buffer, in blocks between which the token is looked at. The source may change afterwards; work that follows
   * sees the data.
   *
   * @throws CancelledError
   */
  write(buffer: Handle, source: ArrayBufferView, token = neverCancelled, at = 0): void {
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    let before = -1;
    for (let from = 0; from < bytes.length; from += bytesPerWrite) {
      throwIfCancelled(token);
      const block = bytes.subarray(from, from + bytesPerWrite);
      // Sizes of copies are multiples of 4; what is added lies in the buffer's own padding.
      const data = new Uint8Array(4 * Math.ceil(block.length / 4));
      data.set(block);
      // Nobody waits for the last one: a failure shows in the next answer.
      const id = from + bytesPerWrite < bytes.length ? ++this.#lastId : null;
      this.#send({ type: "write", id, buffer, offset: at + from, data }, [data.buffer]);
      if (before >= 0) this.#wait(before);
      before = id ?? -1;
    }
  }

  /** Kernels for these sources; one that was compiled before is taken again. */
  compile(sources: readonly KernelSource[]): Handle[] {
    const missing = [...new Map(sources.map((source) => [source.code, source])).values()]
      .filter(({ code }) => !this.#compiled.has(code))
      .map((source) => [++this.#lastHandle, source] as const);
    if (missing.length > 0) {
      const id = ++this.#lastId;
      this.#send({ type: "compile", id, kernels: missing });
      this.#wait(id);
      for (const [handle, { code }] of missing) this.#compiled.set(code, handle);
    }
    return sources.map(({ code }) => this.#compiled.get(code) as Handle);
  }

  /** Binds kernels to buffers. */
  bind(plans: readonly Omit<BindingPlan, "binding">[]): Handle[] {
    const bindings = plans.map((plan) => ({ ...plan, binding: ++this.#lastHandle }));
    this.#send({ type: "bind", bindings });
    return bindings.map(({ binding }) => binding);
  }

  /** Hands work to the device without waiting for it; `finish` does. The arrays are given away. */
  submit(records: Uint8Array<ArrayBuffer>, dispatches: Uint32Array<ArrayBuffer>): number {
    const id = ++this.#lastId;
    this.#send({ type: "submit", id, records, dispatches }, [records.buffer, dispatches.buffer]);
    return id;
  }

  /** Waits for a submission; the milliseconds that the device was busy with it. */
  finish(submission: number): number {
    const reply = this.#wait(submission);
    return reply.type === "done" ? reply.busyMs : 0;
  }

  /** Copies bytes of one buffer to the same place in another, after all work before. */
  copy(from: Handle, to: Handle, offset: number, bytes: number): void {
    this.#send({ type: "copy", from, to, offset, bytes });
  }

  /** Fills bytes of a buffer with zeros, after all work before. */
  clear(buffer: Handle, offset: number, bytes: number): void {
    this.#send({ type: "clear", buffer, offset, bytes });
  }

  /** Asks for bytes of a buffer as they are after all work before; `received` waits for them. */
  request(buffer: Handle, bytes: number, offset = 0): number {
    const id = ++this.#lastId;
    this.#send({ type: "read", id, buffer, offset, bytes });
    return id;
  }

  /** Waits for requested bytes. */
  received(request: number): ArrayBuffer {
    const reply = this.#wait(request);
    if (reply.type !== "data") throw new Error("webgpu: a read was answered by something else");
    return reply.data.buffer as ArrayBuffer;
  }

  /** Numbers of a buffer, from the first or a later one on. */
  floats(buffer: Handle, count: number, from = 0): Float32Array {
    return new Float32Array(this.received(this.request(buffer, 4 * count, 4 * from)));
  }
}

let opened: GpuDevice | null = null;

/** This thread's device, opened at the first call, and again after it was lost. @throws GpuPackageError, NoGpuError */
export function openDevice(): GpuDevice {
  if (opened === null || opened.isLost) opened = new GpuDevice();
  return opened;
}
