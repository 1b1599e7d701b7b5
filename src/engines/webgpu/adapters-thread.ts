/// <reference types="@webgpu/types" />
// Asks WebGPU for its adapters, tells them, and ends: on a thread of its own, as loading drivers may take a second.
import { parentPort, workerData } from "node:worker_threads";
import { factsOf, openDawn } from "./dawn.js";
import type { AdapterFacts, AdapterList } from "./protocol.js";

/** WebGPU names one adapter for each wish; these are its wishes, and the first is what the engine takes. */
const wishes: readonly GPURequestAdapterOptions[] = [
  { powerPreference: "high-performance" },
  { powerPreference: "low-power" },
  { forceFallbackAdapter: true },
];

async function list(entry: string): Promise<AdapterList> {
  const found = new Map<string, AdapterFacts>();
  try {
    const gpu = await openDawn(entry);
    for (const wish of wishes) {
      const adapter = await gpu.requestAdapter(wish);
      if (adapter === null) continue;
      const facts = factsOf(adapter);
      found.set(JSON.stringify(facts), facts);
    }
    return { adapters: [...found.values()], problem: null };
  } catch (error) {
    return { adapters: [...found.values()], problem: (error as Error).message };
  }
}

parentPort?.postMessage(await list(workerData as string));
