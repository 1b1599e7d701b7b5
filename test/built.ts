import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The compiled command line, for tests that start a process. */
export const builtCommand = join(root, "dist", "cli", "main.js");

/** @throws where dist/ is missing or older than the sources, saying what to type */
export function checkBuilt(): void {
  const stamp = join(root, "dist", ".built");
  if (!existsSync(stamp)) throw new Error("dist/ is missing: run `npm run build`");
  const built = statSync(stamp).mtimeMs;
  const newer = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .find((path) => statSync(path).mtimeMs > built + 1000);
  if (newer !== undefined) throw new Error(`dist/ is older than ${newer}: run \`npm run build\``);
}

/** The compiled package: worker threads start from it only. */
export async function importBuilt(): Promise<typeof import("../src/index.js")> {
  checkBuilt();
  return (await import(
    pathToFileURL(join(root, "dist", "index.js")).href
  )) as typeof import("../src/index.js");
}

/** The compiled services. */
export async function importBuiltService(): Promise<typeof import("../src/service/index.js")> {
  checkBuilt();
  return (await import(
    pathToFileURL(join(root, "dist", "service", "index.js")).href
  )) as typeof import("../src/service/index.js");
}
