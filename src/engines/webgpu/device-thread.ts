/// <reference types="@webgpu/types" />
// The thread that owns the device. Dawn answers through the event loop, which a training thread never returns to; so this one
// carries out what that one asks, and wakes it by shared memory. It knows buffers and shaders and nothing of networks.
import { workerData, type MessagePort } from "node:worker_threads";
import { DawnFailure, factsOf, openDawn } from "./dawn.js";
import {
  numbersPerDispatch,
  type AdapterFacts,
  type BindingPlan,
  type Command,
  type DeviceThreadData,
  type Failure,
  type KernelSource,
  type Reply,
} from "./protocol.js";
import { recordBytes } from "./shaders/record.js";

interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly storage: GPUBindGroupLayout;
}

interface Binding {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

class DeviceServer {
  readonly #device: GPUDevice;
  readonly #stride: number;
  readonly #recordLayout: GPUBindGroupLayout;
  readonly #buffers = new Map<number, GPUBuffer>();
  readonly #kernels = new Map<number, Kernel>();
  readonly #bindings = new Map<number, Binding>();
  /** By shader: evaluation and further trainings of one strategy need the same ones again. */
  readonly #compiled = new Map<string, Kernel>();
  #records: { buffer: GPUBuffer; group: GPUBindGroup; bytes: number } | null = null;
  #staging: GPUBuffer | null = null;
  #recorded: GPUCommandEncoder | null = null;
  #idleSince = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#stride = device.limits.minUniformBufferOffsetAlignment;
    this.#recordLayout = device.createBindGroupLayout({
      entries: [
        {
          binding: 0,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: "uniform", hasDynamicOffset: true },
        },
      ],
    });
  }

  async allocate(buffers: readonly (readonly [number, number])[]): Promise<void> {
    this.#device.pushErrorScope("validation");
    this.#device.pushErrorScope("out-of-memory");
    let refused: string | null = null;
    try {
      for (const [handle, bytes] of buffers) {
        const size = Math.max(16, 4 * Math.ceil(bytes / 4));
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        this.#buffers.set(handle, this.#device.createBuffer({ size, usage }));
      }
    } catch (error) {
      refused = (error as Error).message;
    }
    // Both are closed at once, before another command can come between.
    const scopes = [this.#device.popErrorScope(), this.#device.popErrorScope()];
    for (const scope of await Promise.all(scopes)) refused ??= scope?.message ?? null;
    if (refused !== null) throw new DawnFailure("memory", refused.split("\n")[0]);
  }

  free(buffers: readonly number[], bindings: readonly number[]): void {
    this.#submitRecorded();
    for (const handle of bindings) this.#bindings.delete(handle);
    for (const handle of buffers) {
      this.#buffers.get(handle)?.destroy();
      this.#buffers.delete(handle);
    }
  }

  write(buffer: number, offset: number, data: Uint8Array): void {
    this.#submitRecorded();
    this.#device.queue.writeBuffer(this.#buffer(buffer), offset, data as Uint8Array<ArrayBuffer>);
  }

  compile(kernels: readonly (readonly [number, KernelSource])[]): void {
    for (const [handle, source] of kernels) this.#kernels.set(handle, this.#kernel(source));
  }

  #kernel({ code, access }: KernelSource): Kernel {
    const known = this.#compiled.get(code);
    if (known !== undefined) return known;
    const storage = this.#device.createBindGroupLayout({
      entries: access.split("").map((way, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: way === "w" ? "storage" : "read-only-storage" },
      })),
    });
    const layout = this.#device.createPipelineLayout({ bindGroupLayouts: [storage, this.#recordLayout] });
    const module = this.#device.createShaderModule({ code });
    // Not all at once on other threads (createComputePipelineAsync): SwiftShader took 2.4 times as long on two cores.
    const pipeline = this.#device.createComputePipeline({ layout, compute: { module, entryPoint: "main" } });
    const kernel = { pipeline, storage };
    this.#compiled.set(code, kernel);
    return kernel;
  }

  bind(plans: readonly BindingPlan[]): void {
    for (const { binding, kernel, buffers } of plans) {
      const { pipeline, storage } = this.#kernels.get(kernel)!;
      const entries = buffers.map((handle, k) => ({
        binding: k,
        resource: { buffer: this.#buffer(handle) },
      }));
      const group = this.#device.createBindGroup({ layout: storage, entries });
      this.#bindings.set(binding, { pipeline, group });
    }
  }

  /** @returns milliseconds that the device was busy with it */
  async submit(records: Uint8Array, dispatches: Uint32Array): Promise<number> {
    const { queue } = this.#device;
    const { buffer, group } = this.#recordPlace(records.byteLength);
    queue.writeBuffer(buffer, 0, records as Uint8Array<ArrayBuffer>);
    const pass = this.#encoder().beginComputePass();
    for (let at = 0, offset = 0; at < dispatches.length; at += numbersPerDispatch, offset += this.#stride) {
      const binding = this.#bindings.get(dispatches[at])!;
      pass.setPipeline(binding.pipeline);
      pass.setBindGroup(0, binding.group);
      pass.setBindGroup(1, group, [offset]);
      pass.dispatchWorkgroups(dispatches[at + 1]);
    }
    pass.end();
    const submittedAt = performance.now();
    this.#submitRecorded();
    await queue.onSubmittedWorkDone();
    const now = performance.now();
    const busy = now - Math.max(submittedAt, this.#idleSince);
    this.#idleSince = now;
    return busy;
  }

  #recordPlace(bytes: number): { buffer: GPUBuffer; group: GPUBindGroup } {
    if (this.#records === null || this.#records.bytes < bytes) {
      this.#records?.buffer.destroy();
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const buffer = this.#device.createBuffer({ size: 2 * bytes, usage });
      const resource = { buffer, size: recordBytes };
      const entries = [{ binding: 0, resource }];
      const group = this.#device.createBindGroup({ layout: this.#recordLayout, entries });
      this.#records = { buffer, group, bytes: 2 * bytes };
    }
    return this.#records;
  }

  copy(from: number, to: number, offset: number, bytes: number): void {
    this.#encoder().copyBufferToBuffer(this.#buffer(from), offset, this.#buffer(to), offset, bytes);
  }

  /** What is recorded and handed over with the next work, or before something that must follow it: many networks copy one after the other. */
  #encoder(): GPUCommandEncoder {
    this.#recorded ??= this.#device.createCommandEncoder();
    return this.#recorded;
  }

  #submitRecorded(): void {
    if (this.#recorded === null) return;
    this.#device.queue.submit([this.#recorded.finish()]);
    this.#recorded = null;
  }

  clear(buffer: number, offset: number, bytes: number): void {
    this.#encoder().clearBuffer(this.#buffer(buffer), offset, bytes);
  }

  async read(buffer: number, offset: number, bytes: number): Promise<Uint8Array> {
    const staging = this.#takeStaging(bytes);
    this.#encoder().copyBufferToBuffer(this.#buffer(buffer), offset, staging, 0, bytes);
    this.#submitRecorded();
    await staging.mapAsync(GPUMapMode.READ, 0, bytes);
    const data = new Uint8Array(staging.getMappedRange(0, bytes)).slice();
    staging.unmap();
    if (this.#staging === null) this.#staging = staging;
    else staging.destroy();
    return data;
  }

  /** A buffer to map: the one that is kept, or a new one while that is in use or too small. */
  #takeStaging(bytes: number): GPUBuffer {
    const kept = this.#staging;
    this.#staging = null;
    if (kept !== null && kept.size >= bytes) return kept;
    kept?.destroy();
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return this.#device.createBuffer({ size: Math.max(4096, bytes), usage });
  }

  #buffer(handle: number): GPUBuffer {
    const buffer = this.#buffers.get(handle);
    if (buffer === undefined) throw new Error(`buffer ${handle} does not exist`);
    return buffer;
  }
}

async function openDevice(gpu: GPU): Promise<{ device: GPUDevice; adapter: AdapterFacts }> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new DawnFailure("adapter", "the system shows no adapter");
  const facts = factsOf(adapter);
  const { limits } = facts;
  // Without asking for more a device has the least that WebGPU promises: 128 MiB a buffer.
  const requiredLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
  };
  try {
    return { device: await adapter.requestDevice({ requiredLimits }), adapter: facts };
  } catch (error) {
    throw new DawnFailure(
      "adapter",
      `${facts.description || facts.device} gives no device: ${(error as Error).message}`,
    );
  }
}

/** Carries out one command; its reply, or null where none is asked for. */
async function carryOut(server: DeviceServer, command: Command): Promise<Reply | null> {
  switch (command.type) {
    case "allocate":
      await server.allocate(command.buffers);
      return { id: command.id, type: "done", busyMs: 0 };
    case "free":
      server.free(command.buffers, command.bindings);
      return null;
    case "write":
      server.write(command.buffer, command.offset, command.data);
      return command.id === null ? null : { id: command.id, type: "done", busyMs: 0 };
    case "compile":
      server.compile(command.kernels);
      return { id: command.id, type: "done", busyMs: 0 };
    case "bind":
      server.bind(command.bindings);
      return null;
    case "submit":
      return {
        id: command.id,
        type: "done",
        busyMs: await server.submit(command.records, command.dispatches),
      };
    case "copy":
      server.copy(command.from, command.to, command.offset, command.bytes);
      return null;
    case "clear":
      server.clear(command.buffer, command.offset, command.bytes);
      return null;
    case "read":
      return {
        id: command.id,
        type: "data",
        data: await server.read(command.buffer, command.offset, command.bytes),
      };
  }
}

async function serve({ dawn, port, replies }: DeviceThreadData): Promise<void> {
  const send = (reply: Reply): void => {
    port.postMessage(reply, reply.type === "data" ? [reply.data.buffer as ArrayBuffer] : []);
    Atomics.add(replies, 0, 1);
    Atomics.notify(replies, 0);
  };
  /** The first thing that went wrong outside a command; every later reply says it. */
  let broken: Failure | null = null;
  const fail = (id: number, error: unknown): void => {
    const kind = error instanceof DawnFailure ? error.kind : "bug";
    send({ id, type: "failed", failure: broken ?? { kind, message: (error as Error).message } });
  };
  let server: DeviceServer;
  try {
    const gpu = await openDawn(dawn);
    const { device, adapter } = await openDevice(gpu);
    void device.lost.then(({ reason, message }) => {
      broken = { kind: "lost", message: message.split("\n")[0] || reason };
    });
    device.addEventListener("uncapturederror", (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      const kind = error instanceof GPUOutOfMemoryError ? "memory" : "bug";
      broken ??= { kind, message: error.message };
    });
    server = new DeviceServer(device);
    send({ id: 0, type: "ready", adapter });
  } catch (error) {
    fail(0, error);
    port.close();
    return;
  }
  port.on("message", (command: Command) => {
    const id = "id" in command ? (command.id ?? -1) : -1;
    carryOut(server, command).then(
      (reply) => {
        if (reply === null) return;
        if (broken === null) send(reply);
        else fail(id, null);
      },
      (error: unknown) => {
        if (id >= 0) fail(id, error);
        else broken ??= { kind: "bug", message: (error as Error).message };
      },
    );
  });
}

void serve(workerData as DeviceThreadData & { port: MessagePort });
