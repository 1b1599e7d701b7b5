// Starts the compiled thread: one script of all its modules, with V8's code cache beside it. Importing the modules one by one took 270 ms
// of each run; the script of everything takes 30 ms with the cache and 60 without, that of trainings 10. A cache that another version of V8 made is not used: V8 says so.
// CommonJS, since the loader of ES modules takes no cache, and 5 ms to start.
const { readFileSync } = require("node:fs");
const { constants, Script } = require("node:vm");
const path = require("node:path");
const { workerData } = require("node:worker_threads");

// A ThreadScript of training-thread.ts, or that of the services' threads.
const file = path.join(__dirname, `${workerData}.cjs`);
const cacheFile = `${file}.cache`;

/** Compiles the script, with the cache where there is one. */
function compile() {
  let cachedData;
  try {
    cachedData = readFileSync(cacheFile);
  } catch {
    // Nothing depends on it.
  }
  const source = `(function (require, module, exports, __filename, __dirname) {${readFileSync(file, "utf8")}\n})`;
  return new Script(source, {
    filename: file,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

const script = compile();
const compiled = { exports: {} };
script.runInThisContext()(require, compiled, compiled.exports, file, __dirname);

module.exports = { script, cacheFile };
