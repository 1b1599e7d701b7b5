// Loaded into a process by --require: at its end it leaves the most memory it had (KiB) in the file that KTRDR_BENCH_PEAK names.
const { readFileSync, writeFileSync } = require("node:fs");

process.on("exit", () => {
  const file = process.env.KTRDR_BENCH_PEAK;
  if (file === undefined) return;
  // Linux counts a parent's memory into the child's `maxRSS`; VmHWM is the process's own.
  let kib = process.resourceUsage().maxRSS;
  try {
    kib = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))[1]);
  } catch {
    // Another system.
  }
  writeFileSync(file, String(kib));
});
