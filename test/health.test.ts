import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { BarStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { startCommand } from "./command.js";
import { follow, send, type Reply } from "./http.js";
import { strategyText } from "./journey-strategies.js";
import { latencyText } from "./latencies.js";
import { rounds } from "./rounds.js";

// Services in processes of their own: what is measured is their thread, not the one that asks.

const folder = mkdtempSync(join(tmpdir(), "ktrdr-health-"));
const dataFolder = join(folder, "data");
const minutes = rounds(500, 60) * 1000;
const minuteStrategy = strategyText({
  name: "minutes",
  training_data: `
  symbols: { mode: single, symbol: LONG }
  timeframes: { mode: single, timeframe: 1m }`,
  model: `
  architecture: { hidden_layers: [8], activation: relu, dropout: 0 }
  training: { epochs: 1, batch_size: 1024, learning_rate: 0.003 }`,
});

beforeAll(async () => {
  const store = new BarStore(dataFolder);
  await store.save(makeBars());
  await store.save(makeBars({ symbol: "HOURS", timeframe: "1h", count: 60_000, volatility: 0.003 }));
  await store.save(makeBars({ symbol: "LONG", timeframe: "1m", count: minutes, volatility: 0.001 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of the service that was started last. */
let servicePid: number | undefined;

/** Nice values of a process's threads, by their ids: the first of them has the process's own id. Linux only. */
function niceValues(pid: number): Map<number, number> {
  const fieldsOf = (thread: string): string[] => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  };
  return new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => [Number(thread), Number(fieldsOf(thread)[16])]),
  );
}

async function startService(args: readonly string[]): Promise<string> {
  const home = mkdtempSync(join(folder, "home-"));
  writeFileSync(join(home, "journey.yaml"), strategyText());
  const run = startCommand(home, [...args, "--port", "0", "--data-dir", dataFolder]);
  servicePid = run.child.pid;
  onTestFinished(async () => {
    run.child.kill("SIGTERM");
    await run.done;
  });
  return new Promise<string>((resolve, reject) => {
    run.child.stderr?.on("data", () => {
      const found = /Listening on (\S+)/.exec(run.stderr())?.[1];
      if (found !== undefined) resolve(found);
    });
    void run.done.then(({ stderr }) => reject(new Error(stderr)));
  });
}

/** Asks again and again, 5 ms after each reply. In a thread of its own: this one is busy with what it is sent. */
const pinger = `
const { parentPort, workerData } = require("node:worker_threads");
const { Agent, get } = require("node:http");
const agent = new Agent({ keepAlive: true });
const times = [];
let over = false;
parentPort.on("message", () => (over = true));
function ask() {
  if (over) return parentPort.postMessage(times), parentPort.close(), agent.destroy();
  const at = performance.now();
  get(workerData, { agent }, (reply) => {
    if (reply.statusCode !== 200) throw new Error("status " + reply.statusCode);
    reply.resume().on("end", () => {
      times.push(performance.now() - at);
      setTimeout(ask, 5);
    });
  });
}
ask();
`;

function pingHealth(url: string, path: string): Worker {
  const worker = new Worker(pinger, { eval: true, workerData: `${url}${path}` });
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

/** Ends the asking, and prints how long the replies took. */
async function tell(what: string, worker: Worker): Promise<void> {
  worker.postMessage("over");
  const [times] = (await once(worker, "message")) as [number[]];
  expect(times.length).toBeGreaterThan(0);
  process.stdout.write(`/health ${what}: ${latencyText(times)}\n`);
}

test("the host answers while it trains a network of the size of W3", async () => {
  const url = await startService(["host", "start"]);
  // 5 memberships of this bar and the 39 before: 200 inputs, as W3 has.
  const model = `
  features: { lookback_periods: 39 }
  architecture: { hidden_layers: [512, 256, 128], activation: relu, dropout: 0.1 }
  training: { epochs: 1000000, batch_size: 1024, learning_rate: 0.001 }`;
  const training_data = `
  symbols: { mode: single, symbol: HOURS }
  timeframes: { mode: single, timeframe: 1h }`;
  const body = { strategy_yaml: strategyText({ model, training_data }) };
  const { session_id } = (await send(url, "POST", "/training/start", { body })).body;
  for await (const { event } of follow(url, `/training/stream/${session_id}`)) if (event === "batch") break;
  if (process.platform === "linux" && servicePid !== undefined) {
    const values = niceValues(servicePid);
    const answers = values.get(servicePid) as number;
    expect([...values.values()], "that of the thread that trains").toContain(Math.min(19, answers + 10));
  }
  const ping = pingHealth(url, "/health");
  await new Promise((resolve) => setTimeout(resolve, 1000 * rounds(20, 2)));
  await tell("while W3 trains", ping);
  const { body: status } = await send(url, "GET", `/training/status/${session_id}`);
  expect([status.status, status.progress.epoch >= 1]).toEqual(["running", true]);
  const stopped = await send(url, "POST", "/training/stop", { body: { session_id } });
  expect(stopped.body).toMatchObject({ status: "stopped", session_status: "cancelled" });
});

test("the backend answers while ten trainings run, fifty clients poll and twenty follow", async () => {
  const url = await startService(["serve", "--max-sessions", "10"]);
  const count = 10;
  const model = `
  architecture: { hidden_layers: [16, 8], activation: relu, dropout: 0.1 }
  training: { epochs: ${40 * rounds(500, 2)}, batch_size: 32, learning_rate: 0.003 }`;
  const ping = pingHealth(url, "/api/v1/health");
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, seed) => {
      const body = { strategy_yaml: strategyText({ model }), seed };
      return (await send(url, "POST", "/api/v1/trainings/start", { body })).body.task_id as string;
    }),
  );
  let over = false;
  const pollers = Array.from({ length: 50 }, async (_, k) => {
    while (!over) {
      const { status } = await send(url, "GET", `/api/v1/operations/${ids[k % count]}`);
      expect(status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  const ends = await Promise.all(
    Array.from({ length: 20 }, async (_, k) => {
      let end = "";
      for await (const { event, data } of follow(url, `/api/v1/operations/${ids[k % count]}/stream`))
        if (event === "status") end = data.status as string;
      return end;
    }),
  );
  over = true;
  await Promise.all(pollers);
  await tell("of the backend: 10 trainings, 50 clients poll, 20 follow", ping);
  expect(new Set(ends)).toEqual(new Set(["completed"]));
});

test("the backend answers while it tests, predicts, checks, computes and reads strategies", async () => {
  const url = await startService(["serve"]);
  const post = (path: string, body: object): Promise<Reply> => send(url, "POST", `/api/v1${path}`, { body });
  const { task_id } = (await post("/trainings/start", { strategy_yaml: minuteStrategy })).body;
  for await (const { data } of follow(url, `/api/v1/operations/${task_id}/stream`)) void data;
  const series = { symbol: "LONG", timeframe: "1m" };
  const rows = { limit: 1_000_000 };
  const nasty = Array.from({ length: 3000 }, (_, k) => `key_${k}: ${k}`).join("\n");
  const ping = pingHealth(url, "/api/v1/health");
  const replies = await Promise.all([
    post("/models/test", { model: "minutes", ...series }),
    post("/models/predict", {
      model: "minutes",
      ...series,
      start_date: "2020-01-05",
      end_date: "2020-01-20",
    }),
    post("/indicators/compute", { name: "rsi", ...series, ...rows }),
    post("/fuzzy/compute", { strategy_yaml: minuteStrategy, ...series, ...rows }),
    send(url, "GET", "/api/v1/data/LONG/1m/check"),
    send(url, "GET", `/api/v1/data/LONG/1m?limit=${rows.limit}`),
    post("/strategies/validate", { strategy_yaml: nasty }),
    post("/trainings/start", { strategy_yaml: nasty }),
  ]);
  await tell("of the backend while it computes", ping);
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 200, 422]);
  expect(replies[2].body.data).toHaveLength(minutes);
  expect(replies[6].body.data.errors.length).toBeGreaterThan(1000);
});
