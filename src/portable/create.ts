import { throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Engine } from "../engines/index.js";
import type { MLPTradingModel } from "../training/index.js";
import { PortableModelError } from "./errors.js";
import { columnsOfGolden, differenceFromGolden, goldenRows, type GoldenRow } from "./golden.js";
import type { PortableLayout } from "./inputs.js";
import { encodeOnnx, outputName } from "./onnx-file.js";
import { findOnnxRuntime, type OnnxRuntime } from "./onnxruntime.js";
import { roundingTolerance } from "./rounding.js";

/** How the ONNX file was checked before it was saved; names as in `metadata.json`. */
export interface OnnxCheck {
  /** `onnxruntime 1.30.0`; null where it is not installed. */
  readonly checked_with: string | null;
  readonly rows: number;
  readonly largest_difference: number | null;
}

/** What a portable model is made from. */
export interface PortableSource {
  /** Of the strategy. */
  readonly name: string;
  readonly layout: PortableLayout;
  /** With weights. */
  readonly model: MLPTradingModel;
  /** Rows of real bars for the golden rows, [rows][inputs]. */
  readonly ordinary: readonly Float64Array[];
  readonly producerVersion: string;
}

/**
 * The ONNX file of a trained model, checked on its golden rows with onnxruntime where that is installed.
 *
 * Making it takes some 5 ms, the check some 40 to 60 ms, most of it for loading and starting the runtime; between its steps, the
 * longest of which takes about 25 ms, the token is looked at.
 *
 * @param engine computes the probabilities of the golden rows
 * @param onUnusable told why an installed runtime cannot be used; the file is not checked then
 * @throws PortableModelError where onnxruntime refuses the file or gives other probabilities
 * @throws CancelledError
 */
export async function createPortable(
  { name, layout, model, ordinary, producerVersion }: PortableSource,
  engine: Engine,
  token: CancellationToken,
  onUnusable: (why: string) => void,
): Promise<{ bytes: Uint8Array; check: OnnxCheck }> {
  const { weights, architecture } = model;
  if (weights === null) throw new Error("a model without weights cannot be saved");
  const golden = goldenRows(layout, model, engine, ordinary, token);
  const { activation } = architecture;
  const bytes = encodeOnnx({ name, layout, activation, weights, golden, producerVersion });
  throwIfCancelled(token);
  let runtime: OnnxRuntime | null = null;
  try {
    runtime = findOnnxRuntime();
  } catch (error) {
    onUnusable(error instanceof Error ? error.message : String(error));
  }
  if (runtime === null) return { bytes, check: { checked_with: null, rows: 0, largest_difference: null } };
  throwIfCancelled(token);
  const runtimeName = `onnxruntime ${runtime.version}`;
  const { difference, row } = differenceFromGolden(
    await runWith(runtime, runtimeName, bytes, layout, golden, token),
    golden,
  );
  const tolerance = roundingTolerance(weights);
  if (difference > tolerance) {
    const problem = `golden row ${row + 1} of ${golden.length} differs by ${difference}, more than rounding explains (${tolerance})`;
    throw new PortableModelError(runtimeName, problem);
  }
  return { bytes, check: { checked_with: runtimeName, rows: golden.length, largest_difference: difference } };
}

async function runWith(
  runtime: OnnxRuntime,
  runtimeName: string,
  bytes: Uint8Array,
  layout: PortableLayout,
  golden: readonly GoldenRow[],
  token: CancellationToken,
): Promise<Float32Array> {
  const refused = (error: unknown): never => {
    throw new PortableModelError(runtimeName, error instanceof Error ? error.message : String(error), error);
  };
  const opened = await runtime.open(bytes).catch(refused);
  try {
    throwIfCancelled(token);
    const columns = columnsOfGolden(layout, golden);
    const inputs = Object.fromEntries(layout.inputs.map((input, k) => [input.name, columns[k]]));
    return await opened.run(inputs, outputName).catch(refused);
  } finally {
    await opened.close();
  }
}
