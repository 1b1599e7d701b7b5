import { z } from "zod";
import { parseDateRange } from "../../data/index.js";
import { ModelStorage } from "../../models/index.js";
import { OperationStore } from "../../operations/index.js";
import { letTrainingsGiveWay, strategyOf, type SessionConfig } from "../../orchestration/index.js";
import { packageVersion } from "../../pipeline/index.js";
import { Attendance } from "../http/attendance.js";
import { commonReplies, startService, type RunningService } from "../http/server.js";
import { TrainingManager, type HostSettings } from "../manager/index.js";
import { TaskThreads } from "../task-threads.js";
import { BackendTrainings } from "./backend-trainings.js";
import { addDataRoutes } from "./data-routes.js";
import { addModelRoutes } from "./model-routes.js";
import { addOperationRoutes } from "./operation-routes.js";
import { addStrategyRoutes } from "./strategy-routes.js";
import { addTrainingRoutes } from "./training-routes.js";

/** How a backend is set up. */
export interface BackendServiceOptions {
  readonly bind: string;
  readonly port: number;
  readonly token: string | null;
  readonly allowedHosts: readonly string[];
  readonly dataFolder: string;
  readonly modelsFolder: string;
  readonly strategiesFolder: string;
  /** The SQLite file of operations; the command line's, so that both see all. */
  readonly operationsFile: string;
  /** Trainings at once. */
  readonly maxSessions: number;
  /** Default 2000 for each address. */
  readonly requestsPerSecond?: number;
  /** Where the training host is, and whether trainings go there. */
  readonly host: HostSettings;
  readonly onBug: (error: unknown) => void;
}

/** A backend that listens. */
export interface BackendService {
  readonly url: string;
  /** Stops what it runs, in order, and then the service itself. */
  close(): Promise<void>;
}

/** Starts the backend: all of the command line's work over HTTP, under `/api/v1`. @throws UsageError, ListenError, OperationsFileError */
export async function startBackendService(options: BackendServiceOptions): Promise<BackendService> {
  const { dataFolder, modelsFolder, strategiesFolder, operationsFile } = options;
  const store = new OperationStore(operationsFile);
  const storage = new ModelStorage(modelsFolder);
  const manager = new TrainingManager(options.host, storage);
  const threads = new TaskThreads(2);
  const fetching = new TaskThreads(1);
  const trialsOf = (config: SessionConfig): Promise<number> => {
    const { symbols, startDate, endDate } = strategyOf(config);
    const data = { symbols, ...parseDateRange(startDate, endDate) };
    return threads.run("countTrials", { data, operationsFile, strategiesFolder, modelsFolder });
  };
  const trainings = new BackendTrainings(store, manager, options.maxSessions, trialsOf);
  const folders = { dataFolder, strategiesFolder, operationsFile };
  const attendance = new Attendance();
  const context = { ...folders, attendance, storage, store, manager, trainings, threads, fetching };
  let running: RunningService;
  try {
    const about = {
      title: "ktrdr backend",
      description: "Trainings, operations, models, strategies, bars, indicators and fuzzy sets over HTTP.",
    };
    letTrainingsGiveWay();
    running = await startService({ ...options, ...about }, (app) => {
      const health = z.object({ status: z.literal("ok"), version: z.string(), timestamp: z.string() });
      app.get(
        "/api/v1/health",
        {
          schema: {
            operationId: "health",
            summary: "Whether it works",
            tags: ["health"],
            response: { 200: health, ...commonReplies },
          },
        },
        async () => ({ status: "ok" as const, version: packageVersion, timestamp: new Date().toISOString() }),
      );
      addTrainingRoutes(app, context);
      addOperationRoutes(app, context);
      addModelRoutes(app, context);
      addStrategyRoutes(app, context);
      addDataRoutes(app, context);
    });
  } catch (error) {
    await Promise.all([threads.close(), fetching.close()]);
    store.close();
    throw error;
  }
  return {
    url: running.url,
    async close() {
      await trainings.close();
      await Promise.all([threads.close(), fetching.close()]);
      await running.close();
      store.close();
    },
  };
}
