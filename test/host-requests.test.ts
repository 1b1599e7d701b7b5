import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { BarStore } from "../src/index.js";
import { startSchema, stopSchema } from "../src/service/host/host-service.js";
import { sessionStatusSchema, sessionSummarySchema } from "../src/service/host/session-views.js";
import { makeBars } from "./bars.js";
import { importBuiltService } from "./built.js";
import { send, type Reply } from "./http.js";
import { strategyText } from "./journey-strategies.js";
import { lintOpenApi, type OpenApi } from "./openapi.js";
import { rounds } from "./rounds.js";

const { startHostService } = await importBuiltService();
const folder = mkdtempSync(join(tmpdir(), "ktrdr-host-requests-"));
const token = "a-token-of-the-tests";
const bugs: unknown[] = [];
const common = {
  port: 0,
  allowedHosts: [],
  dataFolder: join(folder, "data"),
  modelsFolder: join(folder, "models"),
  maxSessions: 1,
  // A machine that is quick enough sends more than the default in a second.
  requestsPerSecond: 1_000_000,
  onBug: (error: unknown): void => void bugs.push(error),
};
let open: Awaited<ReturnType<typeof startHostService>>;
let guarded: typeof open;

beforeAll(async () => {
  await new BarStore(common.dataFolder).save(makeBars());
  open = await startHostService({
    ...common,
    bind: "127.0.0.1",
    token: null,
    sessionsFile: join(folder, "a.db"),
  });
  guarded = await startHostService({ ...common, bind: "0.0.0.0", token, sessionsFile: join(folder, "b.db") });
});
afterAll(async () => {
  await Promise.all([open.close(), guarded.close()]);
  rmSync(folder, { recursive: true, force: true });
  expect(bugs, "bugs that requests ran into").toEqual([]);
});

const localUrl = (): string => guarded.url.replace("0.0.0.0", "127.0.0.1");

async function documentOf(url: string): Promise<OpenApi> {
  const { body } = await send(url, "GET", "/openapi.json", { headers: { authorization: `Bearer ${token}` } });
  return body as OpenApi;
}

function expectRefusal(reply: Reply, what: string): void {
  expect(reply.status, `${what}: ${reply.text}`).toBeGreaterThanOrEqual(400);
  expect(reply.status, `${what}: ${reply.text}`).toBeLessThan(500);
  expect(reply.body, what).toEqual({
    error: {
      code: expect.stringMatching(/^[A-Z_]+$/) as string,
      message: expect.stringMatching(/\S/) as string,
      details: expect.any(Object) as object,
    },
  });
  expect(reply.text, what).not.toMatch(/node_modules|\.js:\d+|\bat .*\(/);
}

describe("the OpenAPI document", () => {
  test("passes the linter, and every route has a name, a summary and its failures", async () => {
    const document = await documentOf(open.url);
    expect(lintOpenApi(document)).toBeNull();
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, route] of Object.entries(methods)) {
        expect(Object.keys(route.responses), `${method} ${path}`).toEqual(
          expect.arrayContaining(["200", "4XX"]),
        );
        expect([route.operationId, route.summary], `${method} ${path}`).toEqual([
          expect.stringMatching(/\S/),
          expect.stringMatching(/\S/),
        ]);
      }
    }
  });

  test("has the routes that there are", async () => {
    const { paths } = await documentOf(open.url);
    expect(Object.keys(paths).sort()).toEqual([
      "/",
      "/health",
      "/health/detailed",
      "/training/result/{session_id}",
      "/training/sessions",
      "/training/sessions/{session_id}",
      "/training/start",
      "/training/status/{session_id}",
      "/training/stop",
      "/training/stream/{session_id}",
    ]);
  });

  test("promises the replies that are sent", async () => {
    const { body } = await send(open.url, "POST", "/training/start", {
      body: { strategy_yaml: strategyText() },
    });
    const id = body.session_id as string;
    const status = await send(open.url, "GET", `/training/status/${id}`);
    expect(z.strictObject(sessionStatusSchema.shape).parse(status.body)).toEqual(status.body);
    const { sessions } = (await send(open.url, "GET", "/training/sessions")).body;
    expect(z.array(z.strictObject(sessionSummarySchema.shape)).parse(sessions)).toEqual(sessions);
    await send(open.url, "POST", "/training/stop", { body: { session_id: id } });
  });
});

describe("health", () => {
  test("has true figures of memory, processors and sessions", async () => {
    const { body } = await send(open.url, "GET", "/health");
    const { totalmem, cpus } = await import("node:os");
    expect(body).toMatchObject({ healthy: true, active_training_sessions: 0, max_training_sessions: 1 });
    expect(body.system_info).toMatchObject({
      cpu_count: cpus().length,
      memory_total_mb: Math.round(totalmem() / 2 ** 20),
    });
    expect(body.system_info.memory_available_mb).toBeLessThan(body.system_info.memory_total_mb);
    const detailed = (await send(open.url, "GET", "/health/detailed")).body;
    expect(Object.keys(detailed)).toEqual(expect.arrayContaining(Object.keys(body as object)));
    expect(detailed.gpu_devices).toHaveLength(body.gpu_status.device_count as number);
    expect((await send(open.url, "GET", "/health/")).status).toBe(200);
  });
});

describe("who may ask", () => {
  const routes: [string, string][] = [
    ["GET", "/"],
    ["GET", "/health"],
    ["GET", "/health/"],
    ["GET", "/health/detailed"],
    ["GET", "/openapi.json"],
    ["POST", "/training/start"],
    ["POST", "/training/stop"],
    ["GET", "/training/status/x"],
    ["GET", "/training/stream/x"],
    ["GET", "/training/result/x"],
    ["GET", "/training/sessions"],
    ["DELETE", "/training/sessions/x"],
    ["GET", "/nowhere"],
  ];

  test.each(routes)("%s %s needs the token", async (method, path) => {
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Basic ${token}`,
      token,
    ];
    for (const authorization of wrong) {
      const reply = await send(localUrl(), method, path, { headers: { authorization } });
      expect([reply.status, reply.body.error.code], authorization).toEqual([401, "UNAUTHORIZED"]);
    }
    const right = await send(localUrl(), method, path, { headers: { authorization: `Bearer ${token}` } });
    expect(right.status).not.toBe(401);
  });

  test.each(routes)("%s %s refuses pages of other sites, and other names", async (method, path) => {
    const port = new URL(open.url).port;
    const origins = [
      "http://evil.example",
      "null",
      `https://127.0.0.1:${port}`,
      "http://127.0.0.1",
      `http://127.0.0.1:${port}.evil.example`,
      `http://evil.example#127.0.0.1:${port}`,
    ];
    for (const origin of origins) {
      const reply = await send(open.url, method, path, { headers: { origin } });
      expect([reply.status, reply.body.error.code], origin).toEqual([403, "FOREIGN_ORIGIN"]);
    }
    const hosts = [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1.evil.example",
      "127.0.0.1@evil.example",
      "0.0.0.0",
    ];
    for (const host of hosts) {
      const reply = await send(open.url, method, path, { headers: { host } });
      expect([reply.status, reply.body.error.code], host).toEqual([403, "FOREIGN_HOST"]);
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      const reply = await send(open.url, method, path, { headers: { host, origin: `http://${host}` } });
      expect(reply.status, host).not.toBe(403);
    }
  });

  test("a request without a Host is refused", async () => {
    const { port } = new URL(open.url);
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(Number(port), "127.0.0.1", () => socket.write("GET /health HTTP/1.0\r\n\r\n"));
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("close", () => resolve(text));
    });
    expect(answer).toContain("403");
  });

  test("more requests in a second than were allowed are refused", async () => {
    const host = await startHostService({
      ...common,
      bind: "127.0.0.1",
      token: null,
      sessionsFile: join(folder, "c.db"),
      requestsPerSecond: 3,
    });
    try {
      const replies = await Promise.all(Array.from({ length: 30 }, () => send(host.url, "GET", "/health")));
      const refused = replies.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThan(0);
      for (const reply of refused) {
        expectRefusal(reply, "rate");
        expect([reply.status, reply.body.error.code]).toEqual([429, "RATE_LIMITED"]);
      }
    } finally {
      await host.close();
    }
  });
});

const anyJson = fc.jsonValue({ maxDepth: 2 });
const names = [...Object.keys(startSchema.shape), "symbolz", "model_path", "output_dir"];
const badValues = fc.oneof(
  anyJson,
  fc.constantFrom(
    -1,
    1.5,
    1e300,
    2 ** 53,
    "",
    " ",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "\u0000",
    "NaN",
    [],
    {},
    [null],
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

describe("wrong bodies", () => {
  test("are refused in one form, whatever they are, and name what is unknown", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), badValues, { maxKeys: 6 }), async (body) => {
        if (startSchema.safeParse(body).success) return;
        const reply = await send(open.url, "POST", "/training/start", { body });
        expectRefusal(reply, JSON.stringify(body));
        for (const name of Object.keys(body)) {
          if (name in startSchema.shape) continue;
          expect([reply.status, reply.body.error.message]).toEqual([422, expect.stringContaining(name)]);
        }
      }),
      { numRuns: rounds(2000, 5) * 10 },
    );
  });

  test("that have the form are refused for what they say, or start a training", async () => {
    const yaml = fc.oneof(
      fc.constant(strategyText()),
      fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
      fc.constantFrom(
        ...Object.keys(startSchema.shape).map((name) => `${name}: [1, 2`),
        "- a\n- b",
        "&a [*a]",
        "name: ../x",
      ),
    );
    const good = fc.record(
      {
        strategy_yaml: yaml,
        session_id: fc.stringMatching(/^[A-Za-z0-9_-]{1,100}$/),
        symbols: fc.array(fc.oneof(fc.constantFrom("SYN1", "../SYN1", ".."), fc.string({ maxLength: 100 })), {
          minLength: 1,
          maxLength: 4,
        }),
        timeframes: fc.array(fc.oneof(fc.constantFrom("1d", "1h", "../1d"), fc.string({ maxLength: 100 })), {
          minLength: 1,
          maxLength: 3,
        }),
        start_date: fc.oneof(
          fc.constantFrom("2020-01-01", "2020-13-01", "1 May"),
          fc.string({ maxLength: 100 }),
        ),
        end_date: fc.oneof(fc.constantFrom("2021-01-01", "2019-01-01"), fc.string({ maxLength: 100 })),
        seed: fc.integer({ min: 0, max: 0xffffffff }),
        epochs: fc.integer({ min: 1, max: 1_000_000 }),
        engine: fc.oneof(fc.constantFrom("auto", "reference"), fc.string({ maxLength: 100 })),
        data_mode: fc.constantFrom("local", "tail", "backfill", "full"),
      },
      { requiredKeys: ["strategy_yaml"] },
    );
    const started: string[] = [];
    await fc.assert(
      fc.asyncProperty(good, async (body) => {
        expect(startSchema.safeParse(body).success).toBe(true);
        const reply = await send(open.url, "POST", "/training/start", { body });
        if (reply.status !== 200) return expectRefusal(reply, JSON.stringify(body));
        started.push(reply.body.session_id as string);
        await send(open.url, "POST", "/training/stop", { body: { session_id: started.at(-1) } });
      }),
      { numRuns: rounds(1000, 5) * 4 },
    );
  });

  test("of the stop route are refused likewise", async () => {
    const body = fc.dictionary(fc.constantFrom("session_id", "save_checkpoint", "force", "id"), badValues, {
      maxKeys: 3,
    });
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const reply = await send(open.url, "POST", "/training/stop", { body: sent });
        expectRefusal(reply, JSON.stringify(sent));
        if (stopSchema.safeParse(sent).success) expect(reply.status).toBe(404);
      }),
      { numRuns: rounds(1000, 5) * 4 },
    );
  });

  test.each([
    ["no JSON", "{", {}, 400],
    ["nothing", undefined, { "content-type": "application/json" }, 400],
    ["null", "null", {}, 422],
    ["a list", "[]", {}, 422],
    ["a text", '"x"', {}, 422],
    ["another type", "a=b", { "content-type": "application/x-www-form-urlencoded" }, 415],
    ["a prototype", '{"__proto__": {"a": 1}}', {}, 400],
    ["two megabytes", JSON.stringify({ strategy_yaml: "x".repeat(2 << 20) }), {}, 413],
    ["too long a strategy", JSON.stringify({ strategy_yaml: "x".repeat(200_000) }), {}, 422],
  ] as const)("%s", async (what, body, headers, status) => {
    const reply = await send(open.url, "POST", "/training/start", { body, headers });
    expectRefusal(reply, what);
    expect(reply.status, reply.text).toBe(status);
  });
});

describe("paths and names", () => {
  test.each([
    "GET /training/status",
    "GET /training/result",
    "GET /training/stream",
    "DELETE /training/sessions",
  ])("%s finds no session by a trick", async (route) => {
    const [method, path] = route.split(" ");
    const tricks = [
      "..",
      "../..",
      "%2e%2e%2f",
      "..%2f..%2fetc%2fpasswd",
      "%00",
      "a%0ab",
      "x".repeat(300),
      "%",
      "%E0%A4%A",
      "op_",
      " ",
    ];
    for (const trick of tricks)
      expectRefusal(await send(open.url, method, `${path}/${trick.replaceAll(" ", "%20")}`), trick);
  });

  test("a strategy, symbol or timeframe cannot name a place outside its folder", async () => {
    const outside = ["../x", "../../x", "/tmp/x", "a/../../x", "..", ".", "a\\..\\x", "x\u0000", "%2e%2e"];
    for (const name of outside) {
      const yaml = strategyText({ name: JSON.stringify(name) });
      expectRefusal(
        await send(open.url, "POST", "/training/start", { body: { strategy_yaml: yaml } }),
        `name ${name}`,
      );
      for (const field of ["symbols", "timeframes"]) {
        const body = { strategy_yaml: strategyText(), [field]: [name] };
        expectRefusal(await send(open.url, "POST", "/training/start", { body }), `${field} ${name}`);
      }
      const session = { strategy_yaml: strategyText(), session_id: name };
      expectRefusal(await send(open.url, "POST", "/training/start", { body: session }), `session ${name}`);
    }
    expect(
      readdirSync(folder)
        .sort()
        .filter((entry) => !entry.includes(".db")),
    ).toEqual(existsSync(common.modelsFolder) ? ["data", "models"] : ["data"]);
  });
});
