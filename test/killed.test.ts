import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { BarStore, createRandom, ModelStorage } from "../src/index.js";
import { makeBars } from "./bars.js";
import { startCommand } from "./command.js";
import { send } from "./http.js";
import { strategyText } from "./journey-strategies.js";
import { inLanes } from "./lanes.js";
import { latencyText } from "./latencies.js";
import { rounds } from "./rounds.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-killed-"));
const dataFolder = join(folder, "data");

beforeAll(async () => {
  writeFileSync(join(folder, "journey.yaml"), strategyText());
  await new BarStore(dataFolder).save(makeBars());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A service in a process of its own. */
async function startService(home: string, args: readonly string[], env: Record<string, string> = {}) {
  const run = startCommand(home, [...args, "--data-dir", dataFolder], env);
  started.push(run);
  const url = await new Promise<string>((resolve, reject) => {
    run.child.stderr?.on("data", () => {
      const found = /Listening on (\S+)/.exec(run.stderr())?.[1];
      if (found !== undefined) resolve(found);
    });
    void run.done.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { ...run, url };
}

type Service = Awaited<ReturnType<typeof startService>>;

/** What the test that runs has started; whatever of it still runs at its end is killed. */
let started: ReturnType<typeof startCommand>[] = [];

/** A host, and a backend that sends its trainings there. The one that is killed starts again in the same folder, beside the survivor. */
interface Pair {
  readonly home: string;
  readonly port: number;
  host: Service;
  backend: Service;
}

const startHost = (home: string, port: number): Promise<Service> =>
  startService(home, ["host", "start", "--port", String(port)]);
const startBackend = (home: string, host: Service): Promise<Service> =>
  startService(home, ["serve", "--port", "0"], { TRAINING_HOST_SERVICE_URL: host.url });

async function startPair(): Promise<Pair> {
  const home = mkdtempSync(join(folder, "home-"));
  const port = await freePort();
  const host = await startHost(home, port);
  return { home, port, host, backend: await startBackend(home, host) };
}

let nextPort = 10_000 + (process.pid % 10_000);

/** A port for a host that starts again there: below those that systems give to connections, so that none takes it meanwhile. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort++;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const from = performance.now(); !(await isSo());) {
    if (performance.now() - from > 60_000) throw new Error(`not within a minute: ${what}`);
    await wait(20);
  }
}

interface State {
  readonly status: string;
  readonly error: { readonly code: string } | null;
}

const isOver = ({ status }: State): boolean => ["completed", "failed", "cancelled"].includes(status);
const endOf = ({ status, error }: State): string => `${status} ${error?.code ?? ""}`.trim();
/** Sessions as the service lists them, which does not count as following a run. */
const sessionsOf = async ({ host }: Pair): Promise<State[]> =>
  (await send(host.url, "GET", "/training/sessions")).body.sessions as State[];
const operationsOf = async ({ backend }: Pair): Promise<(State & { readonly operation_id: string })[]> =>
  (await send(backend.url, "GET", "/api/v1/operations")).body.data as (State & { operation_id: string })[];

/** Who is killed, and how the operation of the backend and the session of the host end. */
const victims = [
  { victim: "command line", operation: "cancelled", session: "cancelled" },
  { victim: "backend", operation: "failed INTERRUPTED", session: "cancelled" },
  { victim: "host", operation: "failed HOST_LOST", session: "failed INTERRUPTED" },
] as const;

type Case = (typeof victims)[number];

const trainArguments = "models train --strategy ../journey.yaml --mode host --epochs 1000000".split(" ");

/**
 * One training, and one kill in it.
 *
 * @param early kill the asker or the backend at a moment after the asker's start, whatever that has come to; else while the host trains
 * @returns milliseconds until the others had noticed
 */
async function killOne(
  pair: Pair,
  { victim, operation, session }: Case,
  moment: number,
  early: boolean,
): Promise<number> {
  const { home } = pair;
  const asker = startCommand(home, trainArguments, { KTRDR_API_URL: pair.backend.url });
  started.push(asker);
  const idOf = (): string | undefined => /Operation (\S+)/.exec(asker.stderr())?.[1];
  if (!early) {
    await until("started", () => idOf() !== undefined);
    const path = `/training/status/${idOf()}`;
    await until(
      "on the host",
      async () => (await send(pair.host.url, "GET", path)).body.status === "running",
    );
  }
  await wait(moment * 700);

  const at = performance.now();
  const killed = { "command line": asker, backend: pair.backend, host: pair.host }[victim];
  killed.child.kill("SIGKILL");
  const id = idOf();
  if (victim !== "host")
    await until("the host's session is over", async () => (await sessionsOf(pair)).every(isOver));
  if (victim !== "backend")
    await until("the backend's operation is over", async () => (await operationsOf(pair)).every(isOver));
  if (victim !== "command line") {
    const { status, stderr } = await asker.done;
    const message = early
      ? /error: .*(was lost while it ran|does not answer)/
      : /error: .*was lost while it ran/;
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  }
  const noticedMs = performance.now() - at;

  await killed.done;
  if (victim === "host") pair.host = await startHost(home, pair.port);
  if (victim === "backend") pair.backend = await startBackend(home, pair.host);
  const operations = await operationsOf(pair);
  expect(new Set(operations.map(endOf))).toEqual(new Set(operations.length === 0 ? [] : [operation]));
  const sessions = await sessionsOf(pair);
  expect(new Set(sessions.map(endOf))).toEqual(new Set(sessions.length === 0 ? [] : [session]));
  if (id !== undefined) expect(operations.map(({ operation_id }) => operation_id)).toContain(id);
  const modelsFolder = join(home, "models");
  expect(new ModelStorage(modelsFolder).list()).toEqual([]);
  const ofStrategy = join(modelsFolder, "journey");
  if (existsSync(ofStrategy)) expect(readdirSync(ofStrategy), "what was being saved").toEqual([]);
  return noticedMs;
}

test.each(victims.map((one) => [one.victim, one] as const))(
  "the %s killed at any moment of a training on the host: the others notice, and end in true states",
  async (victim, one) => {
    started = [];
    onTestFinished(() => started.forEach(({ child }) => child.kill("SIGKILL")));
    const random = createRandom(4, victim);
    const noticed: number[] = [];
    await inLanes(5, rounds(50, 1), async (kills) => {
      const pair = await startPair();
      for (const k of kills) {
        const early = k % 3 === 2 && victim !== "host";
        noticed.push(await killOne(pair, one, random.uniform(), early));
      }
      for (const service of [pair.backend, pair.host]) service.child.kill("SIGTERM");
      for (const { done } of [pair.backend, pair.host]) expect((await done).status).toBe(0);
    });
    process.stdout.write(`${victim} killed, noticed by the others: ${latencyText(noticed)}\n`);
  },
  3_600_000,
);
