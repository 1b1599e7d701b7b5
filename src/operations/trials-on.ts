import { ModelStorage } from "../models/index.js";
import { findStrategy } from "../strategy/find.js";
import { loadStrategy } from "../strategy/index.js";
import type { OperationStore } from "./store.js";
import { countTrials, type PresentTrial, type TrialData } from "./trials.js";

/** Where strategy files and models are. */
export interface TrialFolders {
  readonly strategies: string;
  readonly models: string;
}

/** Runs that the registry and the models folder hold on the same data, with the present one; null where that is recorded already. */
export function trialsOn(
  store: OperationStore,
  folders: TrialFolders,
  data: TrialData,
  present: PresentTrial | null,
): number {
  const strategies = new Map<string, readonly string[] | null>();
  const symbolsOf = (name: string): readonly string[] | null => {
    const known = strategies.get(name);
    if (known !== undefined) return known;
    let symbols: readonly string[] | null = null;
    try {
      symbols = loadStrategy(findStrategy(name, folders.strategies)).symbols;
    } catch {
      // The file is gone or was changed: nobody knows any more which symbols it named.
    }
    strategies.set(name, symbols);
    return symbols;
  };
  const models = new ModelStorage(folders.models).trainings();
  return countTrials(store.list(), models, data, present, symbolsOf);
}
