import { existsSync } from "node:fs";

/**
 * A file of the package, wherever the module that asks lies: in the sources, compiled, or in a bundle.
 *
 * @param path from the package's root
 * @returns null where there is none
 */
export function packageFile(path: string): URL | null {
  for (let folder = new URL(".", import.meta.url); ;) {
    const file = new URL(path, folder);
    if (existsSync(file)) return file;
    const above = new URL("..", folder);
    if (above.href === folder.href) return null;
    folder = above;
  }
}

/** A file that the build writes to `dist/`. @throws Error that says how to build it */
export function builtFile(path: string): URL {
  const file = packageFile(`dist/${path}`);
  if (file === null) throw new Error(`${path} was not built; run \`npm run build\` in the package's folder`);
  return file;
}
