import { spawn, type ChildProcess } from "node:child_process";
import { builtCommand, checkBuilt } from "./built.js";

/** How a command ended. */
export interface CommandResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the compiled command line in a folder; `done` resolves when it has ended. */
export function startCommand(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  node = process.execPath,
): { child: ChildProcess; done: Promise<CommandResult>; stderr: () => string } {
  checkBuilt();
  const child = spawn(node, [builtCommand, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", KTRDR_HOME: "", KTRDR_DATA_DIR: "", KTRDR_MODELS_DIR: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return { child, done, stderr: () => stderr };
}

/** Runs the compiled command line in a folder to its end, by this Node or another. */
export function runCommand(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  node = process.execPath,
): Promise<CommandResult> {
  return startCommand(cwd, args, env, node).done;
}
