// Lets each compiled thread train once on synthetic bars (that of services: read a strategy) and stores V8's compiled code beside its script:
// with what one run calls in it, later threads start without compiling.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const { BarStore, createControlBlock, sampleBars, strategyOf, strategyToData } =
  await import("../dist/index.js");

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "ktrdr-build-"));
const request = {
  context: {
    operationId: "build",
    strategyPath: join(root, "config", "strategies", "example.yaml"),
    symbols: ["SYN1"],
    timeframes: ["1d"],
    dataFolder: join(folder, "data"),
    epochs: 2,
  },
  modelsFolder: join(folder, "models"),
  shared: null,
  isHeard: true,
  givesWay: false,
};
// Keeps hold of the script that start-worker.cjs compiles, and caches it once the training has ended.
const thread = `
  const { parentPort } = require("node:worker_threads");
  const { writeFileSync } = require("node:fs");
  const { script, cacheFile } = require(${JSON.stringify(join(root, "dist", "orchestration", "start-worker.cjs"))});
  parentPort.on("message", (message) => {
    if ("cache" in message) { writeFileSync(cacheFile, script.createCachedData()); parentPort.close(); }
  });
`;
try {
  await new BarStore(request.context.dataFolder).save(
    await sampleBars({ symbol: "SYN1", timeframe: "1d", seed: 42 }),
  );
  const config = { ...request.context, strategyText: readFileSync(request.context.strategyPath, "utf8") };
  const asked = {
    "training-worker": { ...request, strategies: [strategyToData(strategyOf(request.context))] },
    worker: { ...request, strategies: null },
    "task-worker": { name: "checkTraining", input: config, stop: new SharedArrayBuffer(4) },
  };
  for (const [workerData, message] of Object.entries(asked)) {
    await new Promise((resolve, reject) => {
      const worker = new Worker(thread, { eval: true, workerData });
      worker.on("message", ({ type, error }) => {
        if (type === "done") worker.postMessage({ cache: true });
        if (type === "failed") reject(new Error(`the sample run of ${workerData} failed: ${error.message}`));
      });
      worker.on("error", reject).on("exit", resolve);
      worker.postMessage({ ...message, memory: createControlBlock() });
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
