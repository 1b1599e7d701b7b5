import type { StoredModel } from "./load.js";

/** A stored model as `models show --json` has it. */
export interface ModelRecord extends Pick<
  StoredModel,
  "name" | "path" | "timeframe" | "version" | "metadata" | "metrics" | "features"
> {
  readonly strategy_name: string;
  readonly time_receipt: unknown;
  readonly leak_receipt: unknown;
  readonly verdict: unknown;
}

/** A stored model as data for programs. */
export function modelRecord(model: StoredModel): ModelRecord {
  const { name, path, strategyName, timeframe, version, metadata, metrics, features, result } = model;
  // What the run said; where it was stored elsewhere, in the copy of its result.
  const stored = (field: string): unknown => metadata[field] ?? result?.[field] ?? null;
  return {
    name,
    strategy_name: strategyName,
    timeframe,
    version,
    path,
    metadata,
    metrics,
    features,
    time_receipt: stored("time_receipt"),
    leak_receipt: stored("leak_receipt"),
    verdict: stored("verdict"),
  };
}
