import { nearestName } from "../core/index.js";
import type { KeyPath } from "./issues.js";
import { isPlainMap, valueAt, type PlainMap } from "./plain.js";

/**
 * Keys that the older system accepted and that have no effect here, each with the reason. They are taken out before
 * the file is checked, and each one that a file has gives one notice.
 */
export const keysWithoutEffect: readonly { readonly path: string; readonly why: string }[] = [
  { path: "model.input_size", why: "the number of inputs follows from the fuzzy sets" },
  { path: "model.symbol_embedding_dim", why: "nothing tells the network which symbol a sample is of" },
  {
    path: "model.architecture.output_activation",
    why: "the outputs are logits in training and softmax probabilities in prediction",
  },
  { path: "model.features.include_price_context", why: "the inputs are fuzzy degrees only" },
  { path: "model.features.include_volume_context", why: "the inputs are fuzzy degrees only" },
  { path: "model.features.include_raw_indicators", why: "the inputs are fuzzy degrees only" },
  { path: "model.features.scale_features", why: "fuzzy degrees already lie between 0 and 1" },
  { path: "model.features.scaling_method", why: "fuzzy degrees already lie between 0 and 1" },
  {
    path: "model.training.progress",
    why: "model.training.progress_update_frequency says how often progress is shown",
  },
  { path: "model.training.total_batches", why: "the number of batches follows from the data" },
  { path: "model.training.batches_per_epoch", why: "the number of batches follows from the data" },
  { path: "model.training.estimated_duration_minutes", why: "the time left is measured" },
  { path: "model.training.analytics", why: "every run stores its history with the model" },
  { path: "training.method", why: "training is always supervised" },
  {
    path: "training.date_range",
    why: "training_data.start_date and end_date, or --start-date and --end-date, say which bars are used",
  },
  { path: "training.fitness_metrics", why: "the saved epoch is the one with the lowest validation loss" },
  { path: "risk_management", why: "it is only stored with the model" },
  {
    path: "backtesting",
    why: "it is only stored with the model; a back-test takes these figures from its command",
  },
];

function mapAt(document: unknown, path: readonly string[]): PlainMap | undefined {
  const value = valueAt(document, path);
  return isPlainMap(value) ? value : undefined;
}

const modeKeys = ["confidence_threshold", "require_confirmation"];

/** Sections in which people kept keys of their own: those are told of, unless they look like a known key misspelt. */
const openSections: readonly { readonly path: readonly string[]; readonly known: readonly string[] }[] = [
  { path: ["orchestrator"], known: ["max_position_size", "modes"] },
  { path: ["orchestrator", "modes", "backtest"], known: modeKeys },
  { path: ["orchestrator", "modes", "paper"], known: modeKeys },
  { path: ["orchestrator", "modes", "live"], known: modeKeys },
];

/** The keys without effect that belong into the map at this path. */
export function ignoredKeysAt(path: KeyPath): string[] {
  const prefix = path.join(".");
  return keysWithoutEffect
    .map((entry) => entry.path.split("."))
    .filter((parts) => parts.slice(0, -1).join(".") === prefix)
    .map((parts) => parts[parts.length - 1]);
}

/** Takes the keys without effect out of a document (in place) and tells of each. */
export function takeOutKeysWithoutEffect(document: PlainMap): string[] {
  const notices: string[] = [];
  for (const { path, why } of keysWithoutEffect) {
    const parts = path.split(".");
    const key = parts[parts.length - 1];
    const parent = mapAt(document, parts.slice(0, -1));
    if (parent === undefined || !Object.hasOwn(parent, key)) continue;
    delete parent[key];
    notices.push(`${path} has no effect: ${why}.`);
  }
  for (const { path, known } of openSections) {
    const section = mapAt(document, path) ?? {};
    for (const key of Object.keys(section)) {
      if (known.includes(key) || nearestName(key, known) !== undefined) continue;
      delete section[key];
      notices.push(`${path.join(".")}.${key} has no effect: it is only stored with the model.`);
    }
  }
  const stopping = mapAt(document, ["model", "training", "early_stopping"]);
  if (stopping?.["monitor"] === "val_accuracy") {
    stopping["monitor"] = "val_loss";
    notices.push(
      'model.training.early_stopping.monitor: "val_accuracy" is not followed; the validation loss decides when to stop, ' +
        "as it decides which epoch is saved.",
    );
  }
  // Files carry `enabled: true`, which says nothing; `enabled: false` is taken at its word.
  if (stopping !== undefined && typeof stopping["enabled"] === "boolean") {
    const training = mapAt(document, ["model", "training"]);
    if (!stopping["enabled"] && training !== undefined) delete training["early_stopping"];
    delete stopping["enabled"];
    stopping["monitor"] ??= "val_loss";
  }
  return notices;
}
