import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
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
  if (!scripts.has(name)) scripts.set(name, bundleChild(name));
  return startNode([scripts.get(name) as string], args, env);
}

const scripts = new Map<string, string>();

/** One script of a child and the sources that it uses: reading them one by one took each start 0.9 s of processor time. */
function bundleChild(name: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    write: false,
  });
  // Where packages are found, and as deep below the root as the sources.
  const folder = fileURLToPath(new URL("../node_modules/.cache", import.meta.url));
  const script = join(folder, `ktrdr-test-${name}.mjs`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${script}.${process.pid}`, outputFiles[0].contents);
  renameSync(`${script}.${process.pid}`, script);
  return script;
}

/** Runs the command line from the sources; killed at the end of the test. */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
  return startNode(["--import", "tsx", main], args, env);
}

function startNode(script: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv): Child {
  const child = spawn(process.execPath, [...script, ...args], {
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
