import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { asFileError, FileError, writeFileAtomic } from "./index.js";

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("a system error about a path is a known error that names path, reason and way out", () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const error = asFileError(thrownBy(() => readdirSync(file)));
  expect(error).toBeInstanceOf(FileError);
  expect((error as FileError).message).toBe(
    `"${file}" cannot be used: there is a file where a folder is needed (ENOTDIR). Mend that, or name another place.`,
  );
  expect((error as FileError).details).toEqual({ path: file });
});

test("other errors, and values that are no errors, stay what they are", () => {
  const missing = thrownBy(() => readdirSync(join(temporaryFolder(), "none")));
  for (const value of [
    missing,
    new TypeError("x"),
    { code: "EACCES" },
    { code: "toString" },
    null,
    undefined,
    3,
  ])
    expect(asFileError(value)).toBe(value);
});

test("a write into a path that leads through a file names that, not its own clean-up", () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "kept");
  const error = thrownBy(() =>
    writeFileAtomic(join(file, "deep", "data.json"), "{}"),
  ) as NodeJS.ErrnoException;
  expect([error.code, error.syscall]).toEqual(["ENOTDIR", "mkdir"]);
});
