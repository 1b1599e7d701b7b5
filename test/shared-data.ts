import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

/** Real market bars beside the project (they may not be redistributed); null where they are missing. */
export const sharedData: string | null = (() => {
  const folder = fileURLToPath(new URL("../../shared/data", import.meta.url));
  return existsSync(folder) ? folder : null;
})();

/** A block of tests over the real bars; skipped, saying so, where they are missing, and failing there under `KTRDR_REQUIRE_DATA=1`. */
export function describeWithSharedData(title: string, tests: (folder: string) => void): void {
  if (sharedData !== null) {
    const folder = sharedData;
    describe(title, () => tests(folder));
  } else if (process.env["KTRDR_REQUIRE_DATA"] === "1") {
    describe(title, () => {
      throw new Error("../shared/data is missing, and KTRDR_REQUIRE_DATA=1 asks for it");
    });
  } else {
    // The block itself is not entered: it may read its files before its first test.
    describe.skip(`${title} (../shared/data is missing)`, () => {
      test("needs real bars", () => undefined);
    });
  }
}
