import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A process that a test started. */
export interface Child {
  readonly process: ChildProcess;
  /** All lines of stdout so far. */
  readonly lines: readonly string[];
  /** The next line of stdout that was not taken yet. */
  nextLine(): Promise<string>;
  /** Resolves with exit code, or the signal's name, when the process has ended and its output is read. */
  readonly ended: Promise<number | string>;
  /** What it wrote to stderr. */
  readonly errors: () => string;
}

/** Runs `test/children/<name>.ts` from the sources; killed at the end of the test. */
export function startChild(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const script = fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url));
  return startNode(script, args, env);
}

/** Runs the command line from the sources; killed at the end of the test. */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  return startNode(fileURLToPath(new URL("../src/cli/main.ts", import.meta.url)), args, env);
}

function startNode(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Child {
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  let taken = 0;
  let errors = "";
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    process: child,
    lines,
    ended,
    errors: () => errors,
    async nextLine() {
      while (taken >= lines.length) {
        await Promise.race([
          once(reader, "line"),
          ended.then(() => {
            if (taken >= lines.length) throw new Error(`The process ended without another line.\n${errors}`);
          }),
        ]);
      }
      return lines[taken++];
    },
  };
}
