import { describe, test } from "vitest";

/**
 * A block of tests that needs an optional component; skipped, saying so, where it is missing, and failing there under
 * `KTRDR_REQUIRE_COMPONENTS=1`.
 *
 * @param missing what to install; null where the component is there
 */
export function describeWithComponent(title: string, missing: string | null, tests: () => void): void {
  if (missing === null) {
    describe(title, tests);
  } else if (process.env["KTRDR_REQUIRE_COMPONENTS"] === "1") {
    test(title, () => {
      throw new Error(`${missing}, and KTRDR_REQUIRE_COMPONENTS=1 asks for it`);
    });
  } else {
    describe.skip(`${title} (${missing})`, () => {
      test("needs a component", () => undefined);
    });
  }
}
