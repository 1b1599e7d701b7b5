import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { timed } from "./timing.js";

// Eight sums in registers, each waiting only for itself: as many separate multiplications and additions as the processor
// can do at a time on 128-bit vectors.
const sums = Array.from({ length: 8 }, (_, k) => `s${k}`);
const source = `
export function work(n: i32): f32 {
  const a = f32x4.splat(0.999), b = f32x4.splat(0.001);
  let ${sums.map((name, k) => `${name} = f32x4.splat(${k})`).join(", ")};
  for (let i = 0; i < n; i++) {
    ${sums.map((name) => `${name} = f32x4.add(f32x4.mul(${name}, a), b);`).join("\n    ")}
  }
  return f32x4.extract_lane(${sums.reduce((sum, name) => `f32x4.add(${sum}, ${name})`)}, 0);
}`;

const compiler = fileURLToPath(new URL("../node_modules/assemblyscript/bin/asc.js", import.meta.url));

/** Measures the peak of one core with 128-bit vectors, multiplication and addition apart, in GFLOP/s: the best of some tries. */
export function measurePeak(): number {
  const bytes = compiled();
  const { work } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports as {
    work: (n: number) => number;
  };
  const n = 2_000_000;
  const flops = n * sums.length * 4 * 2;
  let best = Infinity;
  for (let round = 0; round < 20; round++)
    best = Math.min(
      best,
      timed(() => work(n)),
    );
  return flops / best / 1e6;
}

/** In a process of its own: through tsx, which translates every module that it imports, the compiler takes 7 s to load. */
function compiled(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-bench-"));
  try {
    const [file, out] = [join(folder, "peak.ts"), join(folder, "peak.wasm")];
    writeFileSync(file, source);
    execFileSync(
      process.execPath,
      [compiler, file, "-o", out, "-O3", "--enable", "simd", "--runtime", "stub"],
      {
        cwd: folder,
      },
    );
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
