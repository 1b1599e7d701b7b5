import { randomBytes } from "node:crypto";
import { nearestName, processIdentity, processState } from "../core/index.js";
import { asOperationsError, openDatabase, type OperationsDatabase } from "./database.js";
import { OperationNotFoundError } from "./errors.js";
import type { OperationDetails, OperationEnd, OperationRecord, OperationStatus } from "./record.js";
import { removeSocket } from "./socket-path.js";

interface Row {
  operation_id: string;
  operation_type: string;
  status: OperationStatus;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  cancel_requested_at: string | null;
  error_code: string | null;
  error_message: string | null;
  metadata: string;
  result_summary: string | null;
  process: string;
  address: string | null;
}

/** Without results, which can be long. */
const listed = `operation_id, operation_type, status, created_at, started_at, completed_at, cancel_requested_at, error_code,
  error_message, metadata, NULL AS result_summary, process, address`;

/**
 * What runs and what ran on this machine: one SQLite file, used by several processes at once.
 *
 * States only move forward and a final state never changes. An operation whose process has died is recorded as `failed`
 * with code `INTERRUPTED` by whoever looks next. Every method throws `OperationsFileError` or `DiskFullError` where
 * the file cannot be used.
 */
export class OperationStore {
  readonly #file: string;
  readonly #database: OperationsDatabase;

  /** @param file path of the SQLite file; made, with its folder, where there is none */
  constructor(file: string) {
    this.#file = file;
    this.#database = openDatabase(file);
  }

  /**
   * Records a new operation of this process, `pending`. Returns its id: `op_<type>_<UTC yyyymmdd_hhmmss>_<8 hex>`.
   *
   * @param type letters, digits and `_`, such as `training`
   * @param metadata plain data: what was asked for
   * @param address the run's local socket, from `startOperationServer`; null without one
   * @param id in place of one that is made here; must be new
   */
  create(
    type: string,
    metadata: object,
    address: string | null = null,
    id = newOperationId(type),
    createdAt = new Date().toISOString(),
  ): string {
    this.#change(
      `INSERT INTO operations (operation_id, operation_type, status, created_at, metadata, process, address)
       VALUES (?, ?, 'pending', ?, ?, ?, ?)`,
      [id, type, createdAt, JSON.stringify(metadata), processIdentity(), address],
    );
    return id;
  }

  /** pending -> running. False where the operation is past that, which then stays as it is. */
  start(id: string, startedAt = new Date().toISOString()): boolean {
    return this.#change(
      "UPDATE operations SET status = 'running', started_at = ? WHERE operation_id = ? AND status = 'pending'",
      [startedAt, id],
    );
  }

  /** To a final state. False where the operation already was in one, which then stays as it is. */
  finish(id: string, end: OperationEnd, completedAt = new Date().toISOString()): boolean {
    const error = end.status === "failed" ? end.error : null;
    const summary = end.status === "completed" ? (end.summary ?? null) : null;
    return this.#change(
      `UPDATE operations SET status = ?, completed_at = ?, error_code = ?, error_message = ?, result_summary = ?, address = NULL
       WHERE operation_id = ? AND status IN (${end.status === "completed" ? "'running'" : "'pending', 'running'"})`,
      [
        end.status,
        completedAt,
        error?.code ?? null,
        error?.message ?? null,
        summary === null ? null : JSON.stringify(summary),
        id,
      ],
    );
  }

  /** Notes when somebody first asked for a stop. False where that is noted already or the operation is over. */
  requestCancel(id: string): boolean {
    return this.#change(
      `UPDATE operations SET cancel_requested_at = ?
       WHERE operation_id = ? AND cancel_requested_at IS NULL AND status IN ('pending', 'running')`,
      [new Date().toISOString(), id],
    );
  }

  /**
   * One operation.
   *
   * @param id the whole id, or a beginning that no other operation has
   * @throws OperationNotFoundError with the nearest or last ids
   */
  get(id: string): OperationDetails {
    let rows = this.#rows("SELECT * FROM operations WHERE operation_id = ?", [id]);
    if (rows.length === 1 && this.#noteIfInterrupted(rows[0])) return this.get(id);
    if (rows.length === 0) this.#recordInterrupted();
    if (rows.length === 0 && id !== "") {
      rows = this.#rows(
        "SELECT * FROM operations WHERE substr(operation_id, 1, ?) = ? ORDER BY rowid DESC LIMIT 6",
        [id.length, id],
      );
    }
    if (rows.length === 1) return detailsOf(rows[0]);
    if (rows.length > 1) throw new OperationNotFoundError(id, idsOf(rows), "ambiguous");
    const last = idsOf(this.#rows("SELECT * FROM operations ORDER BY rowid DESC LIMIT 1000", []));
    const nearest = nearestName(id, last);
    if (nearest !== undefined) throw new OperationNotFoundError(id, [nearest], "nearest");
    throw new OperationNotFoundError(id, last.slice(0, 3), "last");
  }

  /**
   * Operations, the newest first.
   *
   * @param filter.status only those in this state
   * @param filter.type only those of this type
   * @param filter.limit at most so many; all without it
   * @param filter.offset how many of the newest to pass over
   */
  list(
    filter: {
      readonly status?: OperationStatus;
      readonly type?: string;
      readonly limit?: number;
      readonly offset?: number;
    } = {},
  ): OperationRecord[] {
    this.#recordInterrupted();
    const { status, type, limit = -1, offset = 0 } = filter;
    const asked = Object.entries({ status, operation_type: type }).filter(([, value]) => value !== undefined);
    const conditions = asked.map(([column]) => `${column} = ?`);
    const values = asked.map(([, value]) => String(value));
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const rows = this.#rows(
      `SELECT ${listed} FROM operations ${where} ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?`,
      [...values, limit, offset],
    );
    return rows.map(recordOf);
  }

  /** How many operations there are in each state. */
  counts(): Record<OperationStatus, number> {
    this.#recordInterrupted();
    const counts = { pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
    const rows = this.#rows("SELECT status, count(*) AS count FROM operations GROUP BY status", []);
    for (const { status, count } of rows as unknown as { status: OperationStatus; count: number }[]) {
      counts[status] = count;
    }
    return counts;
  }

  /** Forgets an operation that is over. False where there is none of this id, or it is not over. */
  remove(id: string): boolean {
    return this.#change(
      "DELETE FROM operations WHERE operation_id = ? AND status IN ('completed', 'failed', 'cancelled')",
      [id],
    );
  }

  /** Forgets all but the newest `count` operations that are over. */
  keepNewest(count: number): void {
    this.#change(
      `DELETE FROM operations WHERE status IN ('completed', 'failed', 'cancelled') AND rowid NOT IN
       (SELECT rowid FROM operations WHERE status IN ('completed', 'failed', 'cancelled') ORDER BY rowid DESC LIMIT ?)`,
      [count],
    );
  }

  /** Closes the file; the store cannot be used afterwards. */
  close(): void {
    this.#database.close();
  }

  #recordInterrupted(): void {
    const open = this.#rows("SELECT * FROM operations WHERE status IN ('pending', 'running')", []);
    for (const row of open) this.#noteIfInterrupted(row);
  }

  /** False where the operation is over, or its process lives. */
  #noteIfInterrupted(row: Row): boolean {
    const isOpen = row.status === "pending" || row.status === "running";
    if (!isOpen || processState(row.process) !== "gone") return false;
    const message = `The run was interrupted: its process (pid ${pidOf(row)}) ended before the run did.`;
    this.finish(row.operation_id, { status: "failed", error: { code: "INTERRUPTED", message } });
    if (row.address !== null) removeSocket(row.address);
    return true;
  }

  #change(sql: string, values: readonly (string | number | null)[]): boolean {
    try {
      return this.#database.prepare(sql).run([...values]).changes > 0;
    } catch (error) {
      throw asOperationsError(this.#file, error);
    }
  }

  #rows(sql: string, values: readonly (string | number)[]): Row[] {
    try {
      return this.#database.prepare(sql).all([...values]) as Row[];
    } catch (error) {
      throw asOperationsError(this.#file, error);
    }
  }
}

/** A new id: `op_<type>_<UTC yyyymmdd_hhmmss>_<8 hex>`. */
export function newOperationId(type: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_");
  return `op_${type}_${stamp}_${randomBytes(4).toString("hex")}`;
}

function idsOf(rows: readonly Row[]): string[] {
  return rows.map((row) => row.operation_id);
}

/** A process identity begins with the pid. */
function pidOf(row: Row): number | null {
  return Number(/^\d+/.exec(row.process)?.[0] ?? NaN) || null;
}

function recordOf(row: Row): OperationRecord {
  return {
    operation_id: row.operation_id,
    operation_type: row.operation_type,
    status: row.status,
    created_at: row.created_at,
    started_at: row.started_at,
    completed_at: row.completed_at,
    cancel_requested_at: row.cancel_requested_at,
    error_message: row.error_message,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? "" },
  };
}

function detailsOf(row: Row): OperationDetails {
  return {
    ...recordOf(row),
    result_summary:
      row.result_summary === null ? null : (JSON.parse(row.result_summary) as Record<string, unknown>),
    pid: pidOf(row),
    address: row.address,
  };
}
