import { pathToFileURL } from "node:url";
import { dirname, join } from "node:path";
import { builtCommand, importBuilt } from "../test/built.js";

export { builtCommand, importBuilt };

/** A compiled file that no door leads to; `path` is relative to dist/. */
export async function importBuiltFile<Module>(path: string): Promise<Module> {
  const dist = dirname(dirname(builtCommand));
  return (await import(pathToFileURL(join(dist, path)).href)) as Module;
}
