import { nearestName, UsageError } from "../core/index.js";
import type { Engine } from "./engine.js";
import { referenceEngine } from "./reference/reference.js";

/** The engines that there are, by name; the contract and the PyTorch fixtures are tested on each. */
export const engines: Readonly<Record<string, Engine>> = { reference: referenceEngine };

/** What `--engine` takes: an engine's name, or `auto` for the fastest that runs on this machine. */
export const engineNames: readonly string[] = [...Object.keys(engines), "auto"];

/** The engine of this name. @throws UsageError for a name that is no engine's */
export function findEngine(name: string): Engine {
  if (name === "auto") return referenceEngine;
  if (Object.hasOwn(engines, name)) return engines[name];
  const nearest = nearestName(name, engineNames);
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  throw new UsageError(`--engine: "${name}" is no engine. Known: ${engineNames.join(", ")}.${hint}`);
}
