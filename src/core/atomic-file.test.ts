import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { asDiskError, DiskFullError, writeFileAtomic } from "./atomic-file.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-atomic-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file is replaced whole and no temporary file stays", () => {
  const path = join(folder, "deep", "file.json");
  writeFileAtomic(path, "one");
  writeFileAtomic(path, new Uint8Array([0x74, 0x77, 0x6f]));
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(readdirSync(join(folder, "deep"))).toEqual(["file.json"]);
});

test("a write that fails keeps what was there and leaves nothing beside it", () => {
  const path = join(folder, "taken");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "inside"), "kept");
  expect(() => writeFileAtomic(path, "new")).toThrow();
  expect(readdirSync(folder)).toEqual(["taken"]);
  expect(readFileSync(join(path, "inside"), "utf8")).toBe("kept");
});

test("a full disk is a known error that names the file; other errors pass", () => {
  const full = asDiskError("/x/model", Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
  expect(full).toBeInstanceOf(DiskFullError);
  expect((full as DiskFullError).message).toContain('"/x/model"');
  const other = new Error("other");
  expect(asDiskError("/x", other)).toBe(other);
});
