import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { sampleModel } from "../../test/sample-model.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { DiskFullError, neverCancelled } from "../core/index.js";
import { ModelStorage } from "./storage.js";

/** Writes that succeed before the disk is full; then half of the bytes, then none. */
const disk = vi.hoisted(() => ({ writesLeft: Infinity }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const full = (): Error => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  return {
    ...real,
    writeSync: (file: number, bytes: Uint8Array, from: number) => {
      if (--disk.writesLeft >= 0) return real.writeSync(file, bytes, from);
      if (disk.writesLeft < -1) throw full();
      return real.writeSync(file, bytes, from, Math.ceil((bytes.length - from) / 2));
    },
  };
});

afterEach(() => (disk.writesLeft = Infinity));

const options = { operationId: "op_1", token: neverCancelled };

test("a disk that fills at any write leaves nothing of the model and all of the others", () => {
  let writes = 0;
  for (let published = false; !published; writes++) {
    const storage = new ModelStorage(join(temporaryFolder(), "models"));
    storage.publish(sampleModel(), options);
    disk.writesLeft = writes;
    try {
      storage.publish(sampleModel({}, 1), options);
      published = true;
    } catch (error) {
      expect(error).toBeInstanceOf(DiskFullError);
      expect((error as Error).message).toContain("Free some space");
      expect(readdirSync(join(storage.root, "example")), `full after ${writes} writes`).toEqual(["1d_v1"]);
      expect(storage.load("example").version).toBe(1);
    }
    disk.writesLeft = Infinity;
  }
  expect(writes, "6 files and the manifest, then none fails").toBe(8);
});

function mountTiny(folder: string): boolean {
  mkdirSync(folder);
  if (spawnSync("/bin/mount", ["-t", "tmpfs", "-o", "size=80k", "tmpfs", folder]).status !== 0) return false;
  onTestFinished(() => void execFileSync("/bin/umount", ["-l", folder]));
  return true;
}

test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
  "on a file system that is really full, too, and the next run has the room back",
  ({ skip }) => {
    const folder = join(temporaryFolder(), "tiny");
    if (!mountTiny(folder)) skip("mount is not allowed here");
    const storage = new ModelStorage(join(folder, "models"));
    storage.publish(sampleModel(), options);
    writeFileSync(join(folder, "ballast"), Buffer.alloc(16_384));
    const big = sampleModel({ strategy: { text: "x".repeat(60_000) } });
    expect(() => storage.publish(big, options)).toThrow(DiskFullError);
    expect(readdirSync(join(storage.root, "example"))).toEqual(["1d_v1"]);
    expect(storage.publish(sampleModel(), options).version).toBe(2);
    expect(existsSync(join(storage.root, "example", "1d_v2", "manifest.json"))).toBe(true);
  },
);
