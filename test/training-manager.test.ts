import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { TrainingProgress } from "../src/index.js";
import type { RunChoice, RunMode } from "../src/service/index.js";
import { makeBars } from "./bars.js";
import { importBuilt, importBuiltService } from "./built.js";
import { startCommand } from "./command.js";
import { garbageCollector } from "./garbage.js";
import { strategyText } from "./journey-strategies.js";
import { inLanes } from "./lanes.js";
import { latencyText } from "./latencies.js";
import { rounds } from "./rounds.js";

const ktrdr = await importBuilt();
const service = await importBuiltService();
const folder = mkdtempSync(join(tmpdir(), "ktrdr-manager-"));
const dataFolder = join(folder, "data");
const models = new ktrdr.ModelStorage(join(folder, "models"));
const strategyPath = join(folder, "journey.yaml");
let count = 0;

beforeAll(async () => {
  writeFileSync(strategyPath, strategyText());
  await new ktrdr.BarStore(dataFolder).save(makeBars());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function startHost(more: object = {}) {
  const host = await service.startHostService({
    bind: "127.0.0.1",
    port: 0,
    token: null,
    allowedHosts: [],
    dataFolder,
    modelsFolder: models.root,
    sessionsFile: join(folder, `sessions-${++count}.db`),
    maxSessions: 1,
    onBug: () => undefined,
    ...more,
  });
  onTestFinished(() => host.close());
  return host;
}

const nobody = "http://127.0.0.1:9";

function createManager(url: string, defaultMode: RunMode = "host", token: string | null = null) {
  return new service.TrainingManager({ url, token, defaultMode }, models);
}

/** Runs a training and keeps everything that is heard of it. */
async function train(
  manager: ReturnType<typeof createManager>,
  {
    more = {},
    placement = {},
    cancellation = ktrdr.createCancellation(),
    onEvent = () => undefined,
    onNote = () => undefined,
  } = {} as {
    more?: object;
    placement?: { mode?: RunMode; requireGpu?: boolean };
    cancellation?: ReturnType<typeof ktrdr.createCancellation>;
    onEvent?: (event: TrainingProgress, id: string) => void;
    onNote?: () => void;
  },
) {
  const events: TrainingProgress[] = [];
  const choices: [RunChoice, boolean][] = [];
  const notes: string[] = [];
  const id = `op_${++count}`;
  const push = (event: TrainingProgress): void => {
    events.push(event);
    onEvent(event, id);
  };
  const context = { operationId: id, strategyPath, dataFolder, ...more };
  const outcome = await manager
    .run(context, placement, cancellation.token, {
      bridge: { onPhase: push, onBatch: push, onEpoch: push },
      onChoice: (choice, warning) => choices.push([choice, warning]),
      onNote: (text) => {
        notes.push(text);
        onNote();
      },
    })
    .then(
      (result) => ({ result, error: null }),
      (error: Error & { code: string; details: Record<string, unknown> }) => ({ result: null, error }),
    );
  return { ...outcome, events, choices, notes, id };
}

const weightsOf = (path: string): string =>
  createHash("sha256")
    .update(readFileSync(join(path, "weights.safetensors")))
    .digest("hex");

describe("where a training runs", () => {
  test("local and host runs give the same result, and the same reports", async () => {
    const { url } = await startHost();
    const host = await train(createManager(url, "host"));
    const local = await train(createManager(url, "local"));
    expect([host.error, local.error]).toEqual([null, null]);
    if (host.result === null || local.result === null) return;
    expect(weightsOf(host.result.model_path)).toBe(weightsOf(local.result.model_path));
    const { session_id: _id, ...fields } = host.result as typeof host.result & { session_id: string };
    expect(Object.keys(fields)).toEqual(Object.keys(local.result));
    for (const part of [
      "test_metrics",
      "artifacts",
      "model_info",
      "data_summary",
      "verdict",
      "notices",
    ] as const) {
      expect(host.result[part], part).toEqual(local.result[part]);
    }
    expect(host.result.session_info).toMatchObject({ operation_id: host.id, use_host_service: true });
    expect(host.result.run_choice).toEqual({
      mode: "host",
      where: "host",
      reason: "asked for",
      host_url: url,
    });
    expect(local.result.run_choice).toEqual({
      mode: "local",
      where: "local",
      reason: "asked for",
      host_url: null,
    });
    const heard = ({ events }: typeof host): unknown[] =>
      events
        .filter(({ type }) => type !== "batch")
        .map((event) => JSON.stringify(Object.entries(event).sort(([a], [b]) => (a < b ? -1 : 1))));
    expect(heard(host)).toEqual(heard(local));
    const { metadata } = models.load(host.result.model_name);
    expect(metadata["operation_id"]).toBe(host.id);
  });

  test("auto: the host while it has a free place, else here; a request does not change the default", async () => {
    const { url, training } = await startHost();
    const manager = createManager(url, "local");
    // On a crowded machine an answer may take longer than the 100 ms that it has.
    let choice = await manager.choose({ mode: "auto" });
    while (choice.reason.includes("does not answer")) choice = await manager.choose({ mode: "auto" });
    expect(choice).toMatchObject({ where: "host", reason: "it has a free place" });
    const { sessionId } = training.start({ strategyPath, dataFolder, epochs: 1_000_000 });
    do choice = await manager.choose({ mode: "auto" });
    while (choice.reason.includes("does not answer"));
    expect(choice).toMatchObject({ where: "local", reason: expect.stringContaining("taken") as string });
    expect(await manager.choose({ mode: "host" })).toMatchObject({ where: "host" });
    await training.stop(sessionId);
    expect(await manager.choose()).toMatchObject({ mode: "local", where: "local" });
    manager.defaultMode = "host";
    expect(await manager.choose()).toMatchObject({ mode: "host", where: "host" });
  });

  test("a host that is not there: here, with a warning; not where a GPU is required", async () => {
    const { result, choices } = await train(createManager(nobody));
    expect(result?.run_choice).toMatchObject({ mode: "host", where: "local" });
    expect(choices).toEqual([[result?.run_choice, true]]);
    const auto = await train(createManager(nobody, "auto"));
    expect(auto.choices[0]).toEqual([expect.objectContaining({ mode: "auto", where: "local" }), false]);
    const required = await train(createManager(nobody), { placement: { requireGpu: true } });
    expect(required.error).toMatchObject({ code: "GPU_REQUIRED" });
    expect(required.events).toEqual([]);
  });

  test("a host that answers too late counts, for auto, as one that is not there", async () => {
    const slow = createServer((_request, response) => void setTimeout(() => response.end("{}"), 1500));
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void slow.close());
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    expect(await createManager(url).choose({ mode: "auto" })).toMatchObject({ where: "local" });
  });

  test("a wrong token, another service, and a GPU that the host lacks are said", async () => {
    const { url } = await startHost({ token: "the-right-token" });
    const wrong = await train(createManager(url));
    expect(wrong.error).toMatchObject({
      code: "HOST_UNAUTHORIZED",
      message: expect.stringContaining("TOKEN") as string,
    });
    const right = createManager(url, "host", "the-right-token");
    expect((await train(right)).error).toBeNull();
    const gpu = await train(right, { placement: { requireGpu: true } });
    expect(gpu.error).toMatchObject({ code: "GPU_REQUIRED" });
    const other = createServer((_request, response) => void response.writeHead(404).end("no"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect((await train(createManager(elsewhere))).error).toMatchObject({ code: "NOT_A_SERVICE" });
  });
});

test("what is wrong with a strategy or its bars is told in the same words both ways", async () => {
  const { url } = await startHost();
  const bad = join(folder, "bad.yaml");
  writeFileSync(bad, strategyText({ name: "../x" }));
  for (const more of [{ strategyPath: bad }, { symbols: ["NOBARS"] }, { startDate: "2031-01-01" }]) {
    const host = await train(createManager(url), { more });
    const local = await train(createManager(url, "local"), { more });
    expect([host.error?.code, host.error?.message]).toEqual([local.error?.code, local.error?.message]);
    expect(host.error, JSON.stringify(more)).not.toBeNull();
  }
});

describe("a stop", () => {
  test.each(["loading_data", "training", "evaluating"] as const)(
    "in %s is passed on to the host",
    async (phase) => {
      const { url, training } = await startHost();
      const cancellation = ktrdr.createCancellation();
      const { error, id } = await train(createManager(url), {
        more: { epochs: phase === "evaluating" ? 5 : 1_000_000 },
        cancellation,
        onEvent: (event) => event.type === "phase" && event.phase === phase && cancellation.cancel(),
      });
      if (phase === "evaluating" && error === null) return; // it had been saved before the stop arrived
      expect(error).toMatchObject({ code: "CANCELLED" });
      expect(training.find(id).status).toBe("cancelled");
      expect(training.active).toBe(0);
    },
  );

  test("while it waits in the host's queue", async () => {
    const { url, training } = await startHost();
    const { sessionId } = training.start({ strategyPath, dataFolder, epochs: 1_000_000 });
    const cancellation = ktrdr.createCancellation();
    const { error, notes } = await train(createManager(url), {
      cancellation,
      onNote: () => cancellation.cancel(),
    });
    expect(error).toMatchObject({ code: "CANCELLED" });
    expect(notes[0]).toContain("place is 1");
    await training.stop(sessionId);
  });

  test("asked for at the host ends the asker's run as cancelled too", async () => {
    const { url, training } = await startHost();
    const { error } = await train(createManager(url), {
      more: { epochs: 1_000_000 },
      onEvent: (event, id) => event.type === "epoch" && event.epoch === 2 && void training.stop(id),
    });
    expect(error).toMatchObject({ code: "CANCELLED" });
  });

  test("while the host takes the request ends both sides, also where its reply never comes", async () => {
    const { url, training } = await startHost();
    const cancellation = ktrdr.createCancellation();
    const proxy = await startProxy(url, (path) => {
      if (path !== "/training/start") return false;
      cancellation.cancel();
      return true;
    });
    const { error, id, choices } = await train(createManager(proxy), {
      more: { epochs: 1_000_000 },
      cancellation,
    });
    expect([error?.code, choices]).toEqual(["CANCELLED", []]);
    expect([training.find(id).status, training.active, training.waiting]).toEqual(["cancelled", 0, 0]);
  });

  test("while the host is looked for ends the run", async () => {
    const cancellation = ktrdr.createCancellation();
    const silent = createServer(() => cancellation.cancel());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { error, choices } = await train(createManager(url), { cancellation });
    expect([error?.code, choices]).toEqual(["CANCELLED", []]);
  });

  test("at random moments ends as cancelled on both sides", async () => {
    const { url, training } = await startHost();
    const latencies: number[] = [];
    for (let k = 0; k < rounds(200, 4); k++) {
      const cancellation = ktrdr.createCancellation();
      let at = 0;
      const timer = setTimeout(
        () => {
          at = performance.now();
          cancellation.cancel();
        },
        10 + ((k * 37) % 400),
      );
      const { error, id } = await train(createManager(url), { more: { epochs: 1_000_000 }, cancellation });
      clearTimeout(timer);
      latencies.push(performance.now() - at);
      expect(error).toMatchObject({ code: "CANCELLED" });
      // The host knows nothing of a run that was stopped before it had taken it.
      for (const { sessionId, status } of training.list())
        if (sessionId === id) expect(status).toBe("cancelled");
    }
    expect([training.active, training.waiting]).toEqual([0, 0]);
    process.stdout.write(`cancel over HTTP: ${latencyText(latencies)}\n`);
    const next = await train(createManager(url));
    expect(next.result?.training_metrics.epochs_trained, "the queue moves on").toBe(5);
  }, 600_000);

  test("leaves nothing in memory: no session but those that are held, no token, no thread", async () => {
    const sessions = new Map<string, WeakRef<object>>();
    const host = await startHost({
      onChange: (session: { sessionId: string }) => sessions.set(session.sessionId, new WeakRef(session)),
    });
    const manager = createManager(host.url);
    let threads = 0;
    const onThread = (worker: Worker): void => {
      threads++;
      worker.once("exit", () => threads--);
    };
    process.on("worker", onThread);
    onTestFinished(() => void process.off("worker", onThread));
    const tokens: WeakRef<object>[] = [];
    const cancelOne = async (): Promise<void> => {
      const cancellation = ktrdr.createCancellation();
      tokens.push(new WeakRef(cancellation.token));
      const { error } = await train(manager, {
        more: { epochs: 1_000_000 },
        cancellation,
        // Each second one as soon as it begins, the others while they train.
        onEvent: ({ type }) => (type === "epoch" || tokens.length % 2 === 0) && cancellation.cancel(),
      });
      expect(error).toMatchObject({ code: "CANCELLED" });
    };
    const held = 20;
    for (let k = 0; k < held + 2; k++) await cancelOne();
    const before = await usedBytes();
    const count = rounds(200, 3);
    for (let k = 0; k < count; k++) await cancelOne();
    while (threads > 0) await new Promise((resolve) => setTimeout(resolve, 5)); // one that stayed would let this test hang
    const grown = (await usedBytes()) - before;
    const rss = process.memoryUsage.rss() / 2 ** 20;
    process.stdout.write(
      `${count} cancelled trainings over HTTP: ${(grown / 2 ** 20).toFixed(2)} MiB more used after a collection, RSS ${rss.toFixed(0)} MiB\n`,
    );
    const alive = (refs: Iterable<WeakRef<object>>): number =>
      [...refs].filter((ref) => ref.deref() !== undefined).length;
    expect(sessions.size).toBe(held + 2 + count);
    expect(alive(sessions.values()), "sessions").toBeLessThanOrEqual(held + 1);
    expect(alive(tokens), "tokens of askers").toBeLessThanOrEqual(1);
    // A session that stays takes 6 KiB and more. What V8 compiles late is once.
    expect(grown / 1024, "KiB").toBeLessThan(2048 + 4 * count);
  }, 600_000);
});

/** Bytes that are used once what can be collected is: heap, and what lies outside of it. */
async function usedBytes(): Promise<number> {
  const collect = garbageCollector();
  for (let k = 0; k < 4; k++) {
    collect();
    // A reference that was looked at stays until the end of its turn, and what a collection finds may hold others.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A way to the host that a test can spoil. */
async function startProxy(
  url: string,
  spoil: (path: string, response: ServerResponse, chunk: number) => boolean,
) {
  const target = new URL(url);
  const server = createServer((asked: IncomingMessage, response) => {
    const passed = request({
      hostname: target.hostname,
      port: target.port,
      method: asked.method,
      path: asked.url,
      headers: { ...asked.headers, host: target.host },
    });
    let chunks = 0;
    passed.on("response", (reply) => {
      if (spoil(asked.url ?? "", response, 0)) return void passed.destroy();
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.on("data", (chunk: Buffer) => {
        if (spoil(asked.url ?? "", response, ++chunks)) passed.destroy();
        else response.write(chunk);
      });
      reply.on("end", () => response.end());
      reply.on("error", () => response.destroy());
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a host that is hard to reach", () => {
  test("streams that break go on: every phase and epoch is heard once, in order", async () => {
    const { url } = await startHost();
    const proxy = await startProxy(url, (path, response, chunk) => {
      if (!path.includes("stream") || chunk < 3) return false;
      response.destroy();
      return true;
    });
    const { result, events } = await train(createManager(proxy), { more: { epochs: 60 } });
    expect(result?.training_metrics.epochs_trained).toBe(60);
    const epochs = events.flatMap((event) => (event.type === "epoch" ? [event.epoch] : []));
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
  });

  test("where no stream gets through, polling takes its place", async () => {
    const { url } = await startHost();
    const proxy = await startProxy(url, (path, response) => {
      if (!path.includes("stream")) return false;
      response.writeHead(502).end("bad gateway");
      return true;
    });
    const done = await train(createManager(proxy));
    expect(done.result?.training_metrics.epochs_trained).toBe(5);
    const cancellation = ktrdr.createCancellation();
    let heard = 0;
    const { error, events } = await train(createManager(proxy), {
      more: { epochs: 1_000_000 },
      cancellation,
      onEvent: (event) => event.type === "epoch" && ++heard === 3 && cancellation.cancel(),
    });
    expect(error).toMatchObject({ code: "CANCELLED" });
    const epochs = events.flatMap((event) => (event.type === "epoch" ? [event.epoch] : []));
    expect(epochs.length).toBeGreaterThanOrEqual(3);
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
  });

  test("a cancel gets through where no stream does", async () => {
    const { url, training } = await startHost();
    const proxy = await startProxy(url, (path, response) => {
      if (!path.includes("stream")) return false;
      response.destroy();
      return true;
    });
    const cancellation = ktrdr.createCancellation();
    const { error, id } = await train(createManager(proxy), {
      more: { epochs: 1_000_000 },
      cancellation,
      onEvent: (event) => event.type === "epoch" && cancellation.cancel(),
    });
    expect(error).toMatchObject({ code: "CANCELLED" });
    expect(training.find(id).status).toBe("cancelled");
  });
});

describe("a host that dies", () => {
  async function startProcess() {
    const home = mkdtempSync(join(folder, "home-"));
    const run = startCommand(home, [
      "host",
      "start",
      "--port",
      "0",
      "--data-dir",
      dataFolder,
      "--models-dir",
      models.root,
    ]);
    onTestFinished(() => void run.child.kill("SIGKILL"));
    const url = await new Promise<string>((resolve, reject) => {
      run.child.stderr?.on("data", () => {
        const found = /Listening on (\S+)/.exec(run.stderr())?.[1];
        if (found !== undefined) resolve(found);
      });
      void run.done.then(({ stderr }) => reject(new Error(stderr)));
    });
    return { ...run, url };
  }

  test("while it trains: HOST_LOST with the session's id, and nothing runs here in its place", async () => {
    const noticed: number[] = [];
    const random = ktrdr.createRandom(9, "kills");
    await inLanes(5, rounds(50, 2), async (kills) => {
      for (const _ of kills) {
        const host = await startProcess();
        let at = NaN;
        let timer: NodeJS.Timeout | undefined;
        const { error, id, result } = await train(createManager(host.url), {
          more: { epochs: 1_000_000 },
          onEvent: () => {
            timer ??= setTimeout(() => {
              at = performance.now();
              host.child.kill("SIGKILL");
            }, random.uniform() * 500);
          },
        });
        noticed.push(performance.now() - at);
        expect(result).toBeNull();
        expect(error).toMatchObject({ code: "HOST_LOST", details: { session_id: id, host: host.url } });
        expect(error?.message).toContain(id);
      }
    });
    process.stdout.write(`host killed, noticed by the run that it trained: ${latencyText(noticed)}\n`);
  }, 600_000);
});
