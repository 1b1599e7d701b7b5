import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { asDiskError, codeOf, fileProblem, flushFolder, processState } from "../core/index.js";
import { ModelsFolderError } from "./errors.js";
import { isStrategyName, parseVersionFolder, versionFolder } from "./names.js";

/*
 * Inside models/<strategy>/:
 *   1d_v3                           a published version
 *   .tmp-<operation>.<process>      being written by a process (see `processIdentity`)
 *   .deleted-1d_v2                  empty: this number was used, and is not used again
 */
const temporaryPrefix = ".tmp-";
const deletedPrefix = ".deleted-";

/** Saving takes seconds, so what another machine has not touched for a day will not be finished. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** Name of the folder in which a process prepares a model. */
export function temporaryFolder(operationId: string, identity: string): string {
  return `${temporaryPrefix}${operationId}.${identity}`;
}

/** The strategies that have a folder; links and foreign names are passed over. */
export function strategiesIn(root: string): string[] {
  return entriesOf(root)
    .filter((entry) => entry.isDirectory() && isStrategyName(entry.name))
    .map((entry) => entry.name)
    .sort();
}

/** Names of the published versions in a strategy's folder, in no order. */
export function versionsIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory() && parseVersionFolder(entry.name) !== null)
    .map((entry) => entry.name);
}

/** The highest version number ever used for a timeframe, deleted ones included; 0 before the first. */
export function highestVersion(folder: string, timeframe: string): number {
  let highest = 0;
  for (const { name } of entriesOf(folder)) {
    const used = parseVersionFolder(name.startsWith(deletedPrefix) ? name.slice(deletedPrefix.length) : name);
    if (used?.timeframe === timeframe) highest = Math.max(highest, used.version);
  }
  return highest;
}

/** True when this number belonged to a model that was deleted. */
export function isDeleted(folder: string, timeframe: string, version: number): boolean {
  return existsSync(join(folder, deletedPrefix + versionFolder(timeframe, version)));
}

/** Takes a version away in one step, then its files; leaves an empty folder that keeps the number. */
export function deleteVersion(folder: string, version: string): void {
  const grave = join(folder, deletedPrefix + version);
  renameSync(join(folder, version), grave);
  emptyFolder(grave);
  flushFolder(folder);
}

/**
 * Removes what killed runs left in any strategy's folder: half-written models and half-deleted ones. What a living
 * process is writing stays. Where this process may not remove something, it stays too.
 */
export function removeAbandoned(root: string): void {
  for (const strategy of strategiesIn(root)) {
    const folder = join(root, strategy);
    let left = 0;
    for (const { name } of entriesOf(folder)) {
      if (name.startsWith(deletedPrefix)) emptyFolder(join(folder, name));
      if (name.startsWith(temporaryPrefix) && isAbandoned(join(folder, name), name))
        discard(join(folder, name));
      else left++;
    }
    if (left === 0) removeIfEmpty(folder);
  }
}

function isAbandoned(path: string, name: string): boolean {
  const state = processState(name.slice(name.lastIndexOf(".") + 1));
  if (state !== "elsewhere") return state === "gone";
  try {
    return Date.now() - lstatSync(path).mtimeMs > abandonedAfterMs;
  } catch {
    return false;
  }
}

/** Removes a folder with all it holds; what cannot be removed now is left for the next run. */
export function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The error that brought us here matters more.
  }
}

/** Removes a folder that holds nothing; leaves any other. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or already gone.
  }
}

function emptyFolder(folder: string): void {
  for (const { name } of entriesOf(folder)) discard(join(folder, name));
}

/** A folder that is a link would lead reads and writes out of the folder of models. @throws ModelsFolderError */
export function refuseLink(path: string): void {
  let isLink: boolean;
  try {
    isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch (error) {
    throw asModelsError(path, error);
  }
  if (isLink) {
    throw new ModelsFolderError(path, "it is a link, and links in the folder of models are not followed");
  }
}

/** The nearest folder that is there already must take new entries. @throws ModelsFolderError */
export function refuseUnwritable(folder: string): void {
  try {
    let nearest = folder;
    while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
    // Reading the entries fails where a file is in the way, also for a user who may do everything.
    readdirSync(nearest);
    accessSync(nearest, constants.W_OK);
  } catch (error) {
    throw asModelsError(folder, error);
  }
}

/** Entries of a folder; none where there is no such folder. @throws ModelsFolderError */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw asModelsError(folder, error);
  }
}

/** System errors that a user can mend as `DiskFullError` or `ModelsFolderError`; all others as they are. */
export function asModelsError(path: string, error: unknown): unknown {
  const problem = fileProblem(error);
  return problem === undefined ? asDiskError(path, error) : new ModelsFolderError(path, problem, error);
}
