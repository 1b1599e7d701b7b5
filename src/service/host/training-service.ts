import { codeOf, sha256 } from "../../core/index.js";
import { checkStrategyName, type ModelStorage } from "../../models/index.js";
import {
  endOf,
  isFinal,
  newOperationId,
  type OperationDetails,
  type OperationStore,
} from "../../operations/index.js";
import {
  HostTrainingOrchestrator,
  strategyOf,
  TrainingSession,
  usableMemory,
  type HostTrainingResult,
  type SessionConfig,
  type SessionEnd,
  type SessionFailure,
  type SessionStatus,
} from "../../orchestration/index.js";
import type { TrainingResult } from "../../pipeline/index.js";
import { checkSymbol } from "../../data/index.js";
import { findEngine } from "../../engines/index.js";
import {
  QueueFullError,
  SessionActiveError,
  SessionExistsError,
  SessionFinishedError,
  SessionNotFoundError,
  ShuttingDownError,
} from "./errors.js";

/** How the training service works. */
export interface TrainingServiceOptions {
  /** Folder of bars. */
  readonly dataFolder: string;
  readonly modelStorage: ModelStorage;
  /** Where sessions are recorded; a file of its own. */
  readonly store: OperationStore;
  /** Sessions that run at once. */
  readonly maxSessions: number;
  /** Finished sessions that are remembered. */
  readonly history?: number;
  /** Told of every new state of a session. */
  readonly onChange?: (session: TrainingSession) => void;
}

/** A session that ended before this process began, or too long ago to be held: what its record tells. */
export interface PastSession {
  readonly sessionId: string;
  readonly status: SessionStatus;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly lastUpdated: string;
  readonly error: SessionFailure | null;
  readonly result: TrainingResult | null;
}

const maxWaiting = 100;
/** Finished sessions whose progress and events stay at hand; older ones are read from their records. */
const heldSessions = 20;

/**
 * Starts, lists, stops and forgets sessions. It trains nothing itself: `#runTraining` makes the orchestrator and delegates.
 *
 * At most `maxSessions` run at once, the others wait in the order in which they came. Every state is recorded before it is told,
 * so that a service that was killed knows its sessions when it starts again: those that were under way are
 * `failed` with code `INTERRUPTED`.
 */
export class TrainingService {
  readonly maxSessions: number;
  readonly dataFolder: string;
  readonly modelStorage: ModelStorage;
  readonly #store: OperationStore;
  readonly #history: number;
  readonly #onChange: (session: TrainingSession) => void;
  /** Those that are not over, and the newest that are, in the order in which they came. */
  readonly #sessions = new Map<string, TrainingSession>();
  /** Duration of trainings that completed, by what they train. */
  readonly #minutes = new Map<string, number>();
  #waiting: TrainingSession[] = [];
  readonly #running = new Set<TrainingSession>();
  #closing = false;

  constructor(options: TrainingServiceOptions) {
    const { dataFolder, modelStorage, store, maxSessions, history = 500, onChange } = options;
    this.maxSessions = maxSessions;
    this.dataFolder = dataFolder;
    this.modelStorage = modelStorage;
    this.#store = store;
    this.#history = history;
    this.#onChange = onChange ?? (() => undefined);
    // Looking records what a killed service left under way; what it was saving is of no use.
    store.list({ limit: 1 });
    modelStorage.removeAbandoned();
  }

  /** Sessions that run now. */
  get active(): number {
    return this.#running.size;
  }

  /** Sessions that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Takes a session: it runs at once or waits for its turn.
   *
   * @param sessionId in place of one that is made here
   * @throws StrategyFileError and the other errors of a request that could not run, SessionExistsError, QueueFullError
   */
  start(config: SessionConfig, sessionId: string = newOperationId("training")): TrainingSession {
    if (this.#closing) throw new ShuttingDownError();
    if (this.#waiting.length >= maxWaiting) throw new QueueFullError(this.#waiting.length);
    if (this.#sessions.has(sessionId) || this.#record(sessionId) !== null) {
      throw new SessionExistsError(sessionId);
    }
    checkRequest(config);
    // Sessions that run at once share this machine's memory.
    const share = Math.floor(usableMemory() / this.maxSessions);
    const limited = { ...config, maxMemoryBytes: Math.min(share, config.maxMemoryBytes ?? share) };
    const session = new TrainingSession(sessionId, limited);
    const { strategyText = "", symbols = null, timeframes = null } = config;
    const asked = { strategy_yaml: strategyText, symbols, timeframes };
    this.#store.create("session", asked, null, sessionId, session.createdAt);
    this.#sessions.set(sessionId, session);
    this.#waiting.push(session);
    this.#onChange(session);
    this.#next();
    return session;
  }

  /** Minutes that the same training took when it last completed here, seed aside; null where it did not. */
  estimateMinutes(config: SessionConfig): number | null {
    return this.#minutes.get(trainingKey(config)) ?? null;
  }

  /** A session that is held, with its progress, or what is recorded of an older one. @throws SessionNotFoundError */
  find(sessionId: string): TrainingSession | PastSession {
    const found = this.#sessions.get(sessionId) ?? this.#record(sessionId);
    if (found === null) throw new SessionNotFoundError(sessionId);
    return found instanceof TrainingSession ? found : pastSession(found);
  }

  /** Place in the queue, from 1; null for a session that does not wait. */
  positionOf(sessionId: string): number | null {
    const index = this.#waiting.findIndex((session) => session.sessionId === sessionId);
    return index < 0 ? null : index + 1;
  }

  /** All sessions that are known, the newest first. */
  list(): (TrainingSession | PastSession)[] {
    const held = [...this.#sessions.values()].reverse();
    const past = this.#store
      .list()
      .filter(({ operation_id, status }) => !this.#sessions.has(operation_id) && isFinal(status))
      .map((record) => pastSession({ ...record, result_summary: null, pid: null, address: null }));
    return [...held, ...past];
  }

  /**
   * Asks a session to stop. One that waits is cancelled at once; one that runs ends through its own clean-up, some
   * milliseconds later. Returns when it has ended, or after `patienceMs`.
   *
   * @throws SessionNotFoundError, SessionFinishedError (nothing is changed then)
   */
  async stop(sessionId: string, patienceMs = 2000): Promise<TrainingSession> {
    const session = this.find(sessionId);
    if (!(session instanceof TrainingSession) || session.isFinal) {
      throw new SessionFinishedError(sessionId, session.status);
    }
    this.#store.requestCancel(sessionId);
    session.stopRequested = true;
    if (session.status === "initialized") {
      this.#waiting = this.#waiting.filter((one) => one !== session);
      this.#end(session, { status: "cancelled" });
    }
    const patience = AbortSignal.timeout(patienceMs);
    while (!session.isFinal && !patience.aborted) await session.changed(patience);
    return session;
  }

  /** Forgets a session that is over; its model stays. @throws SessionNotFoundError, SessionActiveError */
  forget(sessionId: string): void {
    const { status } = this.find(sessionId);
    if (status === "initialized" || status === "running") throw new SessionActiveError(sessionId, status);
    this.#sessions.delete(sessionId);
    this.#store.remove(sessionId);
  }

  /** Cancels what waits, stops what runs, takes nothing more; returns when all have ended. */
  async close(): Promise<void> {
    this.#closing = true;
    const under = [...this.#waiting, ...this.#running];
    await Promise.all(
      under.map(async (session) => {
        if (!session.isFinal) await this.stop(session.sessionId);
        await session.ended;
      }),
    );
  }

  /** The record of a session that another process, or an earlier one, has ended; null where there is none. */
  #record(sessionId: string): OperationDetails | null {
    try {
      const record = this.#store.get(sessionId);
      // The store also finds by the beginning of an id.
      return record.operation_id === sessionId && isFinal(record.status) ? record : null;
    } catch (error) {
      if (codeOf(error) === "OPERATION_NOT_FOUND") return null;
      throw error;
    }
  }

  #next(): void {
    while (this.#running.size < this.maxSessions) {
      const session = this.#waiting.shift();
      if (session === undefined) return;
      const at = new Date().toISOString();
      this.#store.start(session.sessionId, at);
      session.begin(at);
      this.#running.add(session);
      this.#onChange(session);
      void this.#follow(session);
    }
  }

  async #follow(session: TrainingSession): Promise<void> {
    let end: SessionEnd;
    try {
      end = { status: "completed", result: await this.#runTraining(session) };
    } catch (error) {
      end = endOf(error);
    }
    this.#running.delete(session);
    this.#end(session, end);
    this.#next();
  }

  #noteDuration({ config, startedAt, lastUpdated }: TrainingSession): void {
    const key = trainingKey(config);
    this.#minutes.delete(key);
    this.#minutes.set(key, (Date.parse(lastUpdated) - Date.parse(startedAt ?? lastUpdated)) / 60_000);
    if (this.#minutes.size > this.#history) this.#minutes.delete([...this.#minutes.keys()][0]);
  }

  #runTraining(session: TrainingSession): Promise<HostTrainingResult> {
    return new HostTrainingOrchestrator(session, this.modelStorage).run();
  }

  #end(session: TrainingSession, end: SessionEnd): void {
    const at = new Date().toISOString();
    const told = end.status === "completed" ? { status: end.status, summary: end.result } : end;
    try {
      this.#store.finish(session.sessionId, told, at);
      this.#store.keepNewest(this.#history);
    } catch {
      // A full disk must not keep the session from ending; without its record it counts as interrupted after a restart.
    }
    session.end(end, at);
    if (end.status === "completed") this.#noteDuration(session);
    this.#onChange(session);
    const over = [...this.#sessions.values()].filter((one) => one.isFinal);
    for (const old of over.slice(0, -heldSessions)) this.#sessions.delete(old.sessionId);
  }
}

/** The same for sessions that differ only in their seed. */
function trainingKey(config: SessionConfig): string {
  const { seed: _seed, maxMemoryBytes: _limit, trials: _trials, checked: _checked, ...same } = config;
  return sha256(JSON.stringify(same));
}

/** What can be known to be wrong before the run. @throws StrategyFileError, StrategyNameError, BadSymbolError, UsageError */
function checkRequest(config: SessionConfig): void {
  const strategy = strategyOf(config);
  checkStrategyName(strategy.name);
  strategy.symbols.forEach(checkSymbol);
  findEngine(config.engine ?? "auto");
}

function pastSession(record: OperationDetails): PastSession {
  const { operation_id, status, created_at, started_at, completed_at, error, result_summary } = record;
  return {
    sessionId: operation_id,
    status: status as SessionStatus,
    createdAt: created_at,
    startedAt: started_at,
    lastUpdated: completed_at ?? started_at ?? created_at,
    error,
    result: result_summary as TrainingResult | null,
  };
}
