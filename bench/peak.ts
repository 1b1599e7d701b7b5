import { main } from "assemblyscript/asc";
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

/** Measures the peak of one core with 128-bit vectors, multiplication and addition apart, in GFLOP/s: the best of some tries. */
export async function measurePeak(): Promise<number> {
  let bytes: Uint8Array | undefined;
  await main(["peak.ts", "--outFile", "peak.wasm", "-O3", "--enable", "simd", "--runtime", "stub"], {
    readFile: (name) => (name === "peak.ts" ? source : null),
    writeFile: (name, contents) => {
      if (name === "peak.wasm") bytes = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (bytes === undefined) throw new Error("the peak loop was not compiled");
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
