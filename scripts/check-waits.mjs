// No training path may sleep, wait for a timer or poll. Reads the sources of every folder that a training runs through, says where it looked,
// and fails at the first thing that looks like a wait.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folders that a run passes, from the call of an orchestrator to the saved model, and the tests of them. */
const places = [
  "src/core",
  "src/data",
  "src/indicators",
  "src/fuzzy",
  "src/features",
  "src/labels",
  "src/dataset",
  "src/engines",
  "src/training",
  "src/models",
  "src/strategy",
  "src/portable",
  "src/pipeline",
  "src/orchestration",
  "src/service/host",
  "test/host-orchestrator.test.ts",
  "test/local-orchestrator.test.ts",
  "test/training-pipeline-multi-symbol.test.ts",
];

/**
 * Where a timer is not a wait of the training. Each with its reason; a file that is named here and has none any more is an error too.
 */
const allowed = {
  "src/data/manager/http-text.ts": "gives up a provider that does not answer; fetching bars, not training",
  "src/data/manager/interrupt.ts": "wakes a fetch that is cancelled; fetching bars, not training",
  "src/engines/webgpu/device.ts":
    "Atomics.wait, without a time, for the device's answer: the training thread has nothing else to do and is woken by it",
  "src/service/host/training-service.ts":
    "gives up waiting for a session that was asked to stop, in the reply to that request",
  "src/engines/nvidia.ts": "gives up a GPU driver that does not answer, in health replies",
  "test/host-orchestrator.test.ts": "makes one timer to show that its hook would see it",
  "test/local-orchestrator.test.ts": "counts ticks to show that the caller's thread stays free",
};

const waits =
  /\b(setTimeout|setInterval|setImmediate|sleep|Atomics\.wait\w*|timers\/promises|AbortSignal\.timeout|execSync|scheduler\.wait|msleep|usleep)\b|\btimeout:/;

function filesIn(place) {
  const path = join(root, place);
  if (place.endsWith(".ts")) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.(ts|mjs|cjs)$/.test(entry.name) && !entry.name.endsWith(".test.ts"),
    )
    .map((entry) => join(entry.parentPath, entry.name));
}

let looked = 0;
let lines = 0;
const found = [];
const used = new Set();
for (const place of places) {
  for (const file of filesIn(place)) {
    const name = relative(root, file);
    looked++;
    for (const [index, line] of readFileSync(file, "utf8").split("\n").entries()) {
      lines++;
      if (/^\s*(\*|\/\/|\/\*)/.test(line) || !waits.test(line)) continue;
      if (name in allowed) used.add(name);
      else found.push(`${name}:${index + 1}: ${line.trim()}`);
    }
  }
}
console.log(`looked for sleeps, timers and polls in ${lines} lines of ${looked} files: ${places.join(", ")}`);
for (const [name, reason] of Object.entries(allowed)) {
  if (used.has(name)) console.log(`allowed: ${name}: ${reason}`);
  else found.push(`${name} is allowed a timer and has none`);
}
for (const problem of found) console.error(problem);
console.log(found.length === 0 ? "none in a training path" : `${found.length} problems`);
process.exit(found.length === 0 ? 0 : 1);
