import type { KernelSource } from "../protocol.js";
import { kernelSource, type BufferDeclaration } from "./wgsl.js";

/** Rows and columns of a tile, the work of one workgroup. */
export const tile = 32;
/** Steps along the depth between two fillings of the shared memory. */
const panel = 16;
/** Where the panel of b stands in shared memory, after that of a. */
const bPanel = tile * panel;

/** A matrix product c = a · bᵀ, cut into tiles of 32 × 32; its parts are WGSL. */
interface ProductPlan {
  readonly buffers: readonly BufferDeclaration[];
  /** Expressions of type u32. */
  readonly rows: string;
  readonly columns: string;
  readonly depth: string;
  /** Declares `a(row, k)` and `b(column, k)`, called for indices inside only,, and `store(row, column, sum)`. */
  readonly functions: string;
  /** Whether neighbours in memory are neighbours along the depth, or else along rows (columns for b). */
  readonly aAlongDepth: boolean;
  readonly bAlongDepth: boolean;
}

/** Where the e-th of a panel's numbers stands: [along the tile's side, along the depth]. */
function place(alongDepth: boolean): string {
  return alongDepth
    ? `let side = e / ${panel}u; let k = e % ${panel}u;`
    : `let side = e % ${tile}u; let k = e / ${tile}u;`;
}

/**
 * Each of 64 threads keeps 4 × 4 sums; panels of both factors, and at the end the sums, pass through shared memory. A sum grows in the
 * order of k whatever the tile, so that a row's result does not depend on the rows around it. Every function of the plan is called
 * at one place only: a driver puts functions in line, and a software device took seconds to compile sixteen calls.
 */
export function productSource(plan: ProductPlan): KernelSource {
  const { rows, columns, depth, functions, buffers } = plan;
  return kernelSource(
    buffers,
    functions,
    /* wgsl */ `
var<workgroup> panels: array<f32, ${tile * tile}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rows = ${rows};
  let columns = ${columns};
  let depth = ${depth};
  let index = record.base + group.x;
  let across = (columns + ${tile - 1}u) / ${tile}u;
  let row0 = index / across * ${tile}u;
  let column0 = index % across * ${tile}u;
  let r = thread / 8u * 4u;
  let c = thread % 8u * 4u;
  var s0 = vec4f();
  var s1 = vec4f();
  var s2 = vec4f();
  var s3 = vec4f();
  for (var k0 = 0u; k0 < depth; k0 += ${panel}u) {
    for (var e = thread; e < ${bPanel}u; e += 64u) {
      ${place(plan.aAlongDepth)}
      var value = 0.0f;
      if (row0 + side < rows && k0 + k < depth) { value = a(row0 + side, k0 + k); }
      panels[k * ${tile}u + side] = value;
    }
    for (var e = thread; e < ${bPanel}u; e += 64u) {
      ${place(plan.bAlongDepth)}
      var value = 0.0f;
      if (column0 + side < columns && k0 + k < depth) { value = b(column0 + side, k0 + k); }
      panels[${bPanel}u + k * ${tile}u + side] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < ${panel}u; k++) {
      let x = k * ${tile}u + r;
      let y = ${bPanel}u + k * ${tile}u + c;
      let bs = vec4f(panels[y], panels[y + 1u], panels[y + 2u], panels[y + 3u]);
      s0 += panels[x] * bs;
      s1 += panels[x + 1u] * bs;
      s2 += panels[x + 2u] * bs;
      s3 += panels[x + 3u] * bs;
    }
    workgroupBarrier();
  }
  for (var j = 0u; j < 4u; j++) {
    let at = r * ${tile}u + c + j;
    panels[at] = s0[j];
    panels[at + ${tile}u] = s1[j];
    panels[at + ${2 * tile}u] = s2[j];
    panels[at + ${3 * tile}u] = s3[j];
  }
  workgroupBarrier();
  for (var e = thread; e < ${tile * tile}u; e += 64u) {
    let row = row0 + e / ${tile}u;
    let column = column0 + e % ${tile}u;
    if (row < rows && column < columns) { store(row, column, panels[e]); }
  }
}
`,
  );
}

/** Tiles of a product. */
export function tileCount(rows: number, columns: number): number {
  return Math.ceil(rows / tile) * Math.ceil(columns / tile);
}
