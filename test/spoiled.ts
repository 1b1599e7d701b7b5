import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { BarStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { runCommand } from "./command.js";
import { contentsOf, expectOneClearMessage, runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

/** A work folder with one strategy, one series of 600 daily bars from 2020-01-01 on, and one model; its path. */
export function workFolder(): string {
  const made = mkdtempSync(join(tmpdir(), "ktrdr-work-"));
  beforeAll(async () => {
    mkdirSync(join(made, "config", "strategies"), { recursive: true });
    writeFileSync(join(made, "config", "strategies", "journey.yaml"), strategyText());
    await new BarStore(join(made, "data")).save(makeBars());
    const { status, err } = await runHere(made, ["models", "train", "--strategy", "journey"]);
    expect(status, err).toBe(0);
  });
  afterAll(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A command on a spoiled work folder, and its message. */
export interface Row {
  readonly title: string;
  /** What is done to a copy of the work folder before. */
  readonly spoil?: (home: string) => void;
  /** The command, without `--json`; words are separated by spaces. */
  readonly line: string;
  readonly code: string;
  readonly parts: readonly string[];
  readonly env?: (home: string) => Record<string, string>;
}

export const train = "models train --strategy journey";
export const plan = `${train} --dry-run`;
export const use = "models test journey --symbol SYN1 --timeframe 1d";
export const model = (home: string, file: string): string => join(home, "models", "journey", "1d_v1", file);
export const bars = (home: string, format = "parquet"): string => join(home, "data", `SYN1_1d.${format}`);

/** Writes the strategy with one text in place of another. */
export const changed =
  (from: string | RegExp, to: string) =>
  (home: string): void => {
    const text = strategyText();
    expect(text.search(from)).toBeGreaterThanOrEqual(0);
    writeFileSync(join(home, "config", "strategies", "journey.yaml"), text.replace(from, to));
  };

/** Puts a CSV in place of the stored bars. */
export const csv =
  (text: string) =>
  (home: string): void => {
    rmSync(bars(home));
    writeFileSync(bars(home, "csv"), text);
  };

export const inPlaceOf =
  (...names: string[]) =>
  (home: string): void => {
    rmSync(join(home, ...names), { recursive: true, force: true });
    writeFileSync(join(home, ...names), "a file");
  };

export const flipByte = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] ^= 0xff;
  writeFileSync(path, bytes);
};

/** Runs a row on a copy of the work folder: exit status 1, one message, and every file as it was. */
export async function expectFailure(made: string, row: Row, inProcess = true): Promise<void> {
  const { spoil, line, code, parts, env } = row;
  const home = temporaryFolder();
  cpSync(made, home, { recursive: true });
  spoil?.(home);
  const before = contentsOf(home);
  const words = line.split(" ").map((word) => (/^(config|models)\//.test(word) ? join(home, word) : word));
  const argv = [...words, "--json"];
  if (inProcess) {
    expectOneClearMessage(await runHere(home, argv, env?.(home)), { status: 1, code, parts });
  } else {
    const { status, stdout: out, stderr: err } = await runCommand(home, argv, env?.(home));
    expectOneClearMessage({ status: status ?? -1, out, err }, { status: 1, code, parts });
  }
  expect(contentsOf(home)).toEqual(before);
}
