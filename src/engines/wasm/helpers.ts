import { Worker } from "node:worker_threads";

/** Addresses that a thread works at: the network's, and its own scratch and buffers of `widest` columns. */
export interface ThreadPlaces {
  readonly description: number;
  readonly fractions: number;
  readonly scratch: number;
  readonly buffers: number;
  readonly widest: number;
}

/** What a helper thread is started with. */
export interface HelperPlaces extends ThreadPlaces {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

// Plain JavaScript in a string: a thread of ten lines needs no module loader, which would cost it more than its start.
const source = `
const { workerData: places } = require("node:worker_threads");
const { exports: kernel } = new WebAssembly.Instance(places.module, {
  env: { memory: places.memory, isStopped: () => 0, abort() {} },
});
kernel.bind(places.description, places.fractions, places.scratch, places.buffers, places.widest);
kernel.help();
`;

/**
 * Starts a thread that shares in the work on one network from the next batch on after it is ready; the network does not
 * wait for it. It is to be terminated with the network, and ends with the thread that started it.
 */
export function startHelper(places: HelperPlaces): Worker {
  const helper = new Worker(source, { eval: true, workerData: places, execArgv: [] });
  helper.unref();
  // One that cannot start (no room for one more thread) has not registered: nobody waits for it, and the others do its share.
  helper.on("error", () => undefined);
  return helper;
}
