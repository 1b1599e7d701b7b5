import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBars } from "../test/bars.js";
import { builtCommand, importBuilt } from "./built.js";
import type { Timeframe } from "../src/data/index.js";

const peakScript = fileURLToPath(new URL("peak-memory.cjs", import.meta.url));

/** What one process cost. */
export interface ProcessCost {
  readonly ms: number;
  /** The most memory it had; null where it was not asked for. */
  readonly peakGiB: number | null;
}

/** Runs Node in a folder, which is its work folder too, until it has ended. @throws where it fails */
export function runNode(cwd: string, args: readonly string[], withPeak = false): ProcessCost {
  const peakFile = join(cwd, "peak");
  const env = {
    ...process.env,
    KTRDR_HOME: cwd,
    KTRDR_DATA_DIR: "",
    KTRDR_MODELS_DIR: "",
    NO_COLOR: "1",
    ...(withPeak ? { KTRDR_BENCH_PEAK: peakFile } : {}),
  };
  const started = performance.now();
  const flags = withPeak ? ["--require", peakScript, ...args] : args;
  const { status, stderr, error } = spawnSync(process.execPath, flags, { cwd, env, maxBuffer: 1 << 28 });
  const ms = performance.now() - started;
  if (status !== 0) {
    throw new Error(`node ${args.join(" ")} ended with ${status}: ${String(stderr)}`, { cause: error });
  }
  return { ms, peakGiB: withPeak ? Number(readFileSync(peakFile, "utf8")) / 2 ** 20 : null };
}

/** Runs the compiled command line. */
export function runKtrdr(cwd: string, args: readonly string[], withPeak = false): ProcessCost {
  return runNode(cwd, [builtCommand, ...args], withPeak);
}

/** Stores seeded bars of each symbol under a folder's `data`. */
export async function storeBars(
  folder: string,
  symbols: readonly string[],
  count: number,
  timeframe: Timeframe = "1d",
): Promise<void> {
  const { BarStore } = await importBuilt();
  const store = new BarStore(join(folder, "data"));
  const volatility = timeframe === "1d" ? 0.015 : 0.0005;
  for (const [index, symbol] of symbols.entries()) {
    await store.save(
      makeBars({ symbol, timeframe, count, start: "2014-01-01", seed: index + 1, volatility }),
    );
  }
}
