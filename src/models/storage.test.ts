import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleModel } from "../../test/sample-model.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { CancelledError, neverCancelled, processIdentity, sha256 } from "../core/index.js";
import { ModelNotFoundError, ModelsFolderError, StrategyNameError } from "./errors.js";
import { ModelStorage } from "./storage.js";

const options = { operationId: "op_1", token: neverCancelled };

function newStorage(): ModelStorage {
  return new ModelStorage(join(temporaryFolder(), "models"));
}

describe("publish", () => {
  test("stores what load gives back, under the next version", () => {
    const storage = newStorage();
    const model = sampleModel({ result: { verdict: { significant: false } } });
    const published = storage.publish(model, options);
    expect(published).toEqual({
      name: "example/1d_v1",
      path: join(storage.root, "example", "1d_v1"),
      version: 1,
    });
    const { weights, strategy, features, metrics, metadata, onnx, result, ...names } =
      storage.load("example/1d_v1");
    expect({ weights, strategy, features, metrics, result }).toEqual({
      weights: model.weights,
      strategy: model.strategy,
      features: model.features,
      metrics: model.metrics,
      result: model.result,
    });
    expect(Uint8Array.from(onnx)).toEqual(model.onnx);
    expect(metadata).toEqual({ ...model.metadata, layer_sizes: [2, 4, 3] });
    const { name, path, version } = published;
    expect(names).toEqual({ name, path, version, strategyName: "example", timeframe: "1d" });
    expect(storage.publish(model, options).name).toBe("example/1d_v2");
    expect(storage.publish(sampleModel({ timeframe: "1h" }), options).name).toBe("example/1h_v1");
  });

  test("lists every file with its hash and size in the manifest, and leaves nothing else", () => {
    const { path } = newStorage().publish(sampleModel(), options);
    const manifest = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")) as { files: object };
    const names = readdirSync(path).filter((name) => name !== "manifest.json");
    expect(names).toEqual([
      "features.json",
      "metadata.json",
      "metrics.json",
      "model.onnx",
      "strategy.json",
      "weights.safetensors",
    ]);
    expect(manifest.files).toEqual(
      Object.fromEntries(
        names.map((name) => {
          const bytes = readFileSync(join(path, name));
          return [name, { sha256: sha256(bytes), bytes: bytes.length }];
        }),
      ),
    );
    expect(readdirSync(join(path, ".."))).toEqual(["1d_v1"]);
  });

  test("gives equal weights equal bytes", () => {
    const storage = newStorage();
    const [a, b] = [storage.publish(sampleModel(), options), storage.publish(sampleModel(), options)];
    expect(readFileSync(join(a.path, "weights.safetensors"))).toEqual(
      readFileSync(join(b.path, "weights.safetensors")),
    );
  });

  test("writes numbers that are not finite as null", () => {
    const metrics = { training_metrics: { best_val_accuracy: NaN }, test_metrics: { f1_score: Infinity } };
    const storage = newStorage();
    storage.publish(sampleModel({ metrics }), options);
    expect(storage.load("example").metrics).toEqual({
      training_metrics: { best_val_accuracy: null },
      test_metrics: { f1_score: null },
    });
    expect(storage.list()[0]).toMatchObject({ val_accuracy: null, test_accuracy: null });
  });

  test("leaves nothing when cancelled, whenever that is before the rename", () => {
    let looks = 0;
    for (let published = false; !published; looks++) {
      const storage = newStorage();
      let left = looks;
      const token = {
        get isCancelled() {
          return left-- === 0;
        },
      };
      try {
        storage.publish(sampleModel(), { operationId: "op_1", token });
        published = true;
        expect(storage.list()).toHaveLength(1);
      } catch (error) {
        expect(error).toBeInstanceOf(CancelledError);
        expect(existsSync(storage.root) ? readdirSync(storage.root) : [], `look ${looks}`).toEqual([]);
      }
    }
    expect(looks, "at the start, before each of 7 files, before the rename, and once not at all").toBe(10);
  });

  test.each([
    "",
    ".",
    "..",
    ".hidden",
    "a/b",
    "../a",
    "a\\b",
    "a b",
    "ä",
    "dot.",
    "x".repeat(101),
    "a\0b",
    "a\n",
  ])("refuses the strategy name %j", (strategyName) => {
    const storage = newStorage();
    expect(() => storage.publish(sampleModel({ strategyName }), options)).toThrow(StrategyNameError);
    expect(existsSync(storage.root)).toBe(false);
  });

  test.each(["example", "Mean_Reversion-2.1", "_", "x".repeat(100), "7"])(
    "takes the strategy name %j",
    (strategyName) => {
      expect(newStorage().publish(sampleModel({ strategyName }), options).version).toBe(1);
    },
  );

  test("names a file that stands where a folder is needed", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "models"), "");
    const storage = new ModelStorage(join(folder, "models"));
    expect(() => storage.publish(sampleModel(), options)).toThrow(ModelsFolderError);
    expect(() => storage.list()).toThrow(/a file where a folder is needed/);
  });

  test("takes the next number where something else has the name of a version", () => {
    const storage = newStorage();
    mkdirSync(join(storage.root, "example", "1d_v3"), { recursive: true });
    writeFileSync(join(storage.root, "example", "1d_v7"), "a file");
    expect(storage.publish(sampleModel(), options).name).toBe("example/1d_v8");
  });
});

describe("what killed runs left", () => {
  const [pid, start, place, boot] = processIdentity().split("-");
  const dead = [pid, `${start}0`, place, boot].join("-"); // our pid, used again by us: another start
  const foreign = [pid, start, "00000000", boot].join("-");

  test.runIf(process.platform === "linux")(
    "is removed, in every strategy; what living processes write stays",
    () => {
      const storage = newStorage();
      const leave = (strategy: string, name: string): string => {
        const folder = join(storage.root, strategy, name);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "strategy.json"), "{}");
        return folder;
      };
      const gone = [leave("example", `.tmp-op_1.${dead}`), leave("other", `.tmp-op.with.dots.${dead}`)];
      const stay = [
        leave("example", `.tmp-op_2.${processIdentity()}`),
        leave("third", `.tmp-op_3.${foreign}`),
        leave("third", ".tmp-unknown"),
      ];
      const old = leave("third", `.tmp-op_4.${foreign}`);
      const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
      utimesSync(old, twoDaysAgo, twoDaysAgo);
      storage.publish(sampleModel(), options);
      for (const path of [...gone, old]) expect(existsSync(path), path).toBe(false);
      for (const path of stay) expect(existsSync(path), path).toBe(true);
      expect(existsSync(join(storage.root, "other")), "a folder that held nothing else").toBe(false);
      expect(storage.list().map(({ name }) => name)).toEqual(["example/1d_v1"]);
    },
  );
});

describe("list", () => {
  test("gives the fields of the contract, newest first", () => {
    const storage = newStorage();
    const at = (created_at: string) => sampleModel({ metadata: { created_at } });
    storage.publish(at("2024-01-01T00:00:00.000Z"), options);
    storage.publish(at("2024-01-03T00:00:00.000Z"), options);
    storage.publish({ ...at("2024-01-02T00:00:00.000Z"), strategyName: "alpha" }, options);
    const entries = storage.list();
    expect(entries.map(({ name }) => name)).toEqual(["example/1d_v2", "alpha/1d_v1", "example/1d_v1"]);
    const path = join(storage.root, "example", "1d_v2");
    const size_bytes = readdirSync(path)
      .filter((name) => name !== "manifest.json")
      .reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    expect(entries[0]).toEqual({
      name: "example/1d_v2",
      strategy_name: "example",
      timeframe: "1d",
      version: 2,
      created_at: "2024-01-03T00:00:00.000Z",
      val_accuracy: 0.5,
      test_accuracy: 0.25,
      size_bytes,
      path,
    });
  });

  test("is empty where there is no folder, and makes none", () => {
    const storage = newStorage();
    expect(storage.list()).toEqual([]);
    expect(existsSync(storage.root)).toBe(false);
  });

  test("tells of damaged models and lists the others", () => {
    const storage = newStorage();
    storage.publish(sampleModel(), options);
    mkdirSync(join(storage.root, "example", "1d_v2"));
    writeFileSync(join(storage.root, "README.txt"), "not ours");
    mkdirSync(join(storage.root, "example", "notes"));
    const damaged: string[] = [];
    expect(storage.list((error) => damaged.push(error.model)).map(({ name }) => name)).toEqual([
      "example/1d_v1",
    ]);
    expect(damaged).toEqual(["example/1d_v2"]);
  });

  test("reads the figures from the other files where the manifest has none", () => {
    const storage = newStorage();
    const { path } = storage.publish(sampleModel(), options);
    const file = join(path, "manifest.json");
    const { files } = JSON.parse(readFileSync(file, "utf8")) as { files: object };
    const [entry] = storage.list();
    writeFileSync(file, JSON.stringify({ files }));
    expect(storage.list()).toEqual([entry]);
  });
});

describe("remove", () => {
  test("takes the model away and never gives its number again", () => {
    const storage = newStorage();
    for (let i = 0; i < 3; i++) storage.publish(sampleModel(), options);
    expect(storage.remove("example")).toBe("example/1d_v3");
    expect(existsSync(join(storage.root, "example", "1d_v3"))).toBe(false);
    expect(() => storage.load("example/1d_v3")).toThrow(ModelNotFoundError);
    expect(storage.publish(sampleModel(), options).name).toBe("example/1d_v4");
    storage.remove("example/1d_v1");
    expect(new Set(storage.list().map(({ version }) => version))).toEqual(new Set([2, 4]));
    expect(storage.publish(sampleModel({ timeframe: "1h" }), options).name).toBe("example/1h_v1");
  });

  test("also takes away what is damaged, and what a kill left of an earlier removal", () => {
    const storage = newStorage();
    const { path } = storage.publish(sampleModel(), options);
    writeFileSync(join(path, "manifest.json"), "");
    storage.remove("example/1d_v1");
    const rest = join(storage.root, "example", ".deleted-1d_v1", "weights.safetensors");
    writeFileSync(rest, "half removed");
    expect(storage.publish(sampleModel(), options).version).toBe(2);
    expect(existsSync(rest)).toBe(false);
  });
});

describe("a name", () => {
  test("without version means the newest: the highest number, over timeframes the one made last", () => {
    const storage = newStorage();
    const publish = (timeframe: string, created_at: string) =>
      storage.publish(sampleModel({ timeframe, metadata: { created_at } }), options);
    for (let i = 0; i < 10; i++) publish("1d", "2024-01-01T00:00:00.000Z");
    expect(storage.resolve("example"), "10 after 9").toBe("example/1d_v10");
    publish("1h", "2024-01-02T00:00:00.000Z");
    expect(storage.resolve("example")).toBe("example/1h_v1");
  });

  test("that is unknown is answered with the nearest one", () => {
    const storage = newStorage();
    expect(() => storage.load("example")).toThrow(/No model is stored there yet/);
    storage.publish(sampleModel(), options);
    expect(() => storage.load("exmple/1d_v1")).toThrow(/The nearest is "example\/1d_v1"/);
    expect(() => storage.load("exmaple")).toThrow(/The nearest is "example"/);
    expect(() => storage.load("example/1d_v2")).toThrow(ModelNotFoundError);
  });

  test.each([
    "../models/example/1d_v1",
    "example/../example/1d_v1",
    "/etc",
    "example/1d_v1/",
    "example/1d_v01",
    "example/.",
    "",
  ])("%j leads nowhere", (name) => {
    const storage = newStorage();
    storage.publish(sampleModel(), options);
    for (const use of [() => storage.load(name), () => storage.remove(name)])
      expect(use).toThrow(ModelNotFoundError);
    expect(storage.list()).toHaveLength(1);
  });

  test.skipIf(process.platform === "win32")("that is a link is not followed", () => {
    const folder = temporaryFolder();
    const outside = new ModelStorage(join(folder, "outside"));
    outside.publish(sampleModel(), options);
    const storage = new ModelStorage(join(folder, "models"));
    mkdirSync(join(storage.root, "real"), { recursive: true });
    symlinkSync(join(outside.root, "example"), join(storage.root, "example"));
    symlinkSync(join(outside.root, "example", "1d_v1"), join(storage.root, "real", "1d_v1"));
    expect(() => storage.load("example/1d_v1")).toThrow(ModelsFolderError);
    expect(() => storage.publish(sampleModel(), options)).toThrow(/is a link/);
    expect(() => storage.remove("real/1d_v1")).toThrow(ModelNotFoundError);
    expect(storage.list()).toEqual([]);
    expect(outside.list()).toHaveLength(1);
  });
});
