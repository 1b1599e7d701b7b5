import { existsSync, readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { didYouMean, KnownError, nearestName } from "../core/index.js";

/** No strategy file has this name. */
export class StrategyNotFoundError extends KnownError {
  readonly code = "STRATEGY_NOT_FOUND";
  readonly strategy: string;
  readonly folder: string;
  readonly nearest: string | null;
  readonly known: readonly string[];

  constructor(strategy: string, folder: string, known: readonly string[]) {
    const nearest = nearestName(basename(strategy).replace(/\.ya?ml$/i, ""), known) ?? null;
    const has = known.length === 0 ? `${folder} has no strategy files` : `${folder} has: ${known.join(", ")}`;
    const hint = didYouMean(nearest);
    super(`There is no strategy "${strategy}".${hint} Give the path of a file or a name; ${has}.`);
    this.strategy = strategy;
    this.folder = folder;
    this.nearest = nearest;
    this.known = known;
  }
}

const isStrategyFile = (file: string): boolean => [".yaml", ".yml"].includes(extname(file).toLowerCase());

/** Paths of the strategy files in a folder, by name; none where there is no such folder. */
export function strategyFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && isStrategyFile(entry.name) && !entry.name.startsWith("."))
    .map((entry) => join(folder, entry.name))
    .sort();
}

/** The name by which commands call a strategy file: the file's without its ending. */
export function strategyFileName(path: string): string {
  return basename(path, extname(path));
}

/**
 * The path of a strategy file, given as a path or as the name of a file in the folder of strategies.
 *
 * @throws StrategyNotFoundError with the nearest name
 */
export function findStrategy(nameOrPath: string, folder: string): string {
  const byName = strategyFiles(folder).find((path) => strategyFileName(path) === nameOrPath);
  if (byName !== undefined) return byName;
  if (nameOrPath !== "" && existsSync(nameOrPath)) return nameOrPath;
  throw new StrategyNotFoundError(nameOrPath, folder, strategyFiles(folder).map(strategyFileName));
}

/**
 * The path of a strategy file in the folder of strategies, by its name only, so that a request cannot name another place.
 *
 * @throws StrategyNotFoundError with the nearest name
 */
export function findStrategyByName(name: string, folder: string): string {
  const files = strategyFiles(folder);
  const found = files.find((path) => strategyFileName(path) === name);
  if (found !== undefined) return found;
  throw new StrategyNotFoundError(name, folder, files.map(strategyFileName));
}
