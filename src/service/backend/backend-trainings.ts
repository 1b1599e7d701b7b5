import { endOf, runOperation, type OperationStore } from "../../operations/index.js";
import {
  SessionCancellationToken,
  TrainingSession,
  type ProgressBridge,
  type SessionConfig,
} from "../../orchestration/index.js";
import type { TrainingProgress } from "../../core/index.js";
import { ServiceError } from "../http/errors.js";
import type { ManagedResult, Placement, TrainingManager } from "../manager/index.js";
import { Places } from "./places.js";

/** Trainings that are over and whose progress and events stay at hand. */
const heldTrainings = 20;
const maxWaiting = 100;

/**
 * The trainings that this backend started. Each has its own session, token and operation, so that they do not touch each other; at most so
 * many run at once, the others are `pending` and wait.
 */
export class BackendTrainings {
  readonly #store: OperationStore;
  readonly #manager: TrainingManager;
  readonly #places: Places;
  readonly #trialsOf: (config: SessionConfig) => Promise<number>;
  readonly #sessions = new Map<string, TrainingSession>();
  readonly #under = new Set<Promise<void>>();
  #closing = false;

  /** @param trialsOf runs on the same data, the one of this configuration, which is recorded by then, included */
  constructor(
    store: OperationStore,
    manager: TrainingManager,
    maxSessions: number,
    trialsOf: (config: SessionConfig) => Promise<number>,
  ) {
    this.#store = store;
    this.#trialsOf = trialsOf;
    this.#manager = manager;
    this.#places = new Places(maxSessions);
  }

  /** A training that this backend started; undefined for all others, and for those that ended long ago. */
  find(operationId: string): TrainingSession | undefined {
    return this.#sessions.get(operationId);
  }

  /** Records a training and lets it run, or wait for a place. Returns when it has an id. @throws OperationsFileError */
  start(config: SessionConfig, placement: Placement, metadata: object): Promise<TrainingSession> {
    if (this.#closing) throw new ServiceError(503, "SHUTTING_DOWN", "The service is shutting down.");
    if (this.#places.waiting >= maxWaiting) {
      throw new ServiceError(
        503,
        "QUEUE_FULL",
        `${maxWaiting} trainings wait already. Ask again when some are done.`,
      );
    }
    return new Promise((resolve, reject) => {
      const run = this.#run(config, placement, metadata, resolve).catch(reject);
      this.#under.add(run);
      void run.finally(() => this.#under.delete(run));
    });
  }

  /** Stops all that run or wait, and returns when they have ended. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const session of this.#sessions.values()) if (!session.isFinal) session.stopRequested = true;
    await Promise.all(this.#under);
  }

  async #run(
    config: SessionConfig,
    placement: Placement,
    metadata: object,
    onCreated: (session: TrainingSession) => void,
  ): Promise<void> {
    let session: TrainingSession | undefined;
    let placed = false;
    const request = {
      store: this.#store,
      type: "training",
      metadata,
      cancel: () => {
        if (session !== undefined) session.stopRequested = true;
      },
      turn: async ({ id }: { id: string }) => {
        session = new TrainingSession(id, config);
        this.#sessions.set(id, session);
        onCreated(session);
        await this.#places.take(session.signal);
        placed = true;
      },
      summarize: ({ model_name, model_path, verdict }: ManagedResult) => ({
        model_name,
        model_path,
        statement: verdict.statement,
      }),
    };
    try {
      const result = await runOperation(request, async (run) => {
        const mine = session as TrainingSession;
        mine.begin();
        const tell = (progress: TrainingProgress): void => {
          mine.report(progress);
          run.publish(progress);
        };
        const bridge: ProgressBridge = { onPhase: tell, onBatch: tell, onEpoch: tell };
        const context = { ...config, operationId: run.id, trials: await this.#trialsOf(config) };
        return this.#manager.run(context, placement, new SessionCancellationToken(mine), { bridge });
      });
      session?.end({ status: "completed", result });
    } catch (error) {
      if (session === undefined) throw error;
      session.end(endOf(error));
    } finally {
      if (placed) this.#places.release();
      const over = [...this.#sessions.values()].filter((one) => one.isFinal);
      for (const old of over.slice(0, -heldTrainings)) this.#sessions.delete(old.sessionId);
    }
  }
}
