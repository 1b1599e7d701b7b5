import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ControlBlock, TrainingProgress } from "../src/core/index.js";
import type { sendEvents as SendEvents } from "../src/service/http/event-stream.js";
import type { startService as StartService } from "../src/service/http/server.js";
import type { sessionEvents as SessionEvents } from "../src/service/host/session-stream.js";
import { importBuilt, importBuiltFile } from "./built.js";

/** What a run on the host has around it: its session with the event log, and a client that follows it over HTTP. */
export interface FollowedSession {
  /** The session's control block, which the run reads its stop flag from and writes its snapshots to. */
  readonly memory: ControlBlock;
  /** Takes a report of the run as the host orchestrator does. */
  report(progress: TrainingProgress): void;
  /** Ends the session; returns how many events the client received. */
  end(): Promise<number>;
}

/** A client of server-sent events, in a thread of its own as it would be in a process of its own. */
const client = `
const { parentPort, workerData } = require("node:worker_threads");
require("node:http").get(workerData, (reply) => {
  let events = 0;
  parentPort.postMessage("connected");
  reply.setEncoding("utf8");
  reply.on("data", (text) => (events += text.split("event: ").length - 1));
  reply.on("end", () => parentPort.postMessage(events));
});
`;

/** Starts a session of the host service's kind, behind a service's stream route, and a client that follows it. */
export async function startFollowedSession(): Promise<FollowedSession> {
  const { TrainingSession } = await importBuilt();
  const { startService } = await importBuiltFile<{ startService: typeof StartService }>(
    "service/http/server.js",
  );
  const { sendEvents } = await importBuiltFile<{ sendEvents: typeof SendEvents }>(
    "service/http/event-stream.js",
  );
  const { sessionEvents } = await importBuiltFile<{ sessionEvents: typeof SessionEvents }>(
    "service/host/session-stream.js",
  );
  const session = new TrainingSession("bench", { strategyPath: "", dataFolder: "" });
  const service = await startService(
    {
      bind: "127.0.0.1",
      port: 0,
      token: null,
      allowedHosts: [],
      title: "bench",
      description: "One session.",
      onBug: (error) => {
        throw error;
      },
    },
    (app) => {
      app.get("/stream", (request, reply) =>
        sendEvents(request, reply, (signal) => sessionEvents(session, 0, signal)),
      );
    },
  );
  session.begin();
  const follower = new Worker(client, { eval: true, workerData: `${service.url}/stream` });
  await once(follower, "message");
  return {
    memory: session.memory,
    report: (progress) => session.report(progress),
    async end() {
      const received = once(follower, "message") as Promise<[number]>;
      session.end({ status: "cancelled" });
      const [events] = await received;
      await follower.terminate();
      await service.close();
      return events;
    },
  };
}
