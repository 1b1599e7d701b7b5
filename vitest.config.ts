import { defineConfig } from "vitest/config";
import { SkippedReporter } from "./test/skipped-reporter.js";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", new SkippedReporter()],
    // A CI machine has two cores; worker-thread tests measure latencies and need one of them.
    maxWorkers: 2,
    // These only end what hangs: a test that starts a dozen processes takes 7 s alone and over 60 s on a crowded machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
