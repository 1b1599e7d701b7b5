import { TaskThreads } from "../task-threads.js";
import { settingsOf } from "../training-request.js";
import { z } from "zod";
import { dataModes } from "../../data/index.js";
import { ModelStorage } from "../../models/index.js";
import { OperationStore } from "../../operations/index.js";
import { packageVersion } from "../../pipeline/index.js";
import {
  letTrainingsGiveWay,
  TrainingSession,
  type HostTrainingResult,
  type SessionConfig,
} from "../../orchestration/index.js";
import { Attendance } from "../http/attendance.js";
import { lastEventHeaders, sendEvents, streamReply } from "../http/event-stream.js";
import {
  commonReplies,
  goneSignal,
  startService,
  type RunningService,
  type ServiceApp,
} from "../http/server.js";
import {
  canTrainOnGpu,
  createSystemInfo,
  gpuDevices,
  gpuStatus,
  gpuStatusSchema,
  systemInfoSchema,
} from "./devices.js";
import { NoResultError, SessionExistsError } from "./errors.js";
import { sessionEvents } from "./session-stream.js";
import {
  sessionIdSchema,
  sessionStatusSchema,
  sessionSummarySchema,
  statusOf,
  summaryOf,
} from "./session-views.js";
import { TrainingService } from "./training-service.js";

/** How a host service is set up. */
export interface HostServiceOptions {
  readonly bind: string;
  readonly port: number;
  readonly token: string | null;
  readonly allowedHosts: readonly string[];
  readonly dataFolder: string;
  readonly modelsFolder: string;
  /** The SQLite file of sessions. */
  readonly sessionsFile: string;
  readonly maxSessions: number;
  /** Default 2000 for each address. */
  readonly requestsPerSecond?: number;
  readonly onChange?: (session: TrainingSession) => void;
  readonly onBug: (error: unknown) => void;
}

/** The host service: trainings of other processes and machines, on this one. */
export interface HostService {
  readonly url: string;
  readonly training: TrainingService;
  /** Stops what runs, in order, and then the service itself. */
  close(): Promise<void>;
}

const serviceName = "ktrdr training host";
const word = (what: string): z.ZodString => z.string().max(100).describe(what);

/** The longest strategy taken: they have some kilobytes, and reading the worst YAML of this length takes seconds of a thread. */
const longestStrategy = 128 * 1024;

/** The body of `POST /training/start`. */
export const startSchema = z.strictObject({
  session_id: sessionIdSchema.optional(),
  strategy_yaml: z.string().min(1).max(longestStrategy).describe("The text of the strategy file."),
  symbols: z.array(word("A symbol.")).min(1).max(1000).optional().describe("Default: those of the strategy."),
  timeframes: z
    .array(word("A timeframe."))
    .min(1)
    .max(8)
    .optional()
    .describe("Default: those of the strategy."),
  start_date: word("First day, included.").optional(),
  end_date: word("Last day, included whole.").optional(),
  seed: z.int().min(0).max(0xffffffff).optional(),
  epochs: z.int().min(1).max(1_000_000).optional().describe("Epochs at most."),
  engine: word("An engine's name, or auto.").optional(),
  threads: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe("At most; used where that pays. Results do not depend on it."),
  data_mode: z.enum(dataModes).optional(),
  trials: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      "Runs on the same data that whoever asks knows of, this one included, for the verdict. Default: 1.",
    ),
  attended: z
    .boolean()
    .optional()
    .describe(
      "Stop it when nobody has followed its stream or asked for its status for 3.5 s. Default: false.",
    ),
  max_memory_bytes: z
    .int()
    .min(1)
    .optional()
    .describe(
      "Refuse where the arrays need more; default: the host's memory, shared by the sessions that run at once.",
    ),
});

/** The body of `POST /training/stop`. */
export const stopSchema = z.strictObject({
  session_id: sessionIdSchema,
  save_checkpoint: z
    .boolean()
    .optional()
    .describe("Taken for the sake of older callers. Nothing partial is saved, and checkpoint_saved says so."),
});

/** The reply of `POST /training/start`. */
export const startReply = z.object({
  session_id: sessionIdSchema,
  status: z.literal("started"),
  session_status: sessionSummarySchema.shape.status,
  queue_position: sessionSummarySchema.shape.queue_position,
  message: z.string(),
  gpu_allocated: z.boolean(),
  estimated_duration_minutes: z
    .number()
    .nullable()
    .describe("As long as the same training took before, seed aside; null where it is new."),
});

const stopReply = z.object({
  session_id: sessionIdSchema,
  status: z.enum(["stopped", "stopping", "completed", "failed"]),
  session_status: sessionSummarySchema.shape.status,
  message: z.string(),
  checkpoint_saved: z.literal(false),
});

/** The reply of `GET /health`. */
export const healthSchema = z.object({
  healthy: z.literal(true),
  service: z.string(),
  status: z.literal("operational"),
  timestamp: z.string(),
  active_training_sessions: z.int(),
  waiting_training_sessions: z.int(),
  max_training_sessions: z.int(),
  gpu_status: gpuStatusSchema,
  system_info: systemInfoSchema,
});

const detailedSchema = healthSchema.extend({
  uptime_seconds: z.number(),
  version: z.string(),
  node_version: z.string(),
  gpu_devices: z.array(
    z.object({
      name: z.string(),
      total_memory_mb: z.number().nullable(),
      allocated_memory_mb: z.number().nullable(),
    }),
  ),
  data_folder: z.string(),
  models_folder: z.string(),
});

/** A part of a result, with the fields that docs/host-api.md lists. */
const section = z.looseObject({}) as z.ZodType<object>;

const idParams = z.object({ session_id: sessionIdSchema });

function addHealthRoutes(app: ServiceApp, service: TrainingService): void {
  const startedAt = performance.now();
  const systemInfo = createSystemInfo();
  const health = async (): Promise<z.infer<typeof healthSchema>> => ({
    healthy: true,
    service: serviceName,
    status: "operational",
    timestamp: new Date().toISOString(),
    active_training_sessions: service.active,
    waiting_training_sessions: service.waiting,
    max_training_sessions: service.maxSessions,
    gpu_status: gpuStatus(await gpuDevices()),
    system_info: systemInfo(),
  });
  const rootSchema = z.object({
    service: z.string(),
    version: z.string(),
    status: z.literal("operational"),
    timestamp: z.string(),
    gpu_available: z.boolean(),
    gpu_device_count: z.int(),
    gpu_type: gpuStatusSchema.shape.gpu_type,
  });
  app.get(
    "/",
    {
      schema: {
        operationId: "about",
        summary: "What this is",
        tags: ["health"],
        response: { 200: rootSchema, ...commonReplies },
      },
    },
    async () => {
      const gpu = gpuStatus(await gpuDevices());
      return {
        service: serviceName,
        version: packageVersion,
        status: "operational" as const,
        timestamp: new Date().toISOString(),
        gpu_available: gpu.available,
        gpu_device_count: gpu.device_count,
        gpu_type: gpu.gpu_type,
      };
    },
  );
  const response = { 200: healthSchema, ...commonReplies };
  app.get(
    "/health",
    {
      schema: {
        operationId: "health",
        summary: "Whether it works, and its load",
        tags: ["health"],
        response,
      },
    },
    health,
  );
  app.get("/health/", { schema: { hide: true } }, health);
  app.get(
    "/health/detailed",
    {
      schema: {
        operationId: "detailedHealth",
        summary: "The same with devices, folders and versions",
        tags: ["health"],
        response: { 200: detailedSchema, ...commonReplies },
      },
    },
    async () => ({
      ...(await health()),
      uptime_seconds: Math.round((performance.now() - startedAt) / 100) / 10,
      version: packageVersion,
      node_version: process.versions.node,
      gpu_devices: (await gpuDevices()).map(({ name, memoryMb, usedMemoryMb }) => ({
        name,
        total_memory_mb: memoryMb,
        allocated_memory_mb: usedMemoryMb,
      })),
      data_folder: service.dataFolder,
      models_folder: service.modelStorage.root,
    }),
  );
}

function addTrainingRoutes(app: ServiceApp, service: TrainingService, threads: TaskThreads): void {
  const attendance = new Attendance();
  /** Sessions whose strategy is being checked: they can be stopped before they are any. */
  const starting = new Map<string, AbortController>();
  const check = async (config: SessionConfig, id: string | undefined, gone: AbortSignal) => {
    if (id === undefined) return threads.run("checkTraining", config, gone);
    if (starting.has(id)) throw new SessionExistsError(id);
    const stop = new AbortController();
    starting.set(id, stop);
    try {
      return await threads.run("checkTraining", config, AbortSignal.any([gone, stop.signal]));
    } finally {
      starting.delete(id);
    }
  };
  const tags = ["training"];
  app.post(
    "/training/start",
    {
      schema: {
        operationId: "startTraining",
        summary: "Start a training, or queue it",
        tags,
        body: startSchema,
        response: { 200: startReply, ...commonReplies },
      },
    },
    async ({ body }, reply) => {
      const { dataFolder } = service;
      const strategy = { strategyPath: "strategy_yaml", strategyText: body.strategy_yaml };
      const config: SessionConfig = { ...strategy, dataFolder, ...settingsOf(body) };
      const checked = await check(config, body.session_id, goneSignal(reply));
      const session = service.start({ ...config, checked }, body.session_id);
      if (body.attended) {
        attendance.watch(session, () => void service.stop(session.sessionId).catch(() => undefined));
      }
      const position = service.positionOf(session.sessionId);
      return {
        session_id: session.sessionId,
        status: "started" as const,
        session_status: session.status,
        queue_position: position,
        message: position === null ? "The training runs." : `The training waits; its place is ${position}.`,
        gpu_allocated: config.engine === "webgpu" && canTrainOnGpu(await gpuDevices()),
        estimated_duration_minutes: service.estimateMinutes(session.config),
      };
    },
  );
  app.post(
    "/training/stop",
    {
      schema: {
        operationId: "stopTraining",
        summary: "Stop a training; replies when it has ended, after 2 s at the latest",
        tags,
        body: stopSchema,
        response: { 200: stopReply, ...commonReplies },
      },
    },
    async ({ body }) => {
      starting.get(body.session_id)?.abort();
      const { sessionId, status } = starting.has(body.session_id)
        ? { sessionId: body.session_id, status: "cancelled" as const }
        : await service.stop(body.session_id);
      const words = {
        cancelled: ["stopped", "Cancelled; nothing of it is left."],
        completed: ["completed", "It was saved before the request took effect."],
        failed: ["failed", "It failed before the request took effect."],
        running: ["stopping", "The request is noted; the training has not ended yet."],
        initialized: ["stopping", "The request is noted; the training has not ended yet."],
      } as const;
      const [word, message] = words[status];
      return {
        session_id: sessionId,
        status: word,
        session_status: status,
        message,
        checkpoint_saved: false as const,
      };
    },
  );
  app.get(
    "/training/status/:session_id",
    {
      schema: {
        operationId: "trainingStatus",
        summary: "State and progress of a session",
        tags,
        params: idParams,
        response: { 200: sessionStatusSchema, ...commonReplies },
      },
    },
    async ({ params }) => {
      attendance.ask(params.session_id);
      return statusOf(service, service.find(params.session_id));
    },
  );
  app.get(
    "/training/stream/:session_id",
    {
      schema: {
        operationId: "trainingStream",
        summary: "Every phase, epoch and state as server-sent events, and at most 20 batches a second",
        tags,
        params: idParams,
        headers: lastEventHeaders,
        response: { 200: streamReply, ...commonReplies },
      },
    },
    (request, reply) => {
      const session = service.find(request.params.session_id);
      const from = request.headers["last-event-id"] ?? 0;
      sendEvents(request, reply, (signal) => {
        attendance.follow(session.sessionId, signal);
        return session instanceof TrainingSession
          ? sessionEvents(session, from, signal)
          : pastEvents(session);
      });
    },
  );
  app.get(
    "/training/result/:session_id",
    {
      schema: {
        operationId: "trainingResult",
        summary: "The result of a completed session: the same fields as `ktrdr models train --json`",
        tags,
        params: idParams,
        response: {
          200: z.looseObject({
            session_id: sessionIdSchema,
            status: z.literal("completed"),
            start_time: z.string().nullable(),
            last_updated: z.string(),
            model_name: z.string(),
            model_path: z.string(),
            training_metrics: section,
            test_metrics: section,
            artifacts: section,
            model_info: section,
            data_summary: section,
            session_info: section,
            resource_usage: section,
          }),
          ...commonReplies,
        },
      },
    },
    async ({ params }) => {
      const session = service.find(params.session_id);
      const { result, status, error, startedAt, lastUpdated } = session;
      if (result === null) throw new NoResultError(params.session_id, status, error);
      // What a host's session holds was made by `HostTrainingOrchestrator`.
      return {
        ...(result as HostTrainingResult),
        status: "completed" as const,
        start_time: startedAt,
        last_updated: lastUpdated,
      };
    },
  );
  app.get(
    "/training/sessions",
    {
      schema: {
        operationId: "listSessions",
        summary: "Sessions, the newest first",
        tags,
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
        response: {
          200: z.object({
            total_sessions: z.int(),
            sessions: z.array(sessionSummarySchema),
            timestamp: z.string(),
          }),
          ...commonReplies,
        },
      },
    },
    async ({ query }) => {
      const all = service.list();
      return {
        total_sessions: all.length,
        sessions: all.slice(0, query.limit).map((session) => summaryOf(service, session)),
        timestamp: new Date().toISOString(),
      };
    },
  );
  app.delete(
    "/training/sessions/:session_id",
    {
      schema: {
        operationId: "deleteSession",
        summary: "Forget a session that is over; its model stays",
        tags,
        params: idParams,
        response: {
          200: z.object({ session_id: sessionIdSchema, status: z.literal("cleaned_up") }),
          ...commonReplies,
        },
      },
    },
    async ({ params }) => {
      service.forget(params.session_id);
      return { session_id: params.session_id, status: "cleaned_up" as const };
    },
  );
}

/** The stream of a session whose events are no longer held: its final state. */
async function* pastEvents({ status, error }: { status: string; error: object | null }) {
  yield [{ event: "status", data: { status, error } }];
}

/** Starts the host service. @throws UsageError, ListenError, OperationsFileError */
export async function startHostService(options: HostServiceOptions): Promise<HostService> {
  const store = new OperationStore(options.sessionsFile);
  // Asked once before the first request, which may have no more than 100 ms.
  await gpuDevices();
  const threads = new TaskThreads(1);
  let running: RunningService;
  let training: TrainingService;
  try {
    training = new TrainingService({
      dataFolder: options.dataFolder,
      modelStorage: new ModelStorage(options.modelsFolder),
      store,
      maxSessions: options.maxSessions,
      ...(options.onChange === undefined ? {} : { onChange: options.onChange }),
    });
    letTrainingsGiveWay();
    running = await startService(
      {
        ...options,
        title: "ktrdr training host",
        description:
          "Runs trainings of other processes and machines. Models appear in the shared models folder.",
      },
      (app) => {
        addHealthRoutes(app, training);
        addTrainingRoutes(app, training, threads);
      },
    );
  } catch (error) {
    await threads.close();
    store.close();
    throw error;
  }
  return {
    url: running.url,
    training,
    async close() {
      await training.close();
      await threads.close();
      await running.close();
      store.close();
    },
  };
}
