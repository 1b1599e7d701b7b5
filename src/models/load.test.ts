import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleModel } from "../../test/sample-model.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { neverCancelled, sha256 } from "../core/index.js";
import { ModelDamagedError } from "./errors.js";
import { ModelStorage } from "./storage.js";

function publish(): { storage: ModelStorage; path: string } {
  const storage = new ModelStorage(join(temporaryFolder(), "models"));
  const { path } = storage.publish(sampleModel(), { operationId: "op_1", token: neverCancelled });
  return { storage, path };
}

interface ManifestJson {
  files: Record<string, unknown>;
  summary?: unknown;
}

/** Changes a file and makes the manifest agree with it again, as somebody might who edits a model. */
function forge(path: string, file: string, change: (text: string) => string): void {
  const bytes = Buffer.from(change(readFileSync(join(path, file), "latin1")), "latin1");
  writeFileSync(join(path, file), bytes);
  editManifest(path, (manifest) => (manifest.files[file] = { sha256: sha256(bytes), bytes: bytes.length }));
}

function editManifest(path: string, change: (manifest: ManifestJson) => void): void {
  const file = join(path, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as ManifestJson;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

const weights = "weights.safetensors";
const replace = (from: string, to: string) => (text: string) => text.replace(from, to);

describe("a model is refused with one clear error:", () => {
  test.each<[string, (path: string) => void, RegExp]>([
    ["no manifest", (path) => rmSync(join(path, "manifest.json")), /manifest\.json is missing/],
    ["an empty manifest", (path) => truncateSync(join(path, "manifest.json")), /manifest\.json is not JSON/],
    [
      "a manifest of another kind",
      (path) => writeFileSync(join(path, "manifest.json"), "[]"),
      /not a list of files/,
    ],
    [
      "a manifest with a negative size",
      (path) => editManifest(path, (m) => (m.files["x"] = { sha256: "0".repeat(64), bytes: -1 })),
      /not a list of files/,
    ],
    [
      "a giant manifest",
      (path) => writeFileSync(join(path, "manifest.json"), " ".repeat(1_000_001)),
      /1000001 bytes, too many/,
    ],
    [
      "a manifest that is a folder",
      (path) => (rmSync(join(path, "manifest.json")), mkdirSync(join(path, "manifest.json"))),
      /manifest\.json is not a regular file/,
    ],
    [
      "a manifest that forgets a file",
      (path) => editManifest(path, (m) => delete m.files["features.json"]),
      /does not list features\.json/,
    ],
    [
      "a manifest that names a file elsewhere",
      (path) => editManifest(path, (m) => (m.files["../../x"] = { sha256: "0".repeat(64), bytes: 0 })),
      /\.\.\/\.\.\/x is missing/,
    ],
    [
      "figures in the manifest that are not the model's",
      (path) =>
        editManifest(path, (m) => (m.summary = { created_at: "", val_accuracy: 1, test_accuracy: 1 })),
      /figures in manifest\.json are not those/,
    ],
    ["a missing file", (path) => rmSync(join(path, weights)), /weights\.safetensors is missing/],
    [
      "a file too many",
      (path) => writeFileSync(join(path, "model.pkl"), ""),
      /model\.pkl is not in manifest\.json/,
    ],
    ["a folder inside", (path) => mkdirSync(join(path, "code")), /code is not a regular file/],
    [
      "a longer file",
      (path) => appendFileSync(join(path, weights), "x"),
      /has \d+ bytes, manifest\.json says \d+/,
    ],
    ["a cut file", (path) => truncateSync(join(path, weights), 100), /has 100 bytes, manifest\.json says/],
    [
      "a cut header",
      (path) => forge(path, weights, (text) => text.slice(0, 30)),
      /claims a header of \d+ bytes in a file of 30/,
    ],
    [
      "a giant header",
      (path) => forge(path, weights, (text) => `\xff\xff\xff\xff\xff\xff\xff\x7f${text.slice(8)}`),
      /claims a header of 9223372036854775807 bytes/,
    ],
    [
      "one changed letter",
      (path) =>
        writeFileSync(
          join(path, "strategy.json"),
          readFileSync(join(path, "strategy.json"), "utf8").replace("14", "15"),
        ),
      /strategy\.json was changed/,
    ],
    [
      "a link in place of a file",
      (path) => (
        renameSync(join(path, "metrics.json"), join(path, "../m.json")),
        symlinkSync("../m.json", join(path, "metrics.json"))
      ),
      /metrics\.json is not a regular file/,
    ],
    [
      "weights of another network",
      (path) => forge(path, "metadata.json", replace("4,", "5,")),
      /its layers are 2-4-3, metadata\.json says 2-5-3/,
    ],
    [
      "a feature too few",
      (path) => forge(path, "features.json", () => '{"feature_names": ["a"]}'),
      /2 inputs, features\.json 1 names/,
    ],
    [
      "a feature twice",
      (path) => forge(path, "features.json", () => '{"feature_names": ["a", "a"]}'),
      /names "a" twice/,
    ],
    [
      "features that are no names",
      (path) => forge(path, "features.json", () => '{"feature_names": [1, 2]}'),
      /features\.json feature_names 0: /,
    ],
    ["JSON that is no object", (path) => forge(path, "strategy.json", () => "null"), /strategy\.json: /],
    ["a file that is no JSON", (path) => forge(path, "metrics.json", () => "{"), /metrics\.json is not JSON/],
    [
      "a weight that is NaN",
      (path) => forge(path, weights, (text) => `${text.slice(0, -4)}\0\0\xc0\x7f`),
      /layers\.1\.bias\[2\] = NaN/,
    ],
  ])("%s", (_, damage, message) => {
    const { storage, path } = publish();
    damage(path);
    expect(() => storage.load("example/1d_v1")).toThrow(ModelDamagedError);
    expect(() => storage.load("example/1d_v1")).toThrow(message);
    expect(
      () => storage.load("example"),
      "the newest version, though damaged, rather than silently another",
    ).toThrow(message);
    expect(storage.remove("example/1d_v1")).toBe("example/1d_v1");
  });

  test("any changed byte of any file", () => {
    const { storage, path } = publish();
    const names = ["weights.safetensors", "strategy.json", "features.json", "metrics.json", "metadata.json"];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (name, at, difference) => {
          const file = join(path, name);
          const whole = readFileSync(file);
          const changed = Buffer.from(whole);
          changed[at % whole.length] ^= difference;
          writeFileSync(file, changed);
          expect(() => storage.load("example")).toThrow(/was changed: its SHA-256/);
          writeFileSync(file, whole);
        },
      ),
      { numRuns: 50 },
    );
    expect(storage.load("example").version).toBe(1);
  });
});

test("files of file managers and file systems, whose names begin with a dot, do no harm", () => {
  const { storage, path } = publish();
  writeFileSync(join(path, ".DS_Store"), "");
  expect(storage.load("example").name).toBe("example/1d_v1");
});

test("a model copied to another machine loads there", () => {
  const { storage, path } = publish();
  const elsewhere = new ModelStorage(join(temporaryFolder(), "models"));
  mkdirSync(join(elsewhere.root, "renamed"), { recursive: true });
  renameSync(path, join(elsewhere.root, "renamed", "1d_v7"));
  expect(elsewhere.load("renamed")).toMatchObject({ name: "renamed/1d_v7", version: 7 });
  expect(storage.list()).toEqual([]);
});
