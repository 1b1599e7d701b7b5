import * as z from "zod";
import { neverCancelled, type CancellationToken } from "../core/index.js";
import type { Engine } from "../engines/index.js";
import type { MLPTradingModel } from "../training/index.js";
import { cornerRows } from "./corner-rows.js";
import { probabilitiesOfInputs } from "./evaluate.js";
import type { PortableLayout } from "./inputs.js";

const goldenRowSchema = z.object({
  inputs: z.record(z.string(), z.number()),
  probabilities: z.array(z.number()).length(3),
});

/** JSON of `golden_rows`. */
export const goldenRowsSchema = z.array(goldenRowSchema).min(1);

/** Inputs and what the model made of them when it was saved. */
export type GoldenRow = z.infer<typeof goldenRowSchema>;

/** Numbers that the golden rows of one model may hold: a strategy with hundreds of inputs gets fewer corners, not megabytes. */
const mostNumbers = 8000;

/** Price inputs where no bar gives one. */
const nominalPrice = 100;

/**
 * The rows by which a copy of a model can be checked: the given ones, and rows that put the crisp values at the corners of
 * their sets.
 *
 * @param ordinary rows of real bars, [rows][inputs]
 */
export function goldenRows(
  layout: PortableLayout,
  model: MLPTradingModel,
  engine: Engine,
  ordinary: readonly Float64Array[],
  token: CancellationToken,
): GoldenRow[] {
  const { inputs } = layout;
  const prices = ordinary[0] ?? inputs.map(() => nominalPrice);
  const corner = cornerRows(layout, prices);
  const most = Math.max(8, Math.floor(mostNumbers / inputs.length));
  // JSON has no other numbers than finite ones.
  const rows = [...ordinary, ...corner.slice(0, most)].filter((row) => row.every(Number.isFinite));
  const columns = inputs.map((_, k) => Float64Array.from(rows, (row) => row[k]));
  const probabilities = probabilitiesOfInputs(layout, model, engine, columns, token);
  return rows.map((row, i) => ({
    inputs: Object.fromEntries(inputs.map(({ name }, k) => [name, row[k]])),
    probabilities: [...probabilities.subarray(3 * i, 3 * i + 3)],
  }));
}

/** Columns of inputs, one per input of the layout, [rows]; NaN for an input that a row lacks. */
export function columnsOfGolden({ inputs }: PortableLayout, golden: readonly GoldenRow[]): Float64Array[] {
  return inputs.map(({ name }) => Float64Array.from(golden, (row) => row.inputs[name] ?? NaN));
}

/** The largest difference between probabilities [rows × 3] and those of golden rows; NaN counts as infinite. */
export function differenceFromGolden(
  probabilities: ArrayLike<number>,
  golden: readonly GoldenRow[],
): { difference: number; row: number } {
  let worst = { difference: 0, row: 0 };
  golden.forEach((row, i) => {
    row.probabilities.forEach((expected, k) => {
      const difference = Math.abs(probabilities[3 * i + k] - expected);
      if (!(difference <= worst.difference)) {
        worst = { difference: Number.isNaN(difference) ? Infinity : difference, row: i };
      }
    });
  });
  return worst;
}

/** The golden rows once more through our own fuzzy layer and engine: how far the result has moved since they were saved. */
export function checkGolden(
  layout: PortableLayout,
  model: MLPTradingModel,
  engine: Engine,
  golden: readonly GoldenRow[],
): { difference: number; row: number } {
  const columns = columnsOfGolden(layout, golden);
  return differenceFromGolden(probabilitiesOfInputs(layout, model, engine, columns, neverCancelled), golden);
}
