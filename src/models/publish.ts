import { lstatSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import {
  type CancellationToken,
  flushFolder,
  processIdentity,
  throwIfCancelled,
  writeFlushed,
} from "../core/index.js";
import { encodeFiles, type ModelContents } from "./contents.js";
import {
  asModelsError,
  discard,
  highestVersion,
  isDeleted,
  refuseLink,
  removeAbandoned,
  removeIfEmpty,
  temporaryFolder,
} from "./folder.js";
import { checkStrategyName, versionFolder } from "./names.js";

/** Where a model went. */
export interface PublishedModel {
  /** `<strategy>/<timeframe>_v<N>`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly version: number;
}

/**
 * Writes a model's files into a temporary folder, flushes them, and publishes them by one rename to the next version.
 * The token is looked at before each file and last before the rename.
 *
 * @throws CancelledError, DiskFullError, ModelsFolderError, StrategyNameError, UnusableWeightsError; nothing of the
 *         model is left behind then
 */
export function publishModel(
  root: string,
  contents: ModelContents,
  { operationId, token }: { readonly operationId: string; readonly token: CancellationToken },
): PublishedModel {
  const { strategyName, timeframe } = contents;
  checkStrategyName(strategyName);
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(operationId)) throw new Error(`Not an operation id: "${operationId}"`);
  const folder = join(root, strategyName);
  let prepared = join(folder, temporaryFolder(operationId, processIdentity()));
  try {
    throwIfCancelled(token);
    removeAbandoned(root);
    refuseLink(folder);
    const files = encodeFiles(contents);
    mkdirSync(prepared, { recursive: true });
    for (const [name, bytes] of files) {
      throwIfCancelled(token);
      writeFlushed(join(prepared, name), bytes);
    }
    flushFolder(prepared);
    throwIfCancelled(token);
    let version = 0;
    for (let next = highestVersion(folder, timeframe) + 1; ; next++) {
      const target = join(folder, versionFolder(timeframe, next));
      const outcome = moveTo(target, prepared);
      if (outcome === "moved") [prepared, version] = [target, next];
      // Between the look at the folder and the rename, others may have published and deleted this very number.
      if (outcome === "moved" && !isDeleted(folder, timeframe, next)) break;
      // Or they have deleted this very model, which was published then.
      if (outcome === "gone") {
        if (version > 0) break;
        throw new Error(`The temporary folder "${prepared}" has vanished`);
      }
    }
    flushFolder(folder);
    flushFolder(root);
    return { name: `${strategyName}/${versionFolder(timeframe, version)}`, path: prepared, version };
  } catch (error) {
    discard(prepared);
    removeIfEmpty(folder);
    throw asModelsError(folder, error);
  }
}

/** Renames a folder, unless the target exists ("taken") or a published folder was deleted meanwhile ("gone"). */
function moveTo(target: string, from: string): "moved" | "taken" | "gone" {
  const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  try {
    renameSync(from, target);
    return "moved";
  } catch (error) {
    if (!exists(from)) return "gone";
    // Most systems say that the target was there, which still holds where it has been deleted since; for the others, look.
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return "taken";
    if (exists(target)) return "taken";
    throw error;
  }
}
