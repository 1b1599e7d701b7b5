import { MessageChannel, type MessagePort } from "node:worker_threads";
import { CancelledError, type CancellationToken } from "../core/index.js";
import { inSharedMemory, type Preparation, type SharedWork } from "../pipeline/index.js";

/** One thread's part in several runs on the same data. */
export interface SharedSeeds {
  /** In place of the context's seed, each a run of its own. */
  readonly seeds: readonly number[];
  /** Int32 [0]: how many of them have been taken. Each thread takes the next when it is done with one. */
  readonly taken: SharedArrayBuffer;
  readonly threads: number;
  /** Where this thread sends the data that it has prepared, one for each other thread. */
  readonly to: readonly MessagePort[];
  /** Where it gets it from; null for the thread that prepares it. */
  readonly from: MessagePort | null;
}

/** The parts of so many threads: the first of them prepares the data for all. */
export function shareSeeds(seeds: readonly number[], threads: number): SharedSeeds[] {
  const common = { seeds, taken: new SharedArrayBuffer(4), threads };
  const channels = Array.from({ length: threads - 1 }, () => new MessageChannel());
  return [
    { ...common, to: channels.map(({ port1 }) => port1), from: null },
    ...channels.map(({ port2 }) => ({ ...common, to: [], from: port2 })),
  ];
}

/** Those that go to the thread with its part. */
export function portsOf({ to, from }: SharedSeeds): MessagePort[] {
  return from === null ? [...to] : [...to, from];
}

/** Ends a part; where the data was not sent, those that wait for it learn that it will not come. */
export function closePart(part: SharedSeeds): void {
  for (const port of portsOf(part)) port.close();
}

/**
 * A part as the pipeline takes it.
 *
 * @param begin called when data from another thread has come; until then whoever asked can end this thread at once. May throw
 */
export function workOf(
  { taken, threads, to, from }: SharedSeeds,
  token: CancellationToken,
  begin: () => void,
): SharedWork {
  const counter = new Int32Array(taken);
  return {
    threads,
    take: (count) => Atomics.add(counter, 0, count),
    async prepare(here) {
      if (from !== null) {
        const preparation = await received(from);
        begin();
        return preparation;
      }
      const own = await here();
      if (to.length === 0) return own;
      const shared = inSharedMemory(own, token);
      for (const port of to) port.postMessage(shared);
      return shared;
    },
  };
}

function received(port: MessagePort): Promise<Preparation> {
  return new Promise((resolve, reject) => {
    port.once("message", resolve);
    port.once("messageerror", reject);
    // The thread that prepares has failed, and says so itself, or was stopped, as this one is then.
    port.once("close", () => reject(new CancelledError()));
  });
}
