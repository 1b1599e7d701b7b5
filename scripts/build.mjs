// Compiles src/ to dist/ with tsc. Output goes to a folder of its own first, so that a failed build leaves the old one.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist");
const fresh = join(root, `.dist-${process.pid}`);
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

if (!existsSync(tsc)) {
  console.error(
    "ktrdr is built with TypeScript, which is not installed. Run `npm ci` without NODE_ENV=production",
  );
  console.error("and without --omit: the build tools are development and optional dependencies.");
  process.exit(1);
}
try {
  const startedAt = new Date();
  execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", fresh], {
    stdio: "inherit",
    cwd: root,
  });
  writeFileSync(join(fresh, ".built"), startedAt.toISOString());
  chmodSync(join(fresh, "cli", "main.js"), 0o755);
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
} catch (error) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(error.status ?? 1);
}
