import { existsSync } from "node:fs";
import { describe, test } from "vitest";
import { chromium, type Browser } from "playwright-core";

const executablePath = process.env["KTRDR_CHROMIUM"] ?? "/usr/bin/chromium";

/** Starts the system's Chromium without a window. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/**
 * A block of tests in Chromium; skipped, saying so, where there is none, and failing there under
 * `KTRDR_REQUIRE_COMPONENTS=1`.
 */
export function describeWithChromium(title: string, tests: () => void): void {
  if (existsSync(executablePath)) describe(title, tests);
  else if (process.env["KTRDR_REQUIRE_COMPONENTS"] === "1") {
    describe(title, () => {
      throw new Error(`${executablePath} is missing, and KTRDR_REQUIRE_COMPONENTS=1 asks for it`);
    });
  } else {
    describe.skip(`${title} (${executablePath} is missing; KTRDR_CHROMIUM names another)`, () => {
      test("needs Chromium", () => undefined);
    });
  }
}
