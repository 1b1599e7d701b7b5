import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { codeOf, KnownError } from "./errors.js";

/** The disk has no room left; nothing half-written stays behind. */
export class DiskFullError extends KnownError {
  readonly code = "DISK_FULL";
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`No space left on the device while writing "${path}". Free some space and run the command again.`);
    this.path = path;
    this.cause = cause;
  }
}

/** Turns the system's "no space" errors into a `DiskFullError`; other errors pass as they are. */
export function asDiskError(path: string, error: unknown): unknown {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" ? new DiskFullError(path, error) : error;
}

/** Writes all bytes to a new file and flushes them to the disk. */
export function writeFlushed(path: string, bytes: Uint8Array | string): void {
  const buffer = typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes;
  const file = openSync(path, "w");
  try {
    let written = 0;
    while (written < buffer.length) written += writeSync(file, buffer, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a rename in `folder` durable. Windows cannot open folders; there the file system orders renames itself. */
export function flushFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Replaces a file in one step: temporary name in the same folder (`.tmp-` first), flush, rename. Readers see the old
 * or the new content, never a part. Creates the folder.
 *
 * @throws DiskFullError
 */
export function writeFileAtomic(path: string, bytes: Uint8Array | string): void {
  const folder = dirname(path);
  const temporary = join(folder, `.tmp-${process.pid}-${basename(path)}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFlushed(temporary, bytes);
    renameSync(temporary, path);
    flushFolder(folder);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary);
    throw asDiskError(path, error);
  }
}
