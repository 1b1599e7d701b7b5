import * as z from "zod";
import { priceColumns, type PriceColumn } from "../data/index.js";

/**
 * Strategy-file form of `input_transform`: what is done to an indicator's values before their degrees are taken.
 * `identity` leaves them; `price_ratio` divides the reference price of the same bar by the indicator's value.
 */
export const transformSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("identity") }),
  z.strictObject({ type: z.literal("price_ratio"), reference: z.enum(priceColumns) }),
]);

/** A checked input transform. */
export type TransformSpec = z.infer<typeof transformSchema>;

/** What applies where a strategy file names no transform. */
export const identityTransform: TransformSpec = { type: "identity" };

/**
 * Crisp values of bars [from, to): the indicator's values, transformed.
 *
 * @param bars     the bars, or only their prices
 * @param column   the indicator, [bars]
 * @param scratch  at least `to - from` long; holds the result unless the transform is the identity
 * @returns a view, [to - from]. NaN where the indicator is NaN, or 0 under `price_ratio` (a ratio to 0 is undefined)
 */
export function transformed(
  transform: TransformSpec,
  bars: Readonly<Record<PriceColumn, Float64Array>>,
  column: Float64Array,
  from: number,
  to: number,
  scratch: Float64Array,
): Float64Array {
  const values = column.subarray(from, to);
  if (transform.type === "identity") return values;
  const price = bars[transform.reference].subarray(from, to);
  const ratio = scratch.subarray(0, to - from);
  for (let t = 0; t < ratio.length; t++) ratio[t] = values[t] === 0 ? NaN : price[t] / values[t];
  return ratio;
}
