import { defineConfig } from "vitest/config";
import { SkippedReporter } from "./test/skipped-reporter.js";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", new SkippedReporter()],
    // A CI machine has two cores; worker-thread tests measure latencies and need one of them.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
