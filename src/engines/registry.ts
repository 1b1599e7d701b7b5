import { nearestName, UsageError } from "../core/index.js";
import type { Engine } from "./engine.js";

/** Engines by name. `auto` is the fastest that runs on this machine. */
export const engineNames = ["reference", "auto"] as const;

/** Name of an engine, as in `--engine`. */
export type EngineName = (typeof engineNames)[number];

/** Loads an engine; heavy ones only when they are asked for. @throws UsageError for a name that is no engine's */
export async function loadEngine(name: string): Promise<Engine> {
  if (name === "reference" || name === "auto") {
    const { referenceEngine } = await import("./reference/reference.js");
    return referenceEngine;
  }
  const nearest = nearestName(name, engineNames);
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  throw new UsageError(`"${name}" is no engine. Known: ${engineNames.join(", ")}.${hint}`);
}
