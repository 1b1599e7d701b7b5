import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { BarStore, createRandom, ModelStorage, OperationStore } from "../src/index.js";
import { fuzzySchema, indicatorSchema, loadSchema } from "../src/service/backend/data-routes.js";
import { predictSchema, useSchema } from "../src/service/backend/model-routes.js";
import { textSchema } from "../src/service/backend/strategy-routes.js";
import { trainingSchema } from "../src/service/backend/training-routes.js";
import { makeBars } from "./bars.js";
import { importBuiltService } from "./built.js";
import { runCommand, startCommand } from "./command.js";
import { follow, send, type Reply, type StreamEvent } from "./http.js";
import { strategyText } from "./journey-strategies.js";
import { lintOpenApi, type OpenApi } from "./openapi.js";
import { rounds } from "./rounds.js";

const service = await importBuiltService();
const home = mkdtempSync(join(tmpdir(), "ktrdr-backend-"));
const dataFolder = join(home, "data");
const modelsFolder = join(home, "models");
const strategiesFolder = join(home, "config", "strategies");
const operationsFile = join(home, ".ktrdr", "operations.db");
const bugs: unknown[] = [];
let host: Awaited<ReturnType<typeof service.startHostService>>;
let backend: Awaited<ReturnType<typeof service.startBackendService>>;
const endless = { epochs: 1_000_000 };
const dataCsv = ["data", "show", "SYN1", "--timeframe", "1d", "--format", "csv"];

beforeAll(async () => {
  cpSync(fileURLToPath(new URL("../config", import.meta.url)), join(home, "config"), { recursive: true });
  writeFileSync(join(strategiesFolder, "journey.yaml"), strategyText());
  writeFileSync(join(home, "outside.yaml"), strategyText({ name: "outside" }));
  writeFileSync(join(home, "wrong.yaml"), strategyText({ colour: "blue" }));
  const store = new BarStore(dataFolder);
  await store.save(makeBars());
  await store.save(makeBars({ symbol: "SYN2", seed: 2 }));
  const common = {
    bind: "127.0.0.1",
    port: 0,
    token: null,
    allowedHosts: [],
    dataFolder,
    modelsFolder,
    // A machine that is quick enough sends more than the default in a second.
    requestsPerSecond: 1_000_000,
  };
  const onBug = (error: unknown): void => void bugs.push(error);
  const sessionsFile = join(home, ".ktrdr", "sessions.db");
  host = await service.startHostService({ ...common, sessionsFile, maxSessions: 2, onBug });
  backend = await service.startBackendService({
    ...common,
    strategiesFolder,
    operationsFile,
    maxSessions: 2,
    host: { url: host.url, token: null, defaultMode: "local" },
    onBug,
  });
});
afterAll(async () => {
  await backend.close();
  await host.close();
  rmSync(home, { recursive: true, force: true });
  expect(bugs, "bugs that requests ran into").toEqual([]);
});

const get = (path: string): Promise<Reply> => send(backend.url, "GET", `/api/v1${path}`);
const post = (path: string, body: object): Promise<Reply> =>
  send(backend.url, "POST", `/api/v1${path}`, { body });

async function train(body: object): Promise<string> {
  const reply = await post("/trainings/start", body);
  expect(reply.status, reply.text).toBe(200);
  expect(reply.body).toMatchObject({ success: true, status: "training_started" });
  return reply.body.task_id as string;
}

async function untilFinal(id: string): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of follow(backend.url, `/api/v1/operations/${id}/stream`)) events.push(event);
  return events;
}

describe("trainings", () => {
  test("local and on the host: same states, same scale, same result", async () => {
    const ids = {
      local: await train({ strategy_name: "journey", mode: "local" }),
      host: await train({ strategy_name: "journey", mode: "host" }),
    };
    const results: Record<string, Record<string, object>> = {};
    for (const [way, id] of Object.entries(ids)) {
      const events = await untilFinal(id);
      const states = events.filter(({ event }) => event === "status").map(({ data }) => data.status);
      expect(states, way).toEqual(["initialized", "running", "completed"]);
      const percents = events.flatMap(({ data }) => data.progress_percent ?? []) as number[];
      expect(percents, way).toEqual([...percents].sort((a, b) => a - b));
      const details = (await get(`/operations/${id}`)).body.data;
      expect(details).toMatchObject({
        status: "completed",
        progress: { progress_percent: 100 },
        error: null,
      });
      results[way] = (await get(`/operations/${id}/results`)).body.data;
      expect(results[way]["run_choice"]).toMatchObject({ mode: way, where: way });
      const performance = (await get(`/trainings/${id}/performance`)).body.data;
      expect(performance.test_metrics).toEqual(results[way]["test_metrics"]);
    }
    for (const part of ["test_metrics", "artifacts", "model_info", "data_summary"]) {
      expect(results["host"][part], part).toEqual(results["local"][part]);
    }
    const verdicts = ["local", "host"].map((way) => results[way]["verdict"] as Record<string, unknown>);
    for (const part of ["significant", "measured_on", "interval", "p_value"]) {
      expect(verdicts[1][part], part).toEqual(verdicts[0][part]);
    }
    const trials = verdicts.map((verdict) => verdict["trials"] as number);
    expect(Math.max(...trials), "whichever began later knows of the other").toBeGreaterThanOrEqual(2);
  });

  test("the default of where to run can be changed; a request that says so does not change it", async () => {
    const config = async () => (await get("/trainings/config")).body.data.default_mode as string;
    expect(await config()).toBe("local");
    const id = await train({ strategy_name: "journey", mode: "host" });
    await untilFinal(id);
    expect(await config()).toBe("local");
    const changed = await send(backend.url, "PUT", "/api/v1/trainings/config", {
      body: { default_mode: "host" },
    });
    expect(changed.body.data).toEqual({ default_mode: "host", host_url: host.url });
    const next = await train({ strategy_name: "journey" });
    await untilFinal(next);
    expect((await get(`/operations/${next}/results`)).body.data.run_choice.where).toBe("host");
    await send(backend.url, "PUT", "/api/v1/trainings/config", { body: { default_mode: "local" } });
  });

  test("some at once, others pending; a cancel reaches each wherever it is", async () => {
    const ids = [];
    for (let k = 0; k < 3; k++) ids.push(await train({ strategy_name: "journey", ...endless, seed: k }));
    const states = await Promise.all(
      ids.map(async (id) => (await get(`/operations/${id}`)).body.data.status),
    );
    expect(states).toEqual(["running", "running", "pending"]);
    const active = (await get("/operations?active_only=true&limit=100")).body;
    expect(active.data).toHaveLength(3);
    expect(active.active_count).toBe(3);
    for (const id of [ids[2], ids[0], ids[1]]) {
      const cancelled = await send(backend.url, "DELETE", `/api/v1/operations/${id}?reason=enough`);
      expect(cancelled.body).toMatchObject({ status: "cancelled", cancellation_reason: "enough" });
      expect((await get(`/operations/${id}`)).body.data).toMatchObject({ status: "cancelled", error: null });
      const again = await send(backend.url, "DELETE", `/api/v1/operations/${id}`);
      expect([again.status, again.body.error.code]).toEqual([409, "OPERATION_FINISHED"]);
    }
    const result = await get(`/operations/${ids[0]}/results`);
    expect([result.status, result.body.error.code]).toEqual([400, "NOT_COMPLETED"]);
  });

  test("ten at once, with clients that poll and follow: all finish, none mixes with another", async () => {
    const count = rounds(10, 4);
    const seeds = Array.from({ length: count }, (_, k) => k % 3);
    const ids = await Promise.all(
      seeds.map((seed, k) => train({ strategy_name: "journey", seed, mode: k % 2 === 0 ? "local" : "host" })),
    );
    let over = false;
    const pollers = Array.from({ length: rounds(50, 5) }, async (_, k) => {
      while (!over) await get(`/operations/${ids[k % count]}`);
    });
    const streams = await Promise.all(
      Array.from({ length: Math.max(count, rounds(20, 4)) }, (_, k) => untilFinal(ids[k % count])),
    );
    over = true;
    await Promise.all(pollers);
    for (const events of streams) {
      expect(events.filter(({ event }) => event === "epoch").map(({ data }) => data.epoch)).toEqual([
        1, 2, 3, 4, 5,
      ]);
      expect(events.at(-1)?.data.status).toBe("completed");
    }
    const results = await Promise.all(
      ids.map(async (id) => (await get(`/operations/${id}/results`)).body.data),
    );
    expect(new Set(results.map(({ model_path }) => model_path)).size).toBe(count);
    for (const [k, result] of results.entries()) {
      expect(result.session_info.operation_id).toBe(ids[k]);
      expect(result.training_metrics.history).toEqual(results[k % 3].training_metrics.history);
    }
  });

  test("what cannot be trained is refused before anything is recorded", async () => {
    const before = (await get("/operations?limit=1000")).body.total_count;
    for (const [body, status, code] of [
      [{ strategy_name: "jorney" }, 404, "STRATEGY_NOT_FOUND"],
      [{ strategy_yaml: "name: [" }, 422, "STRATEGY_INVALID"],
      [{ strategy_name: "journey", engine: "steam" }, 422, "WRONG_USAGE"],
      [{ strategy_name: "journey", start_date: "2021-13-01" }, 422, "WRONG_USAGE"],
      [{ strategy_name: "journey", strategy_yaml: "x" }, 422, "INVALID_REQUEST"],
      [{ strategy: "journey" }, 422, "INVALID_REQUEST"],
    ] as const) {
      const reply = await post("/trainings/start", body);
      expect([reply.status, reply.body.error.code], reply.text).toEqual([status, code]);
    }
    expect((await get("/operations?limit=1000")).body.total_count).toBe(before);
  });
});

describe("the rest of the command line's work", () => {
  test("models: list, show, test, predict, delete as the command line does them", async () => {
    await untilFinal(await train({ strategy_yaml: strategyText({ name: "used" }) }));
    const { body } = await get("/models");
    expect(body.data.map(({ name }: { name: string }) => name)).toContain("used/1d_v1");
    for (const [args, reply] of [
      [["models", "list", "--json"], body.data],
      [["models", "show", "used", "--json"], (await get("/models/used")).body.data],
      [["models", "show", "used", "--json"], (await get("/models/used/1d_v1")).body.data],
      [
        ["models", "test", "used", "--symbol", "SYN2", "--timeframe", "1d", "--json"],
        (await post("/models/test", { model: "used", symbol: "SYN2", timeframe: "1d" })).body.data,
      ],
      [
        ["models", "predict", "used", "--symbol", "SYN2", "--timeframe", "1d", "--json"],
        (await post("/models/predict", { model: "used", symbol: "SYN2", timeframe: "1d" })).body.data
          .predictions,
      ],
    ] as const) {
      const { stdout, stderr } = await runCommand(home, args);
      expect(JSON.parse(stdout), stderr).toEqual(reply);
    }
    const removed = await send(backend.url, "DELETE", "/api/v1/models/used/1d_v1");
    expect(removed.body.data).toEqual({ deleted: "used/1d_v1" });
    expect((await get("/models/used")).body.error.code).toBe("MODEL_NOT_FOUND");
  });

  test("strategies, data, indicators and fuzzy sets likewise", async () => {
    const strategies = (await get("/strategies")).body.data as { name: string }[];
    expect(strategies.map(({ name }) => name)).toEqual(expect.arrayContaining(["example", "journey"]));
    const series = ["--symbol", "SYN1", "--timeframe", "1d", "--format", "json"];
    for (const [args, reply] of [
      [["strategies", "show", "journey", "--json"], await get("/strategies/journey")],
      [["data", "list", "--json"], await get("/data")],
      [["data", "show", "SYN1", "--timeframe", "1d", "--format", "json"], await get("/data/SYN1/1d")],
      [["data", "check", "SYN1", "--timeframe", "1d", "--json"], await get("/data/SYN1/1d/check")],
      [["indicators", "list", "--json"], await get("/indicators")],
      [
        ["indicators", "compute", "macd", "--param", "fast_period=8", ...series],
        await post("/indicators/compute", {
          name: "macd",
          params: { fast_period: 8 },
          symbol: "SYN1",
          timeframe: "1d",
        }),
      ],
      [
        ["fuzzy", "compute", "--strategy", "journey", ...series],
        await post("/fuzzy/compute", { strategy_name: "journey", symbol: "SYN1", timeframe: "1d" }),
      ],
    ] as const) {
      const { stdout, stderr } = await runCommand(home, args);
      const told = JSON.parse(stdout) as Record<string, unknown>;
      const ofPath = ({ path: _path, ...rest }: Record<string, unknown>): object => rest;
      if (args[1] === "show" && args[0] === "strategies") {
        expect(ofPath(reply.body.data as Record<string, unknown>), stderr).toEqual(ofPath(told));
      } else expect(reply.body.data, `${args.join(" ")}\n${stderr}`).toEqual(told);
    }
    const part = await get("/data/SYN1/1d?start_date=2020-02-01&end_date=2020-02-10&limit=3");
    expect(part.body.data.map(({ timestamp }: { timestamp: string }) => timestamp.slice(0, 10))).toEqual([
      "2020-02-08",
      "2020-02-09",
      "2020-02-10",
    ]);
    const verdict = await post("/strategies/validate", { strategy_yaml: strategyText({ colour: "blue" }) });
    expect(verdict.body.data).toMatchObject({ valid: false, errors: [expect.any(Object)] });
    expect((await send(backend.url, "POST", "/api/v1/strategies/validate/journey")).body.data.valid).toBe(
      true,
    );
    const load = await post("/data/load", { symbol: "SYN1", timeframe: "1d", mode: "tail" });
    expect([load.status < 500, load.body.error.code]).toEqual([true, "NO_PROVIDER"]);
  });
});

describe("the command line with KTRDR_API_URL", () => {
  const env = (): Record<string, string> => ({ KTRDR_API_URL: backend.url });
  const trainArguments = ["models", "train", "--strategy", "outside.yaml"];

  test("trains, lists and shows through the backend, and prints what it prints without", async () => {
    const result = await runCommand(home, [...trainArguments, "--json"], env());
    expect(result.status, result.stderr).toBe(0);
    const { model_name, session_info } = JSON.parse(result.stdout);
    expect(result.stderr.split("\n")[0]).toBe(`Operation ${session_info.operation_id}`);
    expect(result.stderr).toContain("Epoch 5/5");
    const series = ["--symbol", "SYN1", "--timeframe", "1d"];
    for (const args of [
      ["models", "list"],
      ["models", "show", model_name],
      ["models", "test", model_name, ...series],
      ["models", "predict", model_name, ...series, "--format", "csv"],
      ["models", "predict", model_name, ...series, "--explain"],
      ["models", "train", "--strategy", "outside.yaml", "--seed", "3", "--dry-run"],
      ["models", "train", "--strategy", "journey", "--dry-run", "--json"],
      ["strategies", "list"],
      ["strategies", "show", "journey"],
      ["strategies", "show", "outside.yaml", "--json"],
      ["strategies", "validate", "journey", "--json"],
      ["strategies", "validate", "outside.yaml"],
      ["data", "list"],
      ["data", "list", "--format", "csv"],
      ["data", "show", "SYN2", "--timeframe", "1d", "--format", "csv"],
      ["data", "show", "SYN1", "--timeframe", "1d", "--start-date", "2020-02-01", "--end-date", "2020-02-10"],
      ["data", "check", "SYN1", "--timeframe", "1d"],
      ["data", "check", "SYN1", "--timeframe", "1d", "--json"],
      ["indicators", "list"],
      ["indicators", "compute", "macd", "--param", "fast_period=8", ...series, "--format", "csv"],
      ["indicators", "compute", "sma", "--param", "period=20000", ...series],
      ["fuzzy", "compute", "--strategy", "journey", ...series, "--format", "json"],
      ["fuzzy", "compute", "--strategy", "outside.yaml", "--symbol", "SYN2"],
      ["labels", "list"],
      ["operations", "list"],
      ["operations", "show", session_info.operation_id],
      ["operations", "watch", session_info.operation_id],
    ] as string[][]) {
      const [by, without] = await Promise.all([runCommand(home, args, env()), runCommand(home, args)]);
      expect([by.status, by.stdout], `${args.join(" ")}\n${by.stderr}`).toEqual([0, without.stdout]);
      // The backend tells again what happened while nobody watched.
      if (args[1] !== "watch") expect(by.stderr, args.join(" ")).toBe(without.stderr);
    }
    for (const args of [
      ["data", "show", "SYN9", "--timeframe", "1d"],
      ["data", "load", "SYN1", "--timeframe", "1d", "--mode", "tail", "--json"],
      ["indicators", "compute", "sma", ...series, "--param", "periods=3"],
      ["indicators", "compute", "sma", "--symbol", "SYN1"],
      ["strategies", "validate", "wrong.yaml"],
      ["strategies", "show", "wrong.yaml", "--json"],
      ["models", "train", "--strategy", "wrong.yaml"],
      ["models", "test", "nothing", ...series, "--json"],
    ]) {
      const [by, without] = await Promise.all([runCommand(home, args, env()), runCommand(home, args)]);
      expect(by.status, args.join(" ")).not.toBe(0);
      // A run of this process was recorded before its file was read; the backend records what it can begin.
      const told = ({ status, stdout, stderr }: typeof by): unknown[] => [
        status,
        stdout,
        stderr.replace(/^Operation .*\n/, ""),
      ];
      expect(told(by), args.join(" ")).toEqual(told(without));
    }
    const missing = await runCommand(home, ["models", "show", "nothing"], env());
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('No model "nothing"')]);
  });

  test("what has no route is refused in one line, rather than answered from files here", async () => {
    writeFileSync(join(home, "bars.csv"), (await runCommand(home, dataCsv)).stdout);
    const series = ["--symbol", "SYN1", "--timeframe", "1d"];
    for (const args of [
      ["data", "import", "bars.csv", "--symbol", "X", "--timeframe", "1d"],
      ["data", "sample"],
      ["data", "resample", "SYN1", "--from", "1d", "--to", "1w"],
      ["features", "compute", "--strategy", "journey", ...series],
      ["features", "compute", "--strategy", "journey", "--input", "bars.csv"],
      ["fuzzy", "compute", "--strategy", "journey", "--input", "bars.csv"],
      ["fuzzy", "plot", "--strategy", "outside.yaml", "--feature", "rsi_14", ...series],
      ["labels", "compute", "zigzag", ...series],
      ["backtest", "run", "--model", "journey", ...series],
      ["walk-forward", "--strategy", "outside.yaml"],
      ["models", "export", "journey", "--to", "out"],
      ["models", "rules", "journey"],
      ["models", "diff", "journey", "journey"],
    ]) {
      const { status, stdout, stderr } = await runCommand(home, args, env());
      expect([status, stdout, stderr.trimEnd().split("\n").length], args.join(" ")).toEqual([1, "", 1]);
      expect(stderr, args.join(" ")).toMatch(
        /^error: ktrdr .* works on files of this machine .*Unset the variable/,
      );
    }
    for (const args of [
      ["models", "list", "--models-dir", "models"],
      ["data", "list", "--data-dir", "data"],
      ["models", "train", "--strategy", "outside.yaml", "--seeds", "2"],
    ]) {
      const { status, stderr } = await runCommand(home, args, env());
      expect([status, stderr], args.join(" ")).toEqual([2, expect.stringContaining("unset KTRDR_API_URL")]);
    }
    // What comes of the named files alone is the same everywhere.
    for (const args of [
      ["indicators", "compute", "rsi", "--input", "bars.csv"],
      ["fuzzy", "compute", "--strategy", "outside.yaml", "--input", "bars.csv"],
      ["labels", "compute", "zigzag", "--input", "bars.csv"],
    ]) {
      const [by, without] = await Promise.all([runCommand(home, args, env()), runCommand(home, args)]);
      expect([by.status, by.stdout, by.stderr], args.join(" ")).toEqual([0, without.stdout, without.stderr]);
    }
  });

  test.each(["SIGINT", "operations cancel"])("a run is cancelled by %s", async (way) => {
    const run = startCommand(home, [...trainArguments, "--epochs", "1000000"], env());
    await new Promise<void>((resolve) => {
      run.child.stderr?.on("data", () => /^Epoch 2\//m.test(run.stderr()) && resolve());
      void run.done.then(() => resolve());
    });
    const id = /Operation (\S+)/.exec(run.stderr())?.[1] as string;
    if (way === "SIGINT") run.child.kill("SIGINT");
    else expect((await runCommand(home, ["operations", "cancel", id, "--json"], env())).status).toBe(0);
    const { status, stderr } = await run.done;
    expect(status, stderr).toBe(130);
    expect((await get(`/operations/${id}`)).body.data.status).toBe("cancelled");
  });

  test("a backend that is not there is said", async () => {
    const { status, stderr } = await runCommand(home, ["models", "list"], {
      KTRDR_API_URL: "http://127.0.0.1:9",
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining("does not answer")]);
    const wrong = await runCommand(home, ["models", "list"], { KTRDR_API_URL: "nowhere" });
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining("KTRDR_API_URL")]);
  });
});

test("operations of other processes are seen, followed and cancelled too", async () => {
  const run = startCommand(home, ["models", "train", "--strategy", "outside.yaml", "--epochs", "1000000"]);
  await new Promise<void>((resolve) => {
    run.child.stderr?.on("data", () => /^Epoch 2\//m.test(run.stderr()) && resolve());
    void run.done.then(() => resolve());
  });
  const id = /Operation (\S+)/.exec(run.stderr())?.[1] as string;
  const events: StreamEvent[] = [];
  for await (const event of follow(backend.url, `/api/v1/operations/${id}/stream`)) {
    events.push(event);
    if (events.length === 5) void send(backend.url, "DELETE", `/api/v1/operations/${id}`);
  }
  expect(events.at(-1)).toMatchObject({ event: "status", data: { status: "cancelled" } });
  expect((await run.done).status).toBe(130);
});

test("a backend that is killed leaves interrupted operations, and nothing that runs", async () => {
  const place = mkdtempSync(join(home, "killed-"));
  const random = createRandom(8, "kills");
  for (let k = 0; k < rounds(50, 1); k++) {
    const child = startCommand(place, ["serve", "--port", "0", "--data-dir", dataFolder]);
    const url = await new Promise<string>((resolve) => {
      child.child.stderr?.on("data", () => {
        const found = /Listening on (\S+)/.exec(child.stderr())?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const body = { strategy_yaml: strategyText(), ...endless };
    const { task_id } = (await send(url, "POST", "/api/v1/trainings/start", { body })).body;
    await wait(random.uniform() * 400);
    child.child.kill("SIGKILL");
    await child.done;
    const store = new OperationStore(join(place, ".ktrdr", "operations.db"));
    expect(store.get(task_id as string)).toMatchObject({ status: "failed", error: { code: "INTERRUPTED" } });
    store.close();
    expect(new ModelStorage(join(place, "models")).list()).toEqual([]);
  }
}, 600_000);

function expectRefusal(reply: Reply, what: string): void {
  expect(reply.status, `${what}: ${reply.text}`).toBeGreaterThanOrEqual(400);
  expect(reply.status, `${what}: ${reply.text}`).toBeLessThan(500);
  expect(reply.body.error, what).toEqual({
    code: expect.stringMatching(/^[A-Z_]+$/) as string,
    message: expect.stringMatching(/\S/) as string,
    details: expect.any(Object) as object,
  });
}

describe("the interface", () => {
  test("its OpenAPI document passes the linter", async () => {
    const document = (await send(backend.url, "GET", "/openapi.json")).body as OpenApi;
    expect(lintOpenApi(document)).toBeNull();
    expect(Object.keys(document.paths).length).toBeGreaterThan(20);
  });

  const anyValue = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom("SYN1", "1d", "rsi", "journey", "../x", "a/b", "2020-01-01", -1, 1e300, "", "tail"),
    fc.string({ unit: "binary", maxLength: 30 }),
  );
  test.each([
    ["/trainings/start", trainingSchema],
    ["/models/test", useSchema],
    ["/models/predict", predictSchema],
    ["/trainings/plan", trainingSchema],
    ["/strategies/validate", textSchema],
    ["/strategies/show", textSchema],
    ["/data/load", loadSchema],
    ["/indicators/compute", indicatorSchema],
    ["/fuzzy/compute", fuzzySchema],
  ] as const)("POST %s refuses wrong bodies with a clear message", async (path, schema) => {
    const names = Object.keys(z.toJSONSchema(schema, { io: "input" }).properties ?? {});
    const bodies = fc.dictionary(fc.constantFrom(...names, "other"), anyValue, { maxKeys: names.length });
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const reply = await post(path, body);
        if (reply.status !== 200) expectRefusal(reply, JSON.stringify(body));
        else expect(schema.safeParse(body).success, JSON.stringify(body)).toBe(true);
        const isRefusedUnread = JSON.stringify(body).includes('"__proto__":');
        if (isRefusedUnread) expect(reply.body.error.message).toContain("__proto__");
        else if ("other" in body) expect(reply.body.error.message).toContain("other");
        const started = reply.body.task_id as string | undefined;
        if (started !== undefined) await send(backend.url, "DELETE", `/api/v1/operations/${started}`);
      }),
      { numRuns: rounds(1000, 5) * 6 },
    );
  });

  test("a body that is refused unread says why", async () => {
    const address = `${backend.url}/api/v1/fuzzy/compute`;
    for (const body of ["{", '{"symbol": {"__proto__": 1}}', '{"constructor": {"prototype": 1}}']) {
      const reply = await fetch(address, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      });
      expect(reply.status, body).toBe(400);
      const { error } = (await reply.json()) as { error: { code: string; message: string } };
      expect(error, body).toMatchObject({ code: "MALFORMED_REQUEST" });
      expect(error.message, body).toContain('is not JSON, or has a key "__proto__"');
    }
  });

  test("names cannot leave their folders", async () => {
    const tricks = [
      "..",
      "../outside",
      "../../outside",
      "..%2f..%2foutside",
      "%2e%2e",
      "a%00",
      "%",
      "x".repeat(300),
    ];
    for (const trick of tricks) {
      for (const path of [
        `/strategies/${trick}`,
        `/models/${trick}`,
        `/models/x/${trick}`,
        `/data/${trick}/1d`,
        `/data/SYN1/${trick}`,
        `/operations/${trick}`,
      ]) {
        expectRefusal(await get(path), path);
      }
      expectRefusal(await post("/trainings/start", { strategy_name: trick }), trick);
      expectRefusal(
        await post("/fuzzy/compute", { strategy_name: trick, symbol: "SYN1", timeframe: "1d" }),
        trick,
      );
      expectRefusal(await post("/models/test", { model: trick, symbol: "SYN1", timeframe: "1d" }), trick);
    }
    expect(readdirSync(home)).not.toContain("x");
  });
});
