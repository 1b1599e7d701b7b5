import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CancellationToken, codeOf, nearestName, processIdentity } from "../core/index.js";
import type { ModelContents } from "./contents.js";
import { ModelDamagedError, ModelNotFoundError } from "./errors.js";
import {
  asModelsError,
  deleteVersion,
  discard,
  refuseLink,
  refuseUnwritable,
  removeAbandoned,
  removeIfEmpty,
  strategiesIn,
  temporaryFolder,
  versionsIn,
} from "./folder.js";
import {
  type ModelEntry,
  type ModelTraining,
  readEntry,
  readModel,
  readTraining,
  type StoredModel,
} from "./load.js";
import { isStrategyName, parseModelName, parseVersionFolder, versionFolder } from "./names.js";
import { type PublishedModel, publishModel } from "./publish.js";

/**
 * The folder of trained models: `<root>/<strategy>/<timeframe>_v<N>/`.
 *
 * A model appears whole, by one rename, and is never changed afterwards. Several processes may publish, read and
 * delete at once; version numbers are given once. All methods are synchronous.
 */
export class ModelStorage {
  /** Absolute. */
  readonly root: string;

  /** @param root the folder of models; made when the first model is published */
  constructor(root: string) {
    this.root = resolve(root);
  }

  /**
   * Stores a model as the next version of its strategy and timeframe, in one step.
   *
   * @param options.operationId names the temporary folder; letters, digits, `_` and `-`
   * @param options.token looked at up to the moment before the rename
   * @throws CancelledError, DiskFullError, ModelsFolderError, StrategyNameError, UnusableWeightsError; nothing of the
   *         model is left behind then
   */
  publish(
    contents: ModelContents,
    options: { readonly operationId: string; readonly token: CancellationToken },
  ): PublishedModel {
    return publishModel(this.root, contents, options);
  }

  /**
   * All models, newest first; reads one small file for each (10,000 models on a warm disk: 0.3 s).
   *
   * @param onDamaged told of each folder that is no whole model; such are left out
   * @throws ModelsFolderError
   */
  list(onDamaged: (error: ModelDamagedError) => void = () => undefined): ModelEntry[] {
    const entries: ModelEntry[] = [];
    for (const name of this.#names()) {
      try {
        entries.push(readEntry(name, this.#pathOf(name)));
      } catch (error) {
        if (!(error instanceof ModelDamagedError)) throw error;
        if (existsSync(error.path)) onDamaged(error); // else it was deleted while being read
      }
    }
    return entries.sort(newestFirst);
  }

  /** What each model was trained on, as its metadata says; models that cannot be read are left out. @throws ModelsFolderError */
  trainings(): ModelTraining[] {
    return this.#names().flatMap((name) => readTraining(this.#pathOf(name)) ?? []);
  }

  /**
   * Loads and checks a model: files, sizes, hashes, shapes, feature list.
   *
   * @param name `<strategy>/<timeframe>_v<N>`, or `<strategy>` for its newest version
   * @throws ModelNotFoundError, ModelDamagedError, ModelsFolderError
   */
  load(name: string): StoredModel {
    const full = this.resolve(name);
    try {
      return readModel(full, this.#pathOf(full));
    } catch (error) {
      if (existsSync(this.#pathOf(full))) throw error;
      throw this.#notFound(name); // deleted while being read
    }
  }

  /**
   * Deletes a model, damaged or not; its version number is not used again. Returns its full name.
   *
   * @param name as in `load`
   * @throws ModelNotFoundError, ModelsFolderError
   */
  remove(name: string): string {
    const full = this.resolve(name);
    const [strategy, version] = full.split("/");
    try {
      deleteVersion(join(this.root, strategy), version);
    } catch (error) {
      if (codeOf(error) === "ENOENT") throw this.#notFound(name); // another process was first
      throw asModelsError(this.#pathOf(full), error);
    }
    return full;
  }

  /**
   * The full name of a stored model.
   *
   * @param name as in `load`. Of several timeframes of a strategy, that of the model made last counts
   * @throws ModelNotFoundError, ModelsFolderError
   */
  resolve(name: string): string {
    const parsed = parseModelName(name);
    if (parsed !== null && this.#versions(parsed.strategy).includes(name.split("/")[1])) return name;
    const newest = isStrategyName(name) ? this.#newest(name) : undefined;
    if (newest !== undefined) return newest;
    throw this.#notFound(name);
  }

  /** Finds out before a long run that its model could not be saved; makes nothing. @throws ModelsFolderError */
  checkWritable(): void {
    refuseUnwritable(this.root);
  }

  /** Removes what killed runs left behind; every `publish` does this too. */
  removeAbandoned(): void {
    removeAbandoned(this.root);
  }

  /** Removes what an operation of this process was writing when its thread was ended; published models stay. */
  discardUnfinished(operationId: string): void {
    const unfinished = temporaryFolder(operationId, processIdentity());
    for (const strategy of strategiesIn(this.root)) {
      const folder = join(this.root, strategy);
      discard(join(folder, unfinished));
      removeIfEmpty(folder);
    }
  }

  #notFound(name: string): ModelNotFoundError {
    const names = this.#names();
    const strategies = names.map((full) => full.slice(0, full.indexOf("/")));
    const nearest = nearestName(name, new Set([...names, ...strategies]));
    return new ModelNotFoundError(name, this.root, nearest, names.length);
  }

  #pathOf(name: string): string {
    return join(this.root, name);
  }

  #names(): string[] {
    return strategiesIn(this.root).flatMap((strategy) =>
      versionsIn(join(this.root, strategy)).map((version) => `${strategy}/${version}`),
    );
  }

  #versions(strategy: string): string[] {
    refuseLink(join(this.root, strategy));
    return versionsIn(join(this.root, strategy));
  }

  #newest(strategy: string): string | undefined {
    const highest = new Map<string, number>();
    for (const folder of this.#versions(strategy)) {
      const { timeframe, version } = parseVersionFolder(folder) as { timeframe: string; version: number };
      highest.set(timeframe, Math.max(version, highest.get(timeframe) ?? 0));
    }
    const names = [...highest].map(
      ([timeframe, version]) => `${strategy}/${versionFolder(timeframe, version)}`,
    );
    if (names.length <= 1) return names[0];
    // Versions are counted per timeframe, so only the time of creation tells which of several is the newest.
    const createdAt = (name: string): string => {
      try {
        return readEntry(name, this.#pathOf(name)).created_at;
      } catch {
        return "";
      }
    };
    return names
      .map((name) => ({ name, at: createdAt(name) }))
      .sort((a, b) => compare(b.at, a.at) || compare(a.name, b.name))[0].name;
  }
}

function newestFirst(a: ModelEntry, b: ModelEntry): number {
  return (
    compare(b.created_at, a.created_at) || compare(a.strategy_name, b.strategy_name) || b.version - a.version
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
