import { sha256 } from "../core/index.js";
import type { Weights } from "../engines/index.js";
import { encodeWeights, layerUnits } from "./weights.js";

/** Plain data. Numbers that are not finite are stored as null: JSON has no others. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a model's folder holds, as plain data; the field names of the inner objects are those of the files. */
export interface ModelContents {
  readonly strategyName: string;
  /** The finest timeframe, e.g. `1d`. */
  readonly timeframe: string;
  readonly weights: Weights;
  /** The strategy as used. */
  readonly strategy: object;
  /** `feature_names`: the network's inputs, in order. */
  readonly features: JsonObject & { readonly feature_names: readonly string[] };
  readonly metrics: {
    readonly training_metrics: object;
    readonly test_metrics: object;
    /** Importance of features, metrics per symbol. */
    readonly artifacts?: object;
  };
  /** `created_at`: ISO, UTC. Storage adds `layer_sizes`, [inputs, hidden..., outputs]. */
  readonly metadata: JsonObject & { readonly created_at: string };
  /** The ONNX file. */
  readonly onnx: Uint8Array;
  /** The run's result as it was reported, if it is to be kept. */
  readonly result?: object;
}

/** Name of the file that lists the others. */
export const manifestFile = "manifest.json";

/** Files that every model has, besides the manifest. */
export const modelFiles = [
  "weights.safetensors",
  "strategy.json",
  "features.json",
  "metrics.json",
  "metadata.json",
  "model.onnx",
] as const;

/** File of the run's result; models need not have it. */
export const resultFile = "result.json";

/** The figures that lists show; null where there is none. They stand in the manifest too, so that a list reads one small file per model. */
export interface Summary {
  readonly created_at: string;
  readonly val_accuracy: number | null;
  readonly test_accuracy: number | null;
}

/** `manifest.json`: every other file with its hash and size. `summary` may be missing in models made elsewhere. */
export interface Manifest {
  files: Record<string, { readonly sha256: string; readonly bytes: number }>;
  summary?: Summary;
}

/**
 * The manifest that some JSON is; null where it is none. By hand, since a list checks one for each model: ten thousand
 * take zod 60 ms.
 */
export function asManifest(json: unknown): Manifest | null {
  if (!isMap(json) || !isMap(json["files"])) return null;
  const files: Manifest["files"] = {};
  for (const [name, entry] of Object.entries(json["files"])) {
    if (!isMap(entry)) return null;
    const { sha256: hash, bytes } = entry;
    if (typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash)) return null;
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) return null;
    files[name] = { sha256: hash, bytes: bytes as number };
  }
  if (json["summary"] === undefined) return { files };
  if (!isMap(json["summary"])) return null;
  const { created_at, val_accuracy, test_accuracy } = json["summary"];
  if (typeof created_at !== "string" || !isFigure(val_accuracy) || !isFigure(test_accuracy)) return null;
  return { files, summary: { created_at, val_accuracy, test_accuracy } };
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFigure(value: unknown): value is number | null {
  return value === null || Number.isFinite(value);
}

/** The figures for lists out of a model's metrics and metadata. */
export function summarize(metrics: ModelContents["metrics"], metadata: JsonObject): Summary {
  const { created_at } = metadata;
  return {
    created_at: typeof created_at === "string" ? created_at : "",
    val_accuracy: finiteNumber(metrics.training_metrics, "best_val_accuracy"),
    test_accuracy: finiteNumber(metrics.test_metrics, "test_accuracy"),
  };
}

function finiteNumber(from: object, key: string): number | null {
  const value = (from as JsonObject)[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/**
 * The bytes of every file of a model, the manifest last.
 *
 * @throws UnusableWeightsError
 */
export function encodeFiles(contents: ModelContents): Map<string, Uint8Array> {
  const { weights, strategy, features, metrics, onnx, result } = contents;
  const sizes = layerUnits(weights);
  if (features.feature_names.length !== sizes[0]) {
    throw new Error(`The network has ${sizes[0]} inputs for ${features.feature_names.length} features`);
  }
  const metadata = { ...contents.metadata, layer_sizes: sizes };
  const files = new Map<string, Uint8Array>([
    ["weights.safetensors", encodeWeights(weights)],
    ["strategy.json", jsonBytes(strategy)],
    ["features.json", jsonBytes(features)],
    ["metrics.json", jsonBytes(metrics)],
    ["metadata.json", jsonBytes(metadata)],
    ["model.onnx", onnx],
  ]);
  if (result !== undefined) files.set(resultFile, jsonBytes(result));
  const manifest: Manifest = { files: {}, summary: summarize(metrics, metadata) };
  for (const [name, bytes] of files) {
    manifest.files[name] = { sha256: sha256(bytes), bytes: bytes.length };
  }
  return files.set(manifestFile, jsonBytes(manifest));
}

function jsonBytes(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
