import type { Reporter, TestModule } from "vitest/node";

/** Names what was skipped at the end of a run, so that a pass never hides a missing component. */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const { note } = test.result() as { note?: string };
        lines.push(`  ${module.relativeModuleId}: ${test.fullName}${note === undefined ? "" : ` (${note})`}`);
      }
    }
    if (lines.length > 0) process.stdout.write(`\n Skipped here:\n${lines.join("\n")}\n`);
  }
}
