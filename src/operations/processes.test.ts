import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Child, startChild, startCommand } from "../../test/child.js";
import { inLanes } from "../../test/lanes.js";
import { rounds } from "../../test/rounds.js";
import { deferred } from "../../test/deferred.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { createRandom, type TrainingProgress } from "../core/index.js";
import { cancelOperation, watchOperation } from "./client.js";
import { OperationStore } from "./store.js";

function newFile(): string {
  return join(temporaryFolder(), ".ktrdr", "operations.db");
}

function open(file: string): OperationStore {
  const store = new OperationStore(file);
  onTestFinished(() => store.close());
  return store;
}

async function startRun(file: string, what = "run"): Promise<{ child: Child; id: string }> {
  const child = startChild("operate", [file, what]);
  return { child, id: await child.nextLine() };
}

test("processes that make the file and record operations at once lose none", async () => {
  const file = newFile();
  const children = Array.from({ length: 6 }, () => startChild("operate", [file, "create", "50"]));
  for (const child of children) await child.nextLine();
  for (const child of children) child.process.stdin?.end("go\n");
  for (const child of children) expect(await child.ended, child.errors()).toBe(0);
  const ids = children.flatMap((child) => child.lines.slice(1));
  expect(ids).toHaveLength(300);
  const records = open(file).list();
  expect(records.map((record) => record.operation_id).sort()).toEqual(ids.sort());
  expect(new Set(records.map((record) => record.status))).toEqual(new Set(["completed"]));
});

test("a run in another process is watched and cancelled from here", async () => {
  const file = newFile();
  const { child, id } = await startRun(file);
  const store = open(file);
  const events: TrainingProgress[] = [];
  const seen = deferred();
  const watching = watchOperation(store, id, (event) => {
    events.push(event);
    if (events.length === 20) seen.resolve();
  });
  await seen.promise;
  const { record, latencyMs } = await cancelOperation(store, id);
  expect(record.status).toBe("cancelled");
  expect(latencyMs, "a wide bound: machines that run tests are busy").toBeLessThan(2000);
  expect((await watching).status).toBe("cancelled");
  expect(await child.ended).toBe(0);
  expect(child.lines.at(-1)).toBe("CancelledError: Cancelled on request.");
  const epochs = events.flatMap((event) => (event.type === "epoch" ? [event.epoch] : []));
  expect(epochs, "none missing, none twice").toEqual(epochs.map((_, i) => epochs[0] + i));
});

test("a killed run is recorded as interrupted by whoever looks next, and its socket removed", async () => {
  const file = newFile();
  const store = open(file);
  const random = createRandom(3, "kills");
  await inLanes(2, rounds(100, 3), async (kills) => {
    for (const _ of kills) {
      const { child, id } = await startRun(file);
      const { address } = store.get(id);
      await wait(random.uniform() * 20);
      child.process.kill("SIGKILL");
      await child.ended;
      const record = store.list().find((one) => one.operation_id === id);
      expect(record?.status).toBe("failed");
      expect(record?.error?.code).toBe("INTERRUPTED");
      expect(record?.error_message).toMatch(/interrupted/);
      expect(existsSync(dirname(address as string))).toBe(false);
      await expect(cancelOperation(store, id)).rejects.toThrow(/is over: failed/);
    }
  });
}, 600_000);

test("who watches or waits for a cancel is told when the process is killed", async () => {
  const file = newFile();
  const { child, id } = await startRun(file, "stubborn");
  const store = open(file);
  const seen = deferred();
  const watching = watchOperation(store, id, () => seen.resolve());
  const cancelling = cancelOperation(store, id);
  await seen.promise;
  child.process.kill("SIGKILL");
  expect((await watching).error?.code).toBe("INTERRUPTED");
  expect((await cancelling).record).toMatchObject({ status: "failed", error: { code: "INTERRUPTED" } });
});

describe("ktrdr operations", () => {
  test("lists, watches and cancels a run of another shell", async () => {
    const home = temporaryFolder();
    const env = { KTRDR_HOME: home };
    const { child, id } = await startRun(join(home, ".ktrdr", "operations.db"));
    const watcher = startCommand(["operations", "watch", id], env);
    const list = startCommand(["operations", "list", "--status", "running", "--json"], env);
    expect(await list.ended).toBe(0);
    const records = JSON.parse(list.lines.join("\n")) as { operation_id: string; status: string }[];
    expect(records).toMatchObject([{ operation_id: id, status: "running" }]);
    const cancel = startCommand(["operations", "cancel", id], env);
    expect(await cancel.ended, cancel.errors()).toBe(0);
    expect(cancel.lines.join()).toMatch(
      new RegExp(`^Operation ${id} cancelled \\(\\d+\\.\\d ms after the request\\)\\.$`),
    );
    expect(await watcher.ended, watcher.errors()).toBe(0);
    expect(watcher.errors()).toMatch(
      /^training\nepoch \d+\/1000 loss 1\.0000 val_loss 1\.0000 val_accuracy 0\.500\n/,
    );
    expect(watcher.lines.join("\n")).toMatch(/status +cancelled/);
    expect(await child.ended).toBe(0);
    const again = startCommand(["operations", "cancel", id, "--json"], env);
    expect(await again.ended).toBe(1);
    expect(JSON.parse(again.lines.join("\n"))).toMatchObject({ error: { code: "OPERATION_FINISHED" } });
  });

  test("makes no file where nothing is recorded", async () => {
    const home = temporaryFolder();
    const env = { KTRDR_HOME: home };
    const list = startCommand(["operations", "list", "--json"], env);
    const show = startCommand(["operations", "show", "op_x"], env);
    expect(await list.ended).toBe(0);
    expect(list.lines).toEqual(["[]"]);
    expect(await show.ended).toBe(1);
    expect(show.errors()).toMatch(/^error: No operation "op_x": none is recorded here/);
    expect(existsSync(join(home, ".ktrdr"))).toBe(false);
  });

  test.each([
    [["list", "--status", "done"], /"done" is no state\. Allowed: pending, running/],
    [["list", "--limit", "0"], /"0" is no count/],
    [["cancel"], /missing required argument 'id'/],
  ])("%j is wrong usage", async (args, message) => {
    const command = startCommand(["operations", ...args]);
    expect(await command.ended).toBe(2);
    expect(command.errors()).toMatch(message);
  });
});
