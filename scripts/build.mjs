// Builds dist/ from src/. Output goes to a folder of its own first, so that a failed build leaves the old one.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as zod from "zod";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist");
const fresh = join(root, `.dist-${process.pid}`);

function tool(...path) {
  const file = join(root, "node_modules", ...path);
  if (existsSync(file)) return file;
  throw new Error(
    `ktrdr is built with ${path[0]}, which is not installed. Run \`npm ci\` without NODE_ENV=production\n` +
      "and without --omit: the build tools are development and optional dependencies.",
  );
}

/** Removes what builds left that were ended from outside. */
function removeStale() {
  for (const name of readdirSync(root)) {
    const pid = Number(/^\.dist-(\d+)$/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(root, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

const runNode = (...args) => execFileSync(process.execPath, args, { stdio: "inherit", cwd: root });

/**
 * Both kernels of the wasm engine from one source, and the reader of stop flags. Memory is imported and shared, so that threads can work on one network;
 * nothing is allocated inside, so no runtime is needed. Relaxed SIMD rounds multiply-adds once where the processor can.
 */
function buildKernels() {
  const asc = tool("assemblyscript", "bin", "asc.js");
  const memory = ["--importMemory", "--sharedMemory", "--initialMemory", "1"];
  const features = ["--enable", "simd", "--enable", "threads"];
  const folder = join(fresh, "engines", "wasm");
  mkdirSync(folder, { recursive: true });
  for (const [name, file, ...more] of [
    ["kernel", "kernel.ts", "--maximumMemory", "65536"],
    ["kernel-relaxed", "kernel.ts", "--maximumMemory", "65536", "--enable", "relaxed-simd"],
    ["flag", "flag.ts", "--maximumMemory", "1"],
  ]) {
    const source = join("src", "engines", "wasm", "kernel", file);
    const out = join(folder, `${name}.wasm`);
    runNode(
      asc,
      source,
      "-o",
      out,
      "-O3",
      "--noAssert",
      "--runtime",
      "stub",
      ...memory,
      ...features,
      ...more,
    );
  }
}

/** The library, file by file, with its types. */
function compile() {
  runNode(tool("typescript", "bin", "tsc"), "-p", join(root, "tsconfig.build.json"), "--outDir", fresh);
}

/**
 * Command line and threads start with each run or service, and most of a start was finding and reading 300 small files; so
 * each of them is bundled, with the libraries that it uses at once. All other dependencies stay outside: native ones
 * must, and a new one may.
 */
async function bundle() {
  tool("esbuild", "package.json");
  const { build } = await import("esbuild");
  const inside = [
    "commander",
    "cli-progress",
    "hyparquet",
    "hyparquet-compressors",
    "hyparquet-writer",
    "picocolors",
    "pure-rand",
    "yaml",
    "zod",
  ];
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const external = Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => !inside.includes(name),
  );
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20.19",
    external,
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
  };
  rmSync(join(fresh, "cli"), { recursive: true });
  await build({
    ...common,
    entryPoints: ["src/cli/main.ts", "src/cli/program.ts"],
    outdir: join(fresh, "cli"),
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    // CommonJS libraries inside ask for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
  });
  const orchestration = join(fresh, "orchestration");
  const thread = (name, plugins, folder = "orchestration") =>
    build({
      ...common,
      entryPoints: [`src/${folder}/${name}.ts`],
      outfile: join(orchestration, `${name}.cjs`),
      format: "cjs",
      minifyWhitespace: true,
      define: { "import.meta.url": "bundleUrl" },
      banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
      plugins,
    });
  await thread("worker", []);
  await thread("training-worker", [withoutChecks]);
  await thread("task-worker", [], "service");
  for (const name of ["worker", "training-worker"]) rmSync(join(orchestration, `${name}.js`));
  rmSync(join(fresh, "service", "task-worker.js"));
  copyFileSync(join(root, "src/orchestration/start-worker.cjs"), join(orchestration, "start-worker.cjs"));
}

/**
 * The thread that only trains gets its strategy checked: it needs neither the reader of strategy files nor the schemas, which modules
 * build while they are loaded. Both were half of its start. Whatever would use them nevertheless fails.
 */
const withoutChecks = {
  name: "without checks",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^zod$/ }, () => ({ path: "zod", namespace: "without-checks" }));
    onLoad({ filter: /^zod$/, namespace: "without-checks" }, () => ({
      loader: "js",
      contents: `
        const using = new Set(["parse", "safeParse", "parseAsync", "safeParseAsync", "shape", "def", "_zod"]);
        const get = (_, name) => {
          if (using.has(name)) throw new Error("the training thread checks nothing, and was asked for the " + name + " of a schema");
          return schema;
        };
        const schema = new Proxy(() => schema, { get });
        export { ${Object.keys(zod)
          .map((name) => `schema as ${name}`)
          .join(", ")} };
      `,
    }));
    onLoad({ filter: /strategy[\\/]load\.ts$/ }, () => ({
      loader: "js",
      contents: `
        const refuse = () => { throw new Error("the training thread was asked to check a strategy"); };
        export { refuse as loadStrategy, refuse as parseStrategy, refuse as strategyFromDocument };
      `,
    }));
  },
};

try {
  removeStale();
  const startedAt = new Date();
  compile();
  buildKernels();
  await bundle();
  writeFileSync(join(fresh, ".built"), startedAt.toISOString());
  chmodSync(join(fresh, "cli", "main.js"), 0o755);
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  // Last, as the cache belongs to the place where the script lies.
  runNode(join(root, "scripts", "cache-code.mjs"));
} catch (error) {
  rmSync(fresh, { recursive: true, force: true });
  console.error(error.message);
  process.exit(error.status ?? 1);
}
