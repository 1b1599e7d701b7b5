// Runs the whole test suite with the full repetition counts of kill, cancel and random tests, one file at a time so that latencies are
// those of one run on the machine, and says so at the end.
import { spawnSync } from "node:child_process";
import { cpus, totalmem } from "node:os";

const startedAt = new Date();
const { status } = spawnSync(
  "npx",
  ["vitest", "run", "--maxWorkers=1", "--testTimeout", "3600000", ...process.argv.slice(2)],
  {
    stdio: "inherit",
    shell: process.platform === "win32",
    env: { ...process.env, KTRDR_ROUNDS: "500" },
  },
);
const minutes = ((Date.now() - startedAt.getTime()) / 60_000).toFixed(1);
const memory = (totalmem() / 2 ** 30).toFixed(0);
console.log(`\nsoak: KTRDR_ROUNDS=500, ${minutes} min, ${startedAt.toISOString()}`);
console.log(
  `machine: ${cpus().length} × ${cpus()[0]?.model}, ${memory} GiB, Node ${process.version}, ${process.platform}`,
);
process.exitCode = status ?? 1;
