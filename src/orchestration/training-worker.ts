// What runs on a thread that only trains, from strategies that were checked before. It is bundled without what reads and checks them
// (see scripts/build.mjs): starting it takes a third of the time. Its messages in are requests, one after the other.
import { parentPort } from "node:worker_threads";
import { strategyFromData, type StrategyData } from "../strategy/index.js";
import type { WorkerRequest } from "./protocol.js";
import { trainHere } from "./train-here.js";

parentPort?.on("message", (request: WorkerRequest & { readonly strategies: readonly StrategyData[] }) => {
  if ("context" in request) void trainHere(request, () => request.strategies.map(strategyFromData));
});
