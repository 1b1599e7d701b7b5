import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { BarStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { builtCommand, checkBuilt } from "./built.js";

checkBuilt();
const file = join(builtCommand, "..", "..", "service", "task-threads.js");
const { TaskThreads } = (await import(
  pathToFileURL(file).href
)) as typeof import("../src/service/task-threads.js");
const dataFolder = mkdtempSync(join(tmpdir(), "ktrdr-tasks-"));
const range = { startDate: null, endDate: null };
const rows = { limit: 1_000_000, skip: 0 };

beforeAll(async () => {
  const store = new BarStore(dataFolder);
  await store.save(makeBars());
  await store.save(makeBars({ symbol: "LONG", timeframe: "1m", count: 400_000, volatility: 0.001 }));
});
afterAll(() => rmSync(dataFolder, { recursive: true, force: true }));

function startThreads(most: number): InstanceType<typeof TaskThreads> {
  const threads = new TaskThreads(most);
  onTestFinished(() => threads.close());
  return threads;
}

const long = (threads: InstanceType<typeof TaskThreads>, signal: AbortSignal): Promise<Uint8Array> =>
  threads.reply("showData", { dataFolder, symbol: "LONG", timeframe: "1m", ...range, ...rows }, signal);
const list = (threads: InstanceType<typeof TaskThreads>): Promise<Uint8Array> =>
  threads.reply("listData", { dataFolder }, new AbortController().signal);

test("a long table is whole, and what a task refuses is told with its code", async () => {
  const threads = startThreads(1);
  const { signal } = new AbortController();
  const reply = JSON.parse(Buffer.from(await long(threads, signal)).toString("utf8"));
  expect([reply.success, reply.sample, reply.notices, reply.data.length]).toEqual([true, false, [], 400_000]);
  const input = { dataFolder, symbol: "LONG", timeframe: "1m", ...range, limit: 3, skip: 5 };
  const part = JSON.parse(Buffer.from(await threads.reply("showData", input, signal)).toString("utf8"));
  expect(part.data).toEqual(reply.data.slice(-8, -5));
  await expect(threads.reply("showData", { ...input, symbol: "NONE" }, signal)).rejects.toMatchObject({
    code: "NO_BARS",
    details: { symbol: "NONE" },
  });
});

test("what nobody waits for any more is stopped where it runs, and dropped where it waits", async () => {
  const threads = startThreads(1);
  const [runs, waits] = [new AbortController(), new AbortController()];
  const ends = [long(threads, runs.signal), long(threads, waits.signal)];
  const next = list(threads);
  waits.abort();
  await expect(ends[1]).rejects.toMatchObject({ code: "CANCELLED" });
  runs.abort();
  await expect(ends[0]).rejects.toMatchObject({ code: "CANCELLED" });
  expect(JSON.parse(Buffer.from(await next).toString("utf8")).data).toHaveLength(2);
});

test("as many run at once as were asked for, and those that came first begin first", async () => {
  const threads = startThreads(2);
  const { signal } = new AbortController();
  const ended: number[] = [];
  await Promise.all([
    ...[0, 1].map((k) => long(threads, signal).then(() => ended.push(k))),
    ...[2, 3, 4].map((k) => list(threads).then(() => ended.push(k))),
  ]);
  expect(new Set(ended)).toEqual(new Set([0, 1, 2, 3, 4]));
  expect(ended[0], "those that came later waited").toBeLessThan(2);
});

test("closing stops what runs and drops what waits", async () => {
  const threads = new TaskThreads(1);
  const { signal } = new AbortController();
  const ends = Promise.allSettled([long(threads, signal), list(threads)]);
  await threads.close();
  for (const end of await ends) {
    expect(end).toMatchObject({ status: "rejected", reason: { code: "CANCELLED" } });
  }
  await expect(list(threads)).rejects.toMatchObject({ code: "CANCELLED" });
});
