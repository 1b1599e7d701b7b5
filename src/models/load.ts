import {
  closeSync,
  constants,
  type Dirent,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import { join, sep } from "node:path";
import * as z from "zod";
import { codeOf, sha256 } from "../core/index.js";
import type { Weights } from "../engines/index.js";
import {
  type JsonObject,
  asManifest,
  type Manifest,
  manifestFile,
  modelFiles,
  resultFile,
  summarize,
  type Summary,
} from "./contents.js";
import { ModelDamagedError } from "./errors.js";
import { parseModelName, type ModelName } from "./names.js";
import { SafetensorsError } from "./safetensors.js";
import { decodeWeights, layerUnits } from "./weights.js";

/** A model as loaded and checked. */
export interface StoredModel {
  /** `<strategy>/<timeframe>_v<N>`. */
  readonly name: string;
  readonly path: string;
  readonly strategyName: string;
  readonly timeframe: string;
  readonly version: number;
  readonly weights: Weights;
  readonly strategy: JsonObject;
  readonly features: JsonObject & { readonly feature_names: readonly string[] };
  readonly metrics: JsonObject & { readonly training_metrics: JsonObject; readonly test_metrics: JsonObject };
  readonly metadata: JsonObject;
  /** The bytes of the ONNX file. */
  readonly onnx: Uint8Array;
  /** The run's result, where it was stored. */
  readonly result: JsonObject | null;
}

/** One line of the list of models; field names as in `models list --json`. */
export interface ModelEntry extends Summary {
  readonly name: string;
  readonly strategy_name: string;
  readonly timeframe: string;
  readonly version: number;
  /** All files together. */
  readonly size_bytes: number;
  readonly path: string;
}

/** What a stored model says of its training. */
export interface ModelTraining {
  /** The run that made it; null where that is not recorded. */
  readonly operationId: string | null;
  readonly symbols: readonly string[];
  /** Inclusive, as in its metadata. */
  readonly startDate: string | null;
  readonly endDate: string | null;
}

/** A manifest has one line per file; more than this is no manifest. */
const maxManifestBytes = 1_000_000;

const JsonObjectSchema = z.record(z.string(), z.unknown());
const FeaturesSchema = z.looseObject({ feature_names: z.array(z.string().min(1)).min(1) });
const MetricsSchema = z.looseObject({ training_metrics: JsonObjectSchema, test_metrics: JsonObjectSchema });
const MetadataSchema = z.looseObject({ layer_sizes: z.array(z.int().positive()).optional() });

/**
 * Reads a model's folder and checks it: every file of the manifest is there with its size and hash and no other is;
 * layers fit one another, the stated sizes and the list of features; all weights are finite. Names that begin with "."
 * are left to file managers and file systems.
 *
 * @throws ModelDamagedError
 */
export function readModel(name: string, path: string): StoredModel {
  const damaged = (problem: string): ModelDamagedError => new ModelDamagedError(name, path, problem);
  const { strategy: strategyName, timeframe, version } = parseModelName(name) as ModelName;
  const manifest = readManifest(name, path);
  const files = readFiles(path, manifest, damaged);
  const object = <T>(file: string, schema: z.ZodType<T>): T => {
    const parsed = schema.safeParse(parseJson(file, files.get(file) as Buffer, damaged));
    if (parsed.success) return parsed.data;
    const { path: at, message } = parsed.error.issues[0];
    throw damaged(`${[file, ...at.map(String)].join(" ")}: ${message}`);
  };
  const features = object("features.json", FeaturesSchema);
  const metrics = object("metrics.json", MetricsSchema);
  const metadata = object("metadata.json", MetadataSchema);
  const weights = readWeights(files.get("weights.safetensors") as Buffer, damaged);
  const sizes = layerUnits(weights);
  if (metadata.layer_sizes !== undefined && metadata.layer_sizes.join() !== sizes.join()) {
    throw damaged(`its layers are ${sizes.join("-")}, metadata.json says ${metadata.layer_sizes.join("-")}`);
  }
  const { feature_names } = features;
  if (feature_names.length !== sizes[0]) {
    throw damaged(`the network has ${sizes[0]} inputs, features.json ${feature_names.length} names`);
  }
  const repeated = feature_names.find((feature, j) => feature_names.indexOf(feature) !== j);
  if (repeated !== undefined) throw damaged(`features.json names "${repeated}" twice`);
  const summary = summarize(metrics, metadata);
  if (manifest.summary !== undefined && JSON.stringify(manifest.summary) !== JSON.stringify(summary)) {
    throw damaged("the figures in manifest.json are not those of metrics.json and metadata.json");
  }
  return {
    name,
    path,
    strategyName,
    timeframe,
    version,
    weights,
    features,
    metrics,
    metadata,
    strategy: object("strategy.json", JsonObjectSchema),
    onnx: files.get("model.onnx") as Buffer,
    result: files.has(resultFile) ? object(resultFile, JsonObjectSchema) : null,
  };
}

/** What a list says of a model: reads its manifest only, unless that lacks the figures. @throws ModelDamagedError */
export function readEntry(name: string, path: string): ModelEntry {
  const manifest = readManifest(name, path);
  const summary = manifest.summary ?? summaryOf(readModel(name, path));
  const { strategy, timeframe, version } = parseModelName(name) as ModelName;
  let size_bytes = 0;
  for (const { bytes } of Object.values(manifest.files)) size_bytes += bytes;
  return { name, strategy_name: strategy, timeframe, version, ...summary, size_bytes, path };
}

const TrainingSchema = z.looseObject({
  operation_id: z.string().nullish(),
  symbols: z.array(z.string()),
  start_date: z.string().nullish(),
  end_date: z.string().nullish(),
});

/** What a model was trained on: reads its metadata only, unchecked; null where they cannot be read. */
export function readTraining(path: string): ModelTraining | null {
  let text: string;
  try {
    text = readFileSync(join(path, "metadata.json"), "utf8");
  } catch {
    return null;
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return null;
  }
  const { success, data: metadata } = TrainingSchema.safeParse(data);
  if (!success) return null;
  const { operation_id = null, symbols, start_date = null, end_date = null } = metadata;
  return { operationId: operation_id, symbols, startDate: start_date, endDate: end_date };
}

function summaryOf({ metrics, metadata }: StoredModel): Summary {
  return summarize(metrics, metadata);
}

function readManifest(name: string, path: string): Manifest {
  const damaged = (problem: string): ModelDamagedError => new ModelDamagedError(name, path, problem);
  const file = path + sep + manifestFile;
  let bytes = readSmall(file);
  try {
    if (bytes === null) {
      const found = lstatSync(file);
      if (!found.isFile()) throw damaged(`${manifestFile} is not a regular file`);
      if (found.size > maxManifestBytes) throw damaged(`${manifestFile} has ${found.size} bytes, too many`);
      bytes = readFileSync(file);
    }
  } catch (error) {
    throw unreadable(manifestFile, error, damaged);
  }
  const manifest = asManifest(parseJson(manifestFile, bytes, damaged));
  if (manifest === null) throw damaged(`${manifestFile} is not a list of files with sha256 and bytes`);
  const missing = modelFiles.find((required) => !Object.hasOwn(manifest.files, required));
  if (missing !== undefined) throw damaged(`${manifestFile} does not list ${missing}`);
  return manifest;
}

const small = Buffer.allocUnsafeSlow(16_384);
// Links are not followed, and a pipe in the file's place does not make us wait; Windows has neither flag.
const readPlainly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The bytes of a small file, valid until the next call; null for everything that needs a second look. A list of 10,000
 * models spends most of its time here: three system calls and one buffer instead of six and a new one take half of it.
 */
function readSmall(file: string): Buffer | null {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, readPlainly);
    const length = readSync(descriptor, small);
    return length === 0 || length === small.length ? null : small.subarray(0, length);
  } catch {
    return null;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function readFiles(
  path: string,
  manifest: Manifest,
  damaged: (problem: string) => ModelDamagedError,
): Map<string, Buffer> {
  const present = new Set<string>();
  let entries: Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw unreadable("the folder", error, damaged);
  }
  for (const entry of entries) {
    if (entry.name.startsWith(".") || entry.name === manifestFile) continue;
    if (!entry.isFile()) throw damaged(`${entry.name} is not a regular file`);
    if (!Object.hasOwn(manifest.files, entry.name)) throw damaged(`${entry.name} is not in ${manifestFile}`);
    present.add(entry.name);
  }
  const files = new Map<string, Buffer>();
  for (const [file, expected] of Object.entries(manifest.files)) {
    // Only names seen in the folder are opened, so a manifest cannot point out of it.
    if (!present.has(file)) throw damaged(`${file} is missing`);
    try {
      const { size } = statSync(join(path, file));
      if (size !== expected.bytes) {
        throw damaged(`${file} has ${size} bytes, ${manifestFile} says ${expected.bytes}`);
      }
      files.set(file, readFileSync(join(path, file)));
    } catch (error) {
      throw unreadable(file, error, damaged);
    }
    const hash = sha256(files.get(file) as Buffer);
    if (hash !== expected.sha256) {
      throw damaged(`${file} was changed: its SHA-256 is ${hash}, ${manifestFile} says ${expected.sha256}`);
    }
  }
  return files;
}

function readWeights(bytes: Buffer, damaged: (problem: string) => ModelDamagedError): Weights {
  try {
    return decodeWeights(bytes);
  } catch (error) {
    if (error instanceof SafetensorsError) throw damaged(`weights.safetensors ${error.message}`);
    throw error;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parseJson(file: string, bytes: Buffer, damaged: (problem: string) => ModelDamagedError): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw damaged(`${file} is not JSON`);
  }
}

function unreadable(
  file: string,
  error: unknown,
  damaged: (problem: string) => ModelDamagedError,
): ModelDamagedError {
  if (error instanceof ModelDamagedError) return error;
  if (codeOf(error) === "ENOENT") return damaged(`${file} is missing`);
  return damaged(`${file} cannot be read (${codeOf(error) ?? String(error)})`);
}
