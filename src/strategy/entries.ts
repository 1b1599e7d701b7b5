import { strategyFileName, strategyFiles } from "./find.js";
import { StrategyFileError } from "./issues.js";
import { loadStrategy } from "./load.js";
import { featureNames } from "./strategy.js";

/** A strategy file as lists show it; fields are null or empty where the file is not valid. */
export interface StrategyEntry {
  /** Of the file, which commands call it by. */
  readonly name: string;
  readonly strategy_name: string | null;
  readonly path: string;
  readonly valid: boolean;
  readonly description: string | null;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly labels: string | null;
  readonly inputs: number | null;
  /** How many the file has. */
  readonly errors: number;
}

/** The strategy files of a folder, by name. */
export function strategyEntries(folder: string): StrategyEntry[] {
  return strategyFiles(folder).map((path) => {
    const name = strategyFileName(path);
    try {
      const strategy = loadStrategy(path);
      const { description } = strategy.document;
      return {
        name,
        strategy_name: strategy.name,
        path,
        valid: true,
        description: typeof description === "string" ? description : null,
        symbols: strategy.symbols,
        timeframes: strategy.timeframes,
        labels: strategy.label.name,
        inputs: featureNames(strategy).length,
        errors: 0,
      };
    } catch (error) {
      if (!(error instanceof StrategyFileError)) throw error;
      const unknown = {
        strategy_name: null,
        description: null,
        symbols: [],
        timeframes: [],
        labels: null,
        inputs: null,
      };
      return { name, path, valid: false, ...unknown, errors: error.issues.length };
    }
  });
}
