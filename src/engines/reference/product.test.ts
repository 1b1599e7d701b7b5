import fc from "fast-check";
import { expect, test } from "vitest";
import { CancelledError, neverCancelled } from "../../core/index.js";
import { hashUniform } from "../../../test/networks.js";
import { addProduct } from "./product.js";

const f = Math.fround;

function randomMatrix(stream: number, size: number): Float32Array {
  return Float32Array.from(hashUniform(stream, size), (u) => 2 * u - 1);
}

/** The definition: one float32 sum per element, in order over k. */
function definedProduct(
  c: Float32Array,
  m: number,
  n: number,
  depth: number,
  a: Float32Array,
  b: Float32Array,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < depth; k++) {
        c[i * n + j] = f(c[i * n + j] + f(a[i * depth + k] * b[j * depth + k]));
      }
    }
  }
}

function transposed(x: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(x, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
}

test("tiles, edges and steps of views give the bits of the definition", () => {
  const size = fc.integer({ min: 1, max: 13 });
  fc.assert(
    fc.property(size, size, size, fc.boolean(), fc.boolean(), (m, n, depth, turnA, turnB) => {
      const [a, b, start] = [randomMatrix(1, m * depth), randomMatrix(2, n * depth), randomMatrix(3, m * n)];
      const expected = start.slice();
      definedProduct(expected, m, n, depth, a, b);
      const found = start.slice();
      const view = (data: Float32Array, rows: number, turned: boolean) =>
        turned
          ? { data: transposed(data, rows, depth), rowStep: 1, step: rows }
          : { data, rowStep: depth, step: 1 };
      addProduct(found, m, n, depth, view(a, m, turnA), view(b, n, turnB), neverCancelled);
      expect(found).toEqual(expected);
    }),
  );
});

test.each([
  [4, 5, 200_000], // cut along the depth
  [3000, 20, 100], // cut along the rows
  [9, 3000, 100],
])("a product of %i x %i over %i, cut into blocks, gives the bits of the definition", (m, n, depth) => {
  const [a, b] = [randomMatrix(1, m * depth), randomMatrix(2, n * depth)];
  const expected = new Float32Array(m * n);
  definedProduct(expected, m, n, depth, a, b);
  const found = new Float32Array(m * n);
  const views = [a, b].map((data) => ({ data, rowStep: depth, step: 1 }));
  let looks = 0;
  addProduct(found, m, n, depth, views[0], views[1], {
    get isCancelled() {
      looks++;
      return false;
    },
  });
  expect(found).toEqual(expected);
  expect(looks).toBeGreaterThanOrEqual((m * n * depth) / 2 ** 20);
});

test("a cancelled product stops", () => {
  const x = { data: new Float32Array(16), rowStep: 4, step: 1 };
  expect(() => addProduct(new Float32Array(16), 4, 4, 4, x, x, { isCancelled: true })).toThrow(
    CancelledError,
  );
});
