import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { asDiskError, FileError, flushFolder, writeFlushed } from "../core/index.js";
import type { StoredModel } from "../models/index.js";
import { exportedFiles, portableLayout, portableReadme, readOnnxMetadata } from "../portable/index.js";
import { packageVersion } from "./metadata.js";
import { openModel } from "./saved-model.js";

/** What `models export` wrote; names as in its JSON. */
export interface ExportedModel {
  readonly model: string;
  /** Absolute. */
  readonly path: string;
  readonly files: readonly string[];
}

/**
 * Writes a saved model for use elsewhere: the ONNX file, its golden rows, and a README for its user. The folder appears whole,
 * by one rename.
 *
 * @param folder must not exist, or be empty
 * @throws FileError where the folder holds something; DiskFullError; the errors of `openModel`
 */
export function exportModel(stored: StoredModel, folder: string): ExportedModel {
  const { strategy } = openModel(stored);
  const path = resolve(folder);
  if (existsSync(path) && readdirSync(path).length > 0) {
    throw new FileError(path, "it is not empty, and an exported model gets a folder of its own");
  }
  const { goldenRows } = readOnnxMetadata(stored.onnx);
  const { metadata } = stored;
  const list = (key: string): string => [(metadata[key] ?? []) as string | string[]].flat().join(" ");
  const verdict = metadata["verdict"] as { statement?: string } | undefined;
  const readme = portableReadme({
    model: stored.name,
    version: packageVersion,
    layout: portableLayout(strategy),
    indicators: strategy.indicators,
    baseTimeframe: strategy.baseTimeframe,
    golden: goldenRows,
    trainedOn: `${list("symbols")}, ${list("timeframes")}, ${list("start_date")} to ${list("end_date")}`,
    verdict: verdict?.statement ?? null,
  });
  const files: Readonly<Record<string, Uint8Array | string>> = {
    [exportedFiles.onnx]: stored.onnx,
    [exportedFiles.golden]: `${JSON.stringify(goldenRows, null, 2)}\n`,
    [exportedFiles.readme]: readme,
  };
  writeFolder(path, files);
  return { model: stored.name, path, files: Object.keys(files) };
}

function writeFolder(path: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  const prepared = join(dirname(path), `.tmp-${process.pid}-${basename(path)}`);
  try {
    mkdirSync(prepared, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFlushed(join(prepared, name), content);
    renameSync(prepared, path);
    flushFolder(dirname(path));
  } catch (error) {
    rmSync(prepared, { recursive: true, force: true });
    throw asDiskError(path, error);
  }
}
