import {
  createRandom,
  findEngine,
  neverCancelled,
  type MembershipSpec,
  type MLPTradingModel,
  type Random,
} from "../src/index.js";
import { encodeOnnx, outputName } from "../src/portable/onnx-file.js";
import { findOnnxRuntime, howToInstall } from "../src/portable/onnxruntime.js";
import { probabilitiesOfInputs } from "../src/portable/evaluate.js";
import type { PortableLayout } from "../src/portable/index.js";

/** What to install for tests that run ONNX files; null where it is there. */
export const missingOnnxRuntime: string | null =
  findOnnxRuntime() === null ? `onnxruntime is missing: ${howToInstall}` : null;

/** Points where a set changes: feet, shoulders, peaks, centres, and one width beside them. */
function cornersOf({ type, parameters: p }: MembershipSpec): readonly number[] {
  if (type === "gaussian") return [p[0], p[0] - p[1], p[0] + p[1]];
  if (type === "bell") return [p[2], p[2] - p[0], p[2] + p[0]];
  if (type === "sigmoid") return [p[0], p[0] - 1 / p[1], p[0] + 1 / p[1]];
  return p;
}

const view = new DataView(new ArrayBuffer(8));

/** The next number away from 0 (`steps` 1) or towards it (-1). */
export function beside(x: number, steps: 1 | -1): number {
  if (x === 0) return steps * Number.MIN_VALUE;
  view.setFloat64(0, x);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(steps));
  return view.getFloat64(0);
}

/**
 * Inputs of a portable model: values at every corner of the sets and one bit beside it, and values between and beyond them. Under a
 * price ratio the indicator is such that the ratio is that value, to rounding.
 *
 * @returns a column per input, [rows]
 */
export function cornerInputs(
  layout: PortableLayout,
  rows: number,
  random: Random,
  price = 100,
): Float64Array[] {
  const columns = layout.inputs.map(({ kind }) =>
    Float64Array.from({ length: rows }, () =>
      kind === "price" ? price * (0.9 + 0.2 * random.uniform()) : NaN,
    ),
  );
  for (const { spec, indicator, price: reference } of layout.crisp) {
    const corners = spec.sets.flatMap(({ membership }) => cornersOf(membership));
    const [low, high] = [Math.min(...corners), Math.max(...corners)];
    for (let i = 0; i < rows; i++) {
      const corner = corners[i % corners.length];
      const pick = random.integer(0, 5);
      const x =
        pick === 0
          ? low + (high - low) * (1.5 * random.uniform() - 0.25)
          : pick === 1
            ? beside(corner, 1)
            : pick === 2
              ? beside(corner, -1)
              : corner;
      columns[indicator][i] = reference === null ? x : columns[reference][i] / x;
    }
  }
  return columns;
}

/** Probabilities of the same inputs by onnxruntime and by our own fuzzy layer and engine. */
export async function bothWays(
  layout: PortableLayout,
  model: MLPTradingModel,
  columns: readonly Float64Array[],
  bytes: Uint8Array = onnxOf(layout, model),
): Promise<{ onnx: Float32Array; own: Float32Array }> {
  const opened = await findOnnxRuntime()!.open(bytes);
  const inputs = Object.fromEntries(layout.inputs.map(({ name }, k) => [name, columns[k]]));
  const onnx = await opened.run(inputs, outputName);
  await opened.close();
  return { onnx, own: probabilitiesOfInputs(layout, model, findEngine("auto"), columns, neverCancelled) };
}

/** The ONNX file of a model, without golden rows. */
export function onnxOf(layout: PortableLayout, { architecture, weights }: MLPTradingModel): Uint8Array {
  const { activation } = architecture;
  return encodeOnnx({
    name: "test",
    layout,
    activation,
    weights: weights!,
    golden: [],
    producerVersion: "0",
  });
}

/** The largest difference; infinite where one is NaN and the other is not. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]) && Number.isNaN(b[i])) continue;
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}

/** Random numbers for inputs. */
export const inputRandom = (seed: number): Random => createRandom(seed, "inputs of a portable model");
