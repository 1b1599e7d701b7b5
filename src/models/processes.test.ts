import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { startChild } from "../../test/child.js";
import { inLanes } from "../../test/lanes.js";
import { rounds } from "../../test/rounds.js";
import { sampleModel } from "../../test/sample-model.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { createRandom, neverCancelled } from "../core/index.js";
import { ModelNotFoundError } from "./errors.js";
import { ModelStorage } from "./storage.js";

test("processes that publish at once never share a version, also while models are deleted", async () => {
  const storage = new ModelStorage(join(temporaryFolder(), "models"));
  const perProcess = 25;
  const children = ["a", "b", "c", "d"].map((name) =>
    startChild("publish", [storage.root, String(perProcess), name]),
  );
  for (const child of children) expect(await child.nextLine()).toBe("ready");
  for (const child of children) child.process.stdin?.end("go\n");
  let running = children.length;
  for (const child of children) void child.ended.then(() => running--);
  const deleted: string[] = [];
  while (running > 0) {
    try {
      deleted.push(storage.remove("example"));
    } catch (error) {
      expect(error, "nothing is there at this moment").toBeInstanceOf(ModelNotFoundError);
    }
    await wait(1);
  }
  for (const child of children) expect(await child.ended, child.errors()).toBe(0);
  const names = children.flatMap((child) => child.lines.slice(1));
  expect(names).toHaveLength(children.length * perProcess);
  expect(new Set(names).size, "each version number was given once").toBe(names.length);
  const left = storage.list((error) => expect.fail(error.message)).map(({ name }) => name);
  expect([...left, ...deleted].sort(), "published = still there + deleted").toEqual(names.sort());
  for (const name of left) storage.load(name);
});

test("a kill at any moment leaves only whole models, and the next run takes the next free version", async () => {
  const random = createRandom(7, "kills");
  let leftovers = 0;
  await inLanes(2, rounds(100), async (kills) => {
    const storage = new ModelStorage(join(temporaryFolder(), "models"));
    const folder = join(storage.root, "example");
    for (const round of kills) {
      rmSync(storage.root, { recursive: true, force: true });
      const child = startChild("publish", [storage.root, "100000", `round${round}`]);
      await child.nextLine();
      child.process.stdin?.write("go\n");
      await child.nextLine();
      await wait(random.uniform() * 15);
      child.process.kill("SIGKILL");
      await child.ended;
      leftovers += readdirSync(folder).filter((name) => name.startsWith(".")).length;
      const entries = storage.list((error) => expect.fail(`round ${round}: ${error.message}`));
      for (const { name } of entries) storage.load(name);
      const newest = Math.max(...entries.map(({ version }) => version));
      expect(newest, "no gap in the numbers").toBe(entries.length);
      expect(newest, "what the run reported is there").toBeGreaterThanOrEqual(child.lines.length - 1);
      const next = storage.publish(sampleModel(), { operationId: "next", token: neverCancelled });
      expect(next.version, `round ${round}`).toBe(newest + 1);
      expect(
        readdirSync(folder).filter((name) => name.startsWith(".")),
        "left by the killed run",
      ).toEqual([]);
    }
  });
  expect(leftovers, "nine kills in ten hit a model that is being written").toBeGreaterThan(0);
}, 600_000);

test("two processes that delete the same model: one does, the other is told that there is none", () => {
  const storage = new ModelStorage(join(temporaryFolder(), "models"));
  const { path } = storage.publish(sampleModel(), { operationId: "op_1", token: neverCancelled });
  // As if the other process had been between our look and our rename.
  const late = new ModelStorage(storage.root);
  late.resolve = () => "example/1d_v1";
  rmSync(path, { recursive: true });
  expect(() => late.remove("example")).toThrow(ModelNotFoundError);
  expect(() => late.load("example")).toThrow(ModelNotFoundError);
});

test("200 models are listed from their manifests alone", () => {
  const storage = new ModelStorage(join(temporaryFolder(), "models"));
  const { path } = storage.publish(sampleModel(), { operationId: "op_1", token: neverCancelled });
  const manifest = readFileSync(join(path, "manifest.json"));
  for (let version = 2; version <= 200; version++) {
    const folder = join(storage.root, "example", `1d_v${version}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "manifest.json"), manifest); // no other file: reading one would be an error
  }
  const entries = storage.list((error) => expect.fail(error.message));
  expect(entries).toHaveLength(200);
  expect(entries[0].name, "made at the same time: the highest number first").toBe("example/1d_v200");
});
