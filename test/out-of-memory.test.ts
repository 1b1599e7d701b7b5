import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ModelStorage, processIdentity } from "../src/index.js";
import { asMemoryError, OutOfMemoryError, usableMemory } from "../src/orchestration/out-of-memory.js";
import { runCommand } from "./command.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

test("a training thread that meets its heap limit fails alone: the process lives, records it and says so", async () => {
  const folder = temporaryFolder();
  // The file's tree takes more than the heap that the thread gets; the thread that asked never reads it.
  const many = Array.from({ length: 120_000 }, (_, i) => `S${i}`).join(", ");
  const training_data = `
  symbols: { mode: multi_symbol, list: [${many}] }
  timeframes: { mode: single, timeframe: 1d }`;
  writeFileSync(join(folder, "big.yaml"), strategyText({ training_data }));
  const small = { NODE_OPTIONS: "--max-old-space-size=32" };
  const run = await runCommand(folder, ["models", "train", "--strategy", "big.yaml", "--json"], small);
  expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: "OUT_OF_MEMORY" } });
  expect(run.status).toBe(1);
  const { stdout } = await runCommand(folder, ["operations", "list", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject([{ status: "failed", error: { code: "OUT_OF_MEMORY" } }]);
});

test("what an ended thread was writing is removed, and nothing else", () => {
  const root = temporaryFolder();
  const kept = ["1d_v1", `.tmp-other.${processIdentity()}`];
  for (const name of [...kept, `.tmp-op_1.${processIdentity()}`])
    mkdirSync(join(root, "journey", name), { recursive: true });
  mkdirSync(join(root, "first", `.tmp-op_1.${processIdentity()}`), { recursive: true });
  new ModelStorage(root).discardUnfinished("op_1");
  expect(readdirSync(root), "a strategy's folder that holds no model is gone").toEqual(["journey"]);
  expect(readdirSync(join(root, "journey")).sort()).toEqual([...kept].sort());
});

test("an array that the system refuses is a lack of memory; other range errors are bugs", () => {
  const refused = new RangeError("Array buffer allocation failed");
  expect(asMemoryError(refused)).toBeInstanceOf(OutOfMemoryError);
  const bug = new RangeError("Invalid array length");
  expect(asMemoryError(bug)).toBe(bug);
  expect(usableMemory()).toBeGreaterThan(2 ** 27);
});
