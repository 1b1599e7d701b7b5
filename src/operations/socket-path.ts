import { randomBytes } from "node:crypto";
import { mkdtempSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { codeOf } from "../core/index.js";
import { OperationSocketError } from "./errors.js";

/** A Unix socket's path may have 107 bytes on Linux and 103 on macOS. */
const maxPathBytes = 103;

/**
 * A fresh address for a local socket: a named pipe on Windows, elsewhere a path in a new folder that only this user
 * may enter (mode 0700).
 *
 * @throws OperationSocketError
 */
export function newSocketAddress(): string {
  if (process.platform === "win32") return `\\\\.\\pipe\\ktrdr-${randomBytes(16).toString("hex")}`;
  const inTemporary = (base: string): string => join(base, "ktrdr-XXXXXX", "run.sock");
  const base = Buffer.byteLength(inTemporary(tmpdir())) <= maxPathBytes ? tmpdir() : "/tmp";
  try {
    return join(mkdtempSync(join(base, "ktrdr-")), "run.sock");
  } catch (error) {
    throw new OperationSocketError(base, codeOf(error) ?? "", error);
  }
}

/** Removes a socket and its folder, if that holds nothing else; a killed run cannot do so itself. */
export function removeSocket(address: string): void {
  if (process.platform === "win32") return;
  for (const step of [() => unlinkSync(address), () => rmdirSync(dirname(address))]) {
    try {
      step();
    } catch {
      // Gone already, or not ours to remove.
    }
  }
}
