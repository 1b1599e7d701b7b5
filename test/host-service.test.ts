import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BarStore, createRandom, ModelStorage } from "../src/index.js";
import { makeBars } from "./bars.js";
import { importBuiltService } from "./built.js";
import { startCommand } from "./command.js";
import { follow, send, type StreamEvent } from "./http.js";
import { strategyText } from "./journey-strategies.js";
import { inLanes } from "./lanes.js";
import { rounds } from "./rounds.js";

const { startHostService } = await importBuiltService();
const folder = mkdtempSync(join(tmpdir(), "ktrdr-host-service-"));
const dataFolder = join(folder, "data");
const modelsFolder = join(folder, "models");
const strategy_yaml = strategyText();
let count = 0;

beforeAll(async () => {
  const store = new BarStore(dataFolder);
  await store.save(makeBars());
  await store.save(makeBars({ symbol: "SYN2", seed: 2 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function startHost(more: Partial<Parameters<typeof startHostService>[0]> = {}) {
  const bugs: unknown[] = [];
  const host = await startHostService({
    bind: "127.0.0.1",
    port: 0,
    token: null,
    allowedHosts: [],
    dataFolder,
    modelsFolder,
    sessionsFile: join(folder, `sessions-${++count}.db`),
    maxSessions: 1,
    onBug: (error) => bugs.push(error),
    ...more,
  });
  onTestFinished(async () => {
    await host.close();
    expect(bugs, "bugs that requests ran into").toEqual([]);
  });
  return host;
}

async function startTraining(url: string, more: object = {}): Promise<string> {
  const { status, body, text } = await send(url, "POST", "/training/start", {
    body: { strategy_yaml, ...more },
  });
  expect(status, text).toBe(200);
  return body.session_id as string;
}

async function untilFinal(url: string, id: string): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of follow(url, `/training/stream/${id}`)) events.push(event);
  return events;
}

const statusOf = async (url: string, id: string) => (await send(url, "GET", `/training/status/${id}`)).body;
const endless = { epochs: 1_000_000 };

test("a training over HTTP: start, stream, status, result, and a model that loads", async () => {
  const { url } = await startHost();
  const id = await startTraining(url, { symbols: ["SYN1", "SYN2"], seed: 7, session_id: "my-session" });
  expect(id).toBe("my-session");
  const events = await untilFinal(url, id);
  const numbered = events.flatMap(({ id: number }) => (number === null ? [] : [number]));
  expect(numbered).toEqual(numbered.map((_, index) => index + 1));
  const states = events.filter(({ event }) => event === "status").map(({ data }) => data.status);
  expect(states).toEqual(["initialized", "running", "completed"]);
  expect(events.filter(({ event }) => event === "epoch").map(({ data }) => data.epoch)).toEqual([
    1, 2, 3, 4, 5,
  ]);
  const status = await statusOf(url, id);
  expect(status).toMatchObject({ session_id: id, status: "completed", error: null, queue_position: null });
  expect(status.progress).toMatchObject({ epoch: 5, total_epochs: 5, progress_percent: 100 });
  const { status: code, body: result } = await send(url, "GET", `/training/result/${id}`);
  expect(code).toBe(200);
  expect(result).toMatchObject({ session_id: id, status: "completed", start_time: status.start_time });
  expect(result.session_info).toMatchObject({
    operation_id: id,
    use_host_service: true,
    symbols: ["SYN1", "SYN2"],
  });
  expect(status.artifacts).toEqual({ model_name: result.model_name, model_path: result.model_path });
  const model = new ModelStorage(modelsFolder).load(result.model_name as string);
  expect([model.path, model.metadata["seed"]]).toEqual([result.model_path, 7]);
  const { best, current } = status.metrics;
  expect(current.epoch).toBe(5);
  expect(best).toMatchObject({
    epoch: result.training_metrics.best_epoch,
    val_loss: result.training_metrics.best_val_loss,
  });
});

test("others wait in order, a stop takes effect at once, and the queue moves on", async () => {
  const { url } = await startHost();
  const ids = [];
  for (let k = 0; k < 4; k++) ids.push(await startTraining(url, k === 3 ? {} : endless));
  const places = await Promise.all(ids.map((id) => statusOf(url, id)));
  expect(places.map(({ status, queue_position }) => [status, queue_position])).toEqual([
    ["running", null],
    ["initialized", 1],
    ["initialized", 2],
    ["initialized", 3],
  ]);
  const waiting = await send(url, "POST", "/training/stop", { body: { session_id: ids[1] } });
  expect(waiting.body).toMatchObject({
    status: "stopped",
    session_status: "cancelled",
    checkpoint_saved: false,
  });
  expect(await statusOf(url, ids[2])).toMatchObject({ status: "initialized", queue_position: 1 });
  for (const id of [ids[0], ids[2]]) {
    const stopped = await send(url, "POST", "/training/stop", { body: { session_id: id } });
    expect(stopped.body, id).toMatchObject({ status: "stopped", session_status: "cancelled" });
  }
  await untilFinal(url, ids[3]);
  const { body } = await send(url, "GET", "/training/sessions");
  expect(body.sessions.map(({ status }: { status: string }) => status)).toEqual([
    "completed",
    "cancelled",
    "cancelled",
    "cancelled",
  ]);
  expect(readdirSync(join(modelsFolder, "journey")).filter((name) => name.startsWith(".tmp-"))).toEqual([]);
  const again = await send(url, "POST", "/training/stop", { body: { session_id: ids[0] } });
  expect([again.status, again.body.error.code]).toEqual([409, "SESSION_FINISHED"]);
  expect(await statusOf(url, ids[0])).toMatchObject({ status: "cancelled" });
});

test("a session is stopped while its strategy is being read, and its id is taken meanwhile", async () => {
  const { url, training } = await startHost();
  const slow = Array.from({ length: 6000 }, (_, k) => `key_${k}: ${k}`).join("\n");
  const ask = () =>
    send(url, "POST", "/training/start", { body: { strategy_yaml: slow, session_id: "early" } });
  const stop = () => send(url, "POST", "/training/stop", { body: { session_id: "early" } });
  // Two at once, since only an answer tells that the first has arrived.
  const both = [ask(), ask()];
  const taken = await Promise.race(both);
  expect([taken.status, taken.body.error.code]).toEqual([409, "SESSION_EXISTS"]);
  expect((await stop()).body).toMatchObject({ status: "stopped", session_status: "cancelled" });
  const codes = (await Promise.all(both)).map(({ body }) => body.error.code as string);
  expect(codes.sort()).toEqual(["CANCELLED", "SESSION_EXISTS"]);
  expect([training.list(), (await stop()).status]).toEqual([[], 404]);
});

test("as many run at once as were asked for, and none mixes with another", async () => {
  const { url } = await startHost({ maxSessions: 3 });
  const seeds = [1, 2, 3, 1, 2, 3];
  const ids = await Promise.all(seeds.map((seed) => startTraining(url, { seed })));
  const running = (await Promise.all(ids.map((id) => statusOf(url, id)))).filter(
    ({ status }) => status === "running",
  );
  expect(running.length).toBeLessThanOrEqual(3);
  await Promise.all(ids.map((id) => untilFinal(url, id)));
  const results = await Promise.all(
    ids.map(async (id) => (await send(url, "GET", `/training/result/${id}`)).body),
  );
  expect(new Set(results.map(({ model_path }) => model_path)).size).toBe(6);
  for (const [k, id] of ids.entries()) {
    expect(results[k].session_info.operation_id).toBe(id);
    expect(results[k].training_metrics.history).toEqual(results[k % 3].training_metrics.history);
  }
  expect(results[0].training_metrics.history).not.toEqual(results[1].training_metrics.history);
});

test("a stream that broke goes on after the last event received", async () => {
  const { url } = await startHost();
  const id = await startTraining(url, { epochs: 30 });
  const first: StreamEvent[] = [];
  for await (const event of follow(url, `/training/stream/${id}`)) {
    if (event.id !== null) first.push(event);
    if (event.event === "epoch") break; // the connection is closed here
  }
  const last = first.at(-1) as StreamEvent;
  const rest: StreamEvent[] = [];
  const headers = { "last-event-id": String(last.id) };
  for await (const event of follow(url, `/training/stream/${id}`, headers))
    if (event.id !== null) rest.push(event);
  expect(rest[0].id).toBe((last.id as number) + 1);
  const epochs = [...first, ...rest].filter(({ event }) => event === "epoch").map(({ data }) => data.epoch);
  expect(epochs).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  expect(rest.at(-1)).toMatchObject({ event: "status", data: { status: "completed" } });
});

test("batch snapshots come at most 5 a second, and progress never goes back", async () => {
  const { url } = await startHost();
  const model = `
  architecture: { hidden_layers: [128, 128], activation: relu, dropout: 0.1 }
  training: { epochs: 6, batch_size: 1, learning_rate: 0.0001 }`;
  const startedAt = performance.now();
  const id = await startTraining(url, { strategy_yaml: strategyText({ model }) });
  const events = await untilFinal(url, id);
  const seconds = (performance.now() - startedAt) / 1000;
  const batches = events.filter(({ event }) => event === "batch");
  // A piece leaves at most every 200 ms; an epoch or a phase in between may start another.
  expect(batches.length).toBeLessThanOrEqual(5 * seconds + 6 + 11);
  const percents = events.flatMap(({ data }) => data.progress_percent ?? []);
  expect(percents).toEqual([...percents].sort((a: number, b: number) => a - b));
});

test("a status costs the same at epoch 1,000 as at the first", async () => {
  const { url } = await startHost();
  const model = `
  architecture: { hidden_layers: [2], activation: relu, dropout: 0 }
  training: { epochs: 1000000, batch_size: 512, learning_rate: 0.003 }`;
  const id = await startTraining(url, { strategy_yaml: strategyText({ model }) });
  const lengths = new Map<number, number>();
  for await (const { event, data } of follow(url, `/training/stream/${id}`)) {
    if (event !== "epoch" || (data.epoch !== 2 && data.epoch < 1000)) continue;
    lengths.set(data.epoch as number, (await send(url, "GET", `/training/status/${id}`)).text.length);
    if (data.epoch >= 1000) break;
  }
  const [early, late] = [...lengths.values()];
  expect(Math.abs(late - early), "only numbers have more digits").toBeLessThan(100);
  await send(url, "POST", "/training/stop", { body: { session_id: id } });
});

test("sessions that are over can be forgotten, others not; models stay", async () => {
  const { url } = await startHost();
  const done = await startTraining(url);
  await untilFinal(url, done);
  const path = (await statusOf(url, done)).artifacts.model_path as string;
  const [running, waiting] = [await startTraining(url, endless), await startTraining(url, endless)];
  for (const id of [running, waiting]) {
    const refused = await send(url, "DELETE", `/training/sessions/${id}`);
    expect([refused.status, refused.body.error.code]).toEqual([409, "SESSION_ACTIVE"]);
  }
  const forgotten = await send(url, "DELETE", `/training/sessions/${done}`);
  expect(forgotten.body).toEqual({ session_id: done, status: "cleaned_up" });
  for (const path of [`/training/status/${done}`, `/training/result/${done}`, `/training/stream/${done}`]) {
    expect((await send(url, "GET", path)).status, path).toBe(404);
  }
  expect(existsSync(path)).toBe(true);
  const noResult = await send(url, "GET", `/training/result/${running}`);
  expect([noResult.status, noResult.body.error.code]).toEqual([400, "SESSION_NOT_COMPLETED"]);
});

test("a training that fails says why, and the next one runs", async () => {
  const { url } = await startHost();
  const failing = await startTraining(url, { symbols: ["NOBARS"] });
  const good = await startTraining(url);
  const events = await untilFinal(url, failing);
  expect(events.at(-1)?.data).toMatchObject({ status: "failed", error: { code: "NO_BARS" } });
  expect(await statusOf(url, failing)).toMatchObject({
    status: "failed",
    error: { code: "NO_BARS" },
    artifacts: null,
  });
  await untilFinal(url, good);
  expect((await statusOf(url, good)).status).toBe("completed");
});

test("a service that starts again knows the sessions that ended", async () => {
  const sessionsFile = join(folder, "again.db");
  const first = await startHost({ sessionsFile });
  const completed = await startTraining(first.url);
  await untilFinal(first.url, completed);
  const result = (await send(first.url, "GET", `/training/result/${completed}`)).body;
  const running = await startTraining(first.url, endless);
  const waiting = await startTraining(first.url, endless);
  await first.close();
  const { url } = await startHost({ sessionsFile });
  expect((await send(url, "GET", `/training/result/${completed}`)).body).toEqual(result);
  for (const id of [running, waiting]) expect(await statusOf(url, id)).toMatchObject({ status: "cancelled" });
  expect((await untilFinal(url, completed)).map(({ data }) => data.status)).toEqual(["completed"]);
  const taken = await send(url, "POST", "/training/start", {
    body: { strategy_yaml, session_id: completed },
  });
  expect([taken.status, taken.body.error.code]).toEqual([409, "SESSION_EXISTS"]);
});

describe("the host's process", () => {
  function startProcess(home: string) {
    const run = startCommand(home, ["host", "start", "--port", "0", "--data-dir", dataFolder]);
    onTestFinished(() => void run.child.kill("SIGKILL"));
    const url = new Promise<string>((resolve, reject) => {
      const look = (): void => {
        const found = /Listening on (\S+)/.exec(run.stderr())?.[1];
        if (found !== undefined) resolve(found);
      };
      run.child.stderr?.on("data", look);
      void run.done.then(({ stderr }) => reject(new Error(stderr)));
    });
    return { ...run, url };
  }

  test("killed at any moment, the next one knows what was under way, and no half model is left", async () => {
    const random = createRandom(6, "kills");
    await inLanes(2, rounds(50, 2), async (kills) => {
      const home = mkdtempSync(join(folder, "killed-"));
      let host = startProcess(home);
      for (const _ of kills) {
        const url = await host.url;
        const done = await startTraining(url, { epochs: 1 });
        await untilFinal(url, done);
        const running = await startTraining(url, endless);
        const waiting = await startTraining(url);
        await wait(random.uniform() * 400);
        host.child.kill("SIGKILL");
        await host.done;
        host = startProcess(home);
        const again = await host.url;
        expect(await statusOf(again, done)).toMatchObject({ status: "completed" });
        expect((await send(again, "GET", `/training/result/${done}`)).body.session_id).toBe(done);
        for (const id of [running, waiting]) {
          const status = await statusOf(again, id);
          expect(status).toMatchObject({ status: "failed", error: { code: "INTERRUPTED" } });
        }
        const left = readdirSync(join(home, "models", "journey")).filter((name) => name.startsWith("."));
        expect(left).toEqual([]);
      }
      host.child.kill("SIGTERM");
      expect((await host.done).status).toBe(0);
    });
  }, 600_000);

  test.each(["SIGINT", "SIGTERM"] as const)("%s stops what runs, in order", async (signal) => {
    const home = mkdtempSync(join(folder, "ended-"));
    const host = startProcess(home);
    const url = await host.url;
    const ids = [await startTraining(url, endless), await startTraining(url, endless)];
    const stream = follow(url, `/training/stream/${ids[0]}`);
    await stream.next();
    host.child.kill(signal);
    const rest: StreamEvent[] = [];
    for await (const event of stream) rest.push(event);
    const { status, stderr } = await host.done;
    expect(status, stderr).toBe(0);
    expect(rest.at(-1)).toMatchObject({ event: "status", data: { status: "cancelled" } });
    const again = startProcess(home);
    for (const id of ids) expect(await statusOf(await again.url, id)).toMatchObject({ status: "cancelled" });
  });

  test("it refuses to be open to other machines without a token, and a port that is taken", async () => {
    const { url } = await startHost();
    const home = mkdtempSync(join(folder, "refused-"));
    const open = await startCommand(home, ["host", "start", "--port", "0", "--bind", "0.0.0.0"]).done;
    expect([open.status, open.stderr]).toEqual([2, expect.stringContaining("--token")]);
    const taken = await startCommand(home, ["host", "start", "--port", new URL(url).port]).done;
    expect([taken.status, taken.stderr]).toEqual([1, expect.stringContaining("is in use")]);
  });
});
