import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import Database from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { OperationNotFoundError, OperationsFileError } from "./errors.js";
import type { OperationEnd } from "./record.js";
import { OperationStore } from "./store.js";

function newFile(): string {
  return join(temporaryFolder(), "work", "operations.db");
}

function open(file: string): OperationStore {
  const store = new OperationStore(file);
  onTestFinished(() => store.close());
  return store;
}

const ends: OperationEnd[] = [
  { status: "completed", summary: { model_name: "example/1d_v1" } },
  { status: "failed", error: { code: "DISK_FULL", message: "No space." } },
  { status: "cancelled" },
];
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test("an operation goes from pending to running to its end, with a time for each", () => {
  const store = open(newFile());
  const id = store.create("training", { strategy_name: "example" });
  expect(id).toMatch(/^op_training_\d{8}_\d{6}_[0-9a-f]{8}$/);
  const created = store.get(id);
  expect(created).toEqual({
    operation_id: id,
    operation_type: "training",
    status: "pending",
    created_at: expect.stringMatching(iso) as string,
    started_at: null,
    completed_at: null,
    cancel_requested_at: null,
    error_message: null,
    metadata: { strategy_name: "example" },
    error: null,
    result_summary: null,
    pid: process.pid,
    address: null,
  });
  expect(id.slice(12, 27), "the id's time is the time of creation").toBe(
    created.created_at.slice(0, 19).replace("T", "_").replaceAll(/[-:]/g, ""),
  );
  expect(store.start(id)).toBe(true);
  expect(store.get(id)).toMatchObject({
    status: "running",
    started_at: expect.stringMatching(iso) as string,
  });
  expect(store.requestCancel(id)).toBe(true);
  const { cancel_requested_at } = store.get(id);
  expect(cancel_requested_at).toMatch(iso);
  expect(store.requestCancel(id), "the first request counts").toBe(false);
  expect(store.finish(id, ends[1])).toBe(true);
  expect(store.get(id)).toMatchObject({
    status: "failed",
    cancel_requested_at,
    completed_at: expect.stringMatching(iso) as string,
    error_message: "No space.",
    error: { code: "DISK_FULL", message: "No space." },
  });
});

describe.each(ends)("$status", (end) => {
  test("is final: nothing changes it", () => {
    const file = newFile();
    const store = open(file);
    const id = store.create("training", {});
    store.start(id);
    expect(store.finish(id, end)).toBe(true);
    const before = store.get(id);
    for (const other of ends) expect(store.finish(id, other)).toBe(false);
    expect(store.start(id)).toBe(false);
    expect(store.requestCancel(id)).toBe(false);
    expect(store.get(id)).toEqual(before);
  });

  test("cannot be changed by SQL either", () => {
    const file = newFile();
    const store = open(file);
    const id = store.create("training", {});
    store.start(id);
    store.finish(id, end);
    const database = new Database(file);
    onTestFinished(() => void database.close());
    for (const change of [
      "status = 'running'",
      "status = 'failed'",
      "error_message = 'x'",
      "cancel_requested_at = 'x'",
    ]) {
      expect(() => database.exec(`UPDATE operations SET ${change}`), change).toThrow(
        /a final state never changes/,
      );
    }
  });
});

test("states do not go back, and nothing completes that has not started", () => {
  const file = newFile();
  const store = open(file);
  const id = store.create("training", {});
  expect(store.finish(id, { status: "completed" })).toBe(false);
  const database = new Database(file);
  onTestFinished(() => void database.close());
  expect(() => database.exec("UPDATE operations SET status = 'completed'")).toThrow(/only move forward/);
  store.start(id);
  expect(store.start(id)).toBe(false);
  expect(() => database.exec("UPDATE operations SET status = 'pending'")).toThrow(/only move forward/);
  expect(() => database.exec("UPDATE operations SET status = 'paused'")).toThrow(/CHECK/);
  expect(store.get(id).status).toBe("running");
});

test("lists are newest first, by state and up to a limit; another connection sees the same", () => {
  const file = newFile();
  const store = open(file);
  const ids = Array.from({ length: 5 }, (_, i) => store.create("training", { i }));
  store.start(ids[1]);
  const listed = open(file).list();
  expect(listed.map((record) => record.operation_id)).toEqual(ids.toReversed());
  expect(Object.keys(listed[0])).toEqual([
    "operation_id",
    "operation_type",
    "status",
    "created_at",
    "started_at",
    "completed_at",
    "cancel_requested_at",
    "error_message",
    "metadata",
    "error",
  ]);
  expect(store.list({ limit: 2 }).map((record) => record.metadata)).toEqual([{ i: 4 }, { i: 3 }]);
  expect(store.list({ status: "running" }).map((record) => record.operation_id)).toEqual([ids[1]]);
  expect(store.list({ status: "failed" })).toEqual([]);
});

test("an id may be shortened as long as it is the only one; an unknown one names the nearest or the last", () => {
  const store = open(newFile());
  expect(() => store.get("op_training")).toThrow(/none is recorded here/);
  const [first, second] = [store.create("training", {}), store.create("training", {})];
  let shared = 0;
  while (first[shared] === second[shared]) shared++;
  expect(store.get(first.slice(0, shared + 1)).operation_id).toBe(first);
  expect(() => store.get("op_training")).toThrow(
    `Several operations begin with "op_training": ${second}, ${first}.`,
  );
  expect(() => store.get(`${first.slice(0, -1)}x`)).toThrow(`The nearest is ${first}.`);
  expect(() => store.get("something else")).toThrow(`The last were ${second}, ${first}.`);
  for (const id of ["", "%", "op_training_%"]) expect(() => store.get(id)).toThrow(OperationNotFoundError);
});

describe("a file that cannot be used has one clear error:", () => {
  test.each<[string, (file: string) => void, RegExp]>([
    [
      "text",
      (file) => writeFileSync(file, "This is no database.\n".repeat(100)),
      /is damaged or no database/,
    ],
    ["a folder", (file) => mkdirSync(file), /cannot be opened or made/],
    ["a database of another program", (file) => withTable(file), /is a database of another program/],
    [
      "an empty database that another program claims",
      (file) => sql(file, "PRAGMA application_id = 1"),
      /of another program/,
    ],
    [
      "a newer version",
      (file) => (new OperationStore(file).close(), sql(file, "PRAGMA user_version = 2")),
      /has version 2; this ktrdr knows 1/,
    ],
  ])("%s", (_, make, message) => {
    const file = join(temporaryFolder(), "operations.db");
    make(file);
    expect(() => new OperationStore(file)).toThrow(OperationsFileError);
    expect(() => new OperationStore(file)).toThrow(message);
  });

  test("a file in the place of its folder", () => {
    const folder = join(temporaryFolder(), "work");
    writeFileSync(folder, "");
    expect(() => new OperationStore(join(folder, "operations.db"))).toThrow(/cannot be opened or made/);
  });

  test("pages overwritten in the middle", () => {
    const file = newFile();
    const store = new OperationStore(file);
    for (let i = 0; i < 100; i++) store.create("training", { text: "x".repeat(500) });
    store.close();
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    const bytes = readFileSync(file);
    bytes.fill(0xaa, 4096);
    writeFileSync(file, bytes);
    expect(() => new OperationStore(file).list()).toThrow(/is damaged or no database/);
  });

  test("cut off", () => {
    const file = newFile();
    const store = new OperationStore(file);
    for (let i = 0; i < 100; i++) store.create("training", { text: "x".repeat(500) });
    store.close();
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    truncateSync(file, 5000);
    expect(() => new OperationStore(file).list()).toThrow(/is damaged or no database/);
  });

  // Root may write anywhere, so the attempt is made as nobody.
  test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
    "a folder that may not be written",
    () => {
      const folder = temporaryFolder();
      const libsql = createRequire(import.meta.url).resolve("libsql");
      const attempt = `
      const Database = require(${JSON.stringify(libsql)});
      process.setuid(65534);
      try { new Database(${JSON.stringify(join(folder, "operations.db"))}).exec("PRAGMA busy_timeout = 1"); }
      catch (error) { console.log(error.message); }`;
      const message = execFileSync(process.execPath, ["-e", attempt], { encoding: "utf8" });
      expect(message, "what the store turns into its own error").toMatch(/^ConnectionFailed/);
    },
  );
});

test("an empty file is taken as a new one", () => {
  const file = join(temporaryFolder(), "operations.db");
  writeFileSync(file, "");
  expect(open(file).list()).toEqual([]);
});

test("closing keeps the records", () => {
  const file = newFile();
  const store = new OperationStore(file);
  const id = store.create("training", {});
  store.close();
  expect(existsSync(file)).toBe(true);
  expect(open(file).get(id).status).toBe("pending");
});

function sql(file: string, text: string): void {
  const database = new Database(file);
  database.exec(text);
  database.close();
}

function withTable(file: string): void {
  sql(file, "CREATE TABLE theirs (a)");
}
