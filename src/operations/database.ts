import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "libsql";
import { codeOf, DiskFullError, messageOf } from "../core/index.js";
import { OperationsFileError } from "./errors.js";

/** An open SQLite file of operations. */
export type OperationsDatabase = Database.Database;

const applicationId = 0x6b747264; // "ktrd", so that another program's database is recognised as such
const schemaVersion = 1;

/*
 * States move forward only, whoever writes: a final state refuses every change, and nothing goes back to pending.
 */
const schema = `
  CREATE TABLE operations (
    operation_id TEXT PRIMARY KEY,
    operation_type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    created_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT,
    cancel_requested_at TEXT,
    error_code TEXT,
    error_message TEXT,
    metadata TEXT NOT NULL,
    result_summary TEXT,
    process TEXT NOT NULL,
    address TEXT
  ) STRICT;
  CREATE INDEX operations_by_status ON operations (status);
  CREATE TRIGGER operations_final BEFORE UPDATE ON operations
    WHEN OLD.status IN ('completed', 'failed', 'cancelled')
    BEGIN SELECT RAISE(ABORT, 'a final state never changes'); END;
  CREATE TRIGGER operations_forward BEFORE UPDATE OF status ON operations
    WHEN (OLD.status = 'running' AND NEW.status = 'pending')
      OR (OLD.status = 'pending' AND NEW.status = 'completed')
    BEGIN SELECT RAISE(ABORT, 'states only move forward'); END;
`;

/**
 * Opens the file of operations; makes it, and its folder, where there is none.
 *
 * @throws OperationsFileError for a folder or file that cannot be written, a damaged file, another program's database
 */
export function openDatabase(file: string): OperationsDatabase {
  let database: OperationsDatabase | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    database = new Database(file);
    // First of all, so that every later statement waits for other processes instead of failing.
    database.exec("PRAGMA busy_timeout = 5000");
    prepare(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw asOperationsError(file, error);
  }
}

function prepare(database: OperationsDatabase, file: string): void {
  if (pragma(database, "journal_mode") !== "wal") useWal(database);
  // A commit then reaches the disk at the next checkpoint: a power cut can lose the last records, never damage the
  // file. Waiting for the disk at each change of state would cost up to 30 ms of the 50 in which a cancel takes effect.
  database.exec("PRAGMA synchronous = NORMAL");
  if (pragma(database, "application_id") === applicationId) return checkVersion(database, file);
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been first.
    if (pragma(database, "application_id") !== applicationId) {
      const { count } = database.prepare("SELECT count(*) AS count FROM sqlite_master").get([]) as {
        count: number;
      };
      if (count > 0 || pragma(database, "application_id") !== 0) {
        throw new OperationsFileError(
          file,
          "is a database of another program. Move it away, or set KTRDR_HOME to another folder.",
        );
      }
      database.exec(schema);
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.exec("ROLLBACK");
    throw error;
  }
  checkVersion(database, file);
}

function useWal(database: OperationsDatabase): void {
  try {
    database.exec("PRAGMA journal_mode = WAL");
  } catch (error) {
    // Another process opens the new file at this moment. All works without; the next one to open sets it.
    if (!codeOf(error)?.startsWith("SQLITE_BUSY")) throw error;
  }
}

function checkVersion(database: OperationsDatabase, file: string): void {
  const found = pragma(database, "user_version");
  if (found === schemaVersion) return;
  throw new OperationsFileError(
    file,
    `has version ${String(found)}; this ktrdr knows ${schemaVersion}. Use the newer ktrdr that wrote it, or move it away.`,
  );
}

function pragma(database: OperationsDatabase, name: string): unknown {
  return (database.prepare(`PRAGMA ${name}`).get([]) as Record<string, unknown>)[name];
}

const ways: readonly (readonly [RegExp, string])[] = [
  [
    /^SQLITE_(NOTADB|CORRUPT|FORMAT)/,
    "is damaged or no database. Move it away (the models do not need it); the next command makes a new one.",
  ],
  [
    /^SQLITE_(BUSY|LOCKED)/,
    "has been in use by another process for more than 5 s. Run the command again when that has ended.",
  ],
  [
    /^SQLITE_(READONLY|PERM|AUTH)/,
    "is read-only. Give write permission to it and its folder, or set KTRDR_HOME.",
  ],
  [/^SQLITE_IOERR/, "cannot be read or written: the disk reports an input/output error."],
];
const notOpened =
  "cannot be opened or made. Check that its folder exists and can be written, or set KTRDR_HOME to another folder.";

/** Errors of SQLite and of the file system as errors of the file of operations; others as they are. */
export function asOperationsError(file: string, error: unknown): unknown {
  const code = codeOf(error) ?? "";
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return new DiskFullError(file, error);
  const way = ways.find(([form]) => form.test(code))?.[1];
  if (way !== undefined) return new OperationsFileError(file, way, error);
  // libsql reports a file that cannot be opened as a plain error, without a code.
  const cannotOpen = code === "SQLITE_CANTOPEN" || messageOf(error).startsWith("ConnectionFailed");
  const system = /^(EACCES|EPERM|EROFS|ENOTDIR|EEXIST|EISDIR|ENOENT|ENAMETOOLONG)$/.test(code);
  return cannotOpen || system ? new OperationsFileError(file, notOpened, error) : error;
}
