import { throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Engine } from "../engines/index.js";
import { membershipDegrees, transformed } from "../fuzzy/index.js";
import type { MLPTradingModel } from "../training/index.js";
import type { PortableLayout } from "./inputs.js";

/**
 * The network's features of rows given as inputs of a portable model, by the functions that make them in training.
 *
 * @param columns one per input of the layout, [rows]
 * @returns float32, row-major [rows × features]
 */
export function featuresOfInputs(
  { crisp, features }: PortableLayout,
  columns: readonly Float64Array[],
  rows: number,
  token: CancellationToken,
): Float32Array {
  const values = new Float32Array(rows * features.length);
  const scratch = new Float64Array(rows);
  const degrees = new Float64Array(rows);
  let j = 0;
  for (const { spec, indicator, price } of crisp) {
    const column = columns[price ?? indicator];
    const prices = { open: column, high: column, low: column, close: column };
    const x = transformed(spec.transform, prices, columns[indicator], 0, rows, scratch);
    for (const { membership } of spec.sets) {
      throwIfCancelled(token);
      membershipDegrees(membership, x, degrees);
      for (let i = 0; i < rows; i++) values[i * features.length + j] = degrees[i];
      j++;
    }
  }
  return values;
}

/**
 * Class probabilities of rows given as inputs of a portable model, by our own fuzzy layer and engine, [rows × 3].
 *
 * @param columns one per input of the layout, [rows]
 */
export function probabilitiesOfInputs(
  layout: PortableLayout,
  model: MLPTradingModel,
  engine: Engine,
  columns: readonly Float64Array[],
  token: CancellationToken,
): Float32Array {
  const rows = columns[0].length;
  const features = featuresOfInputs(layout, columns, rows, token);
  const network = model.open(engine, token);
  try {
    return network.predict(features, rows, token);
  } finally {
    network.dispose();
  }
}
