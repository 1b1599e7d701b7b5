import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, vi } from "vitest";
import { builtCommand, checkBuilt } from "./built.js";

/** How a command line ended that ran in this process. */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

type Program = typeof import("../src/cli/program.js");

/** Runs the compiled command line in this process, which saves the start of one; one at a time. */
export async function runHere(
  home: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  checkBuilt();
  const program = pathToFileURL(join(builtCommand, "..", "program.js")).href;
  const { runProgram } = (await import(program)) as Program;
  const variables = { NO_COLOR: "1", KTRDR_DATA_DIR: "", KTRDR_MODELS_DIR: "", KTRDR_PROVIDER_URL: "" };
  for (const [name, value] of Object.entries({ ...variables, KTRDR_HOME: home, ...env })) {
    vi.stubEnv(name, value);
  }
  let [out, err] = ["", ""];
  const stdout = vi
    .spyOn(process.stdout, "write")
    .mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi
    .spyOn(process.stderr, "write")
    .mockImplementation((text) => ((err += String(text)), true));
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    return { status: await runProgram(argv), out, err };
  } finally {
    process.exitCode = before;
    stdout.mockRestore();
    stderr.mockRestore();
    vi.unstubAllEnvs();
  }
}

/** Every file and folder below `folder` with the hash of its content; the records of operations left out. */
export function contentsOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (name.startsWith(".ktrdr")) continue;
    found[name] = entry.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "folder";
  }
  return found;
}

/**
 * What every failure looks like: one message with all its parts, in words on stderr and, where JSON was asked for, as data on
 * stdout; no stack.
 */
export function expectOneClearMessage(
  { status, out, err }: Outcome,
  expected: { status: number; code: string; parts: readonly string[]; inWords?: boolean },
): void {
  const { error } = expected.inWords
    ? { error: { code: expected.code, message: err.replace(/^[^]*?error: |\n$/g, ""), details: {} } }
    : (JSON.parse(out) as { error: { code: string; message: string; details: object } });
  if (expected.inWords) expect(out).toBe("");
  expect(error.details).toBeTypeOf("object");
  for (const part of expected.parts) expect(error.message).toContain(part);
  expect([error.code, status]).toEqual([expected.code, expected.status]);
  expect(err.split(/^error: /m), "one error on stderr, and nothing after it").toHaveLength(2);
  expect(err.endsWith(`error: ${error.message}\n`), err).toBe(true);
  expect(`${out}${err}`).not.toMatch(/\n +at |bug in ktrdr|\[object|undefined|NaN/);
}
