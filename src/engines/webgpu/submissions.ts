import { throwIfCancelled, type CancellationToken } from "../../core/index.js";
import type { GpuDevice } from "./device.js";
import { numbersPerDispatch, type Handle } from "./protocol.js";
import { writeRecord, type DispatchRecord } from "./shaders/record.js";

/** Work of the first submission in multiply-adds: a software device takes some 4 ms for it, a GPU a few microseconds. */
const firstBudget = 4e6;
/** What starting a dispatch costs, in multiply-adds. */
const dispatchWork = 5e4;
/** What a submission is to take: short enough to answer a stop within 5 ms, long against its own cost. */
const wantedMs = 2;

/** One call of a kernel: `groups` workgroups, each of about `groupWork` multiply-adds. */
export interface Dispatch {
  readonly binding: Handle;
  readonly groups: number;
  readonly groupWork: number;
  /** Must not be cut into several. */
  readonly whole: boolean;
  readonly record: DispatchRecord;
}

/** A dispatch as it is handed over: its record says where its workgroups begin. */
interface Part {
  readonly binding: Handle;
  readonly groups: number;
  readonly record: DispatchRecord;
}

/** What is at the device: two submissions at most, so that it has work while the next one is written. */
export class DeviceQueue {
  readonly #device: GpuDevice;
  #budget = firstBudget;
  readonly #inFlight: { id: number; work: number }[] = [];

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** Multiply-adds that take about 2 ms, as far as is known. */
  get budget(): number {
    return this.#budget;
  }

  /** Work to come uses a smaller share of the device at a time, in the worst case. */
  slowDown(share: number): void {
    this.#budget = Math.max(firstBudget / 16, this.#budget * share);
  }

  /** Hands over some work, and waits while there is more than two submissions hold. */
  submit(parts: readonly Part[], work: number): void {
    const stride = this.#device.adapter.limits.minUniformBufferOffsetAlignment;
    const records = new Uint8Array(parts.length * stride);
    const view = new DataView(records.buffer);
    const dispatches = new Uint32Array(parts.length * numbersPerDispatch);
    for (const [k, { binding, groups, record }] of parts.entries()) {
      writeRecord(record, view, k * stride);
      dispatches.set([binding, groups], k * numbersPerDispatch);
    }
    this.#inFlight.push({ id: this.#device.submit(records, dispatches), work });
    while (this.#inFlight.length > 2) this.#finishOne();
  }

  #finishOne(): void {
    const { id, work } = this.#inFlight.shift()!;
    const ms = this.#device.finish(id);
    // Only one that was full tells the pace; its own start and end weigh too much in others.
    if (ms > 2 * wantedMs) this.slowDown(1 / 2);
    else if (ms < wantedMs / 2 && work >= this.#budget / 2) this.#budget *= 2;
  }

  /** Waits for everything that was handed over. */
  drain(): void {
    while (this.#inFlight.length > 0) this.#finishOne();
  }

  /** Nobody wants to know of it any more. */
  abandon(): void {
    for (const { id } of this.#inFlight.splice(0)) this.#device.forget(id);
  }
}

/**
 * Gathers dispatches into submissions of about 2 ms. Where they are cut follows the device's pace, and no result depends on it.
 */
export class Submissions {
  readonly #device: GpuDevice;
  readonly #queue: DeviceQueue;
  #parts: Part[] = [];
  #work = 0;
  /** Dispatches up to the last `mark`. */
  #marked = 0;

  constructor(device: GpuDevice) {
    this.#device = device;
    this.#queue = new DeviceQueue(device);
  }

  /**
   * Adds a dispatch, in parts where it is large; hands over what is complete and looks at the token before each part.
   *
   * @throws CancelledError; what was added since the last mark can then be dropped
   */
  add({ binding, groups, groupWork, whole, record }: Dispatch, token: CancellationToken): void {
    const most = this.#device.adapter.limits.maxComputeWorkgroupsPerDimension;
    for (let base = 0; base < groups;) {
      throwIfCancelled(token);
      const part = Math.max(1, Math.min(most, Math.floor((this.#queue.budget - this.#work) / groupWork)));
      const count = whole ? groups : Math.min(part, groups - base);
      this.#parts.push({ binding, groups: count, record: base === 0 ? record : { ...record, base } });
      this.#work += dispatchWork + count * groupWork;
      base += count;
      if (this.#work >= this.#queue.budget) this.#flush(this.#parts.length);
    }
  }

  /** All that was added up to here belongs to whole batches. */
  mark(): void {
    this.#marked = this.#parts.length;
  }

  /** Hands over what is left up to the last mark, drops the rest. */
  end(): void {
    this.#flush(this.#marked);
    this.#parts = [];
    this.#work = 0;
    this.#marked = 0;
  }

  #flush(count: number): void {
    if (count === 0) return;
    this.#queue.submit(this.#parts.slice(0, count), this.#work);
    this.#parts = this.#parts.slice(count);
    this.#work = 0;
    this.#marked = 0;
  }

  /** Waits for everything that was handed over. */
  drain(): void {
    this.#queue.drain();
  }
}
