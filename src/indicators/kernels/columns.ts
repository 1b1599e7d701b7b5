/**
 * A column of length n whose first `warmup` values are NaN. The others are whatever the memory held before, and the caller writes all of
 * them: without zeros first, an ema of 10⁷ bars takes 2.7 ns a bar instead of 3.5.
 */
export function columnAfter(n: number, warmup: number): Float64Array {
  const { buffer } = Buffer.allocUnsafeSlow(8 * n);
  return new Float64Array(buffer, 0, n).fill(NaN, 0, Math.min(n, warmup));
}

/** Told of each stretch [from, to) of a column that has been filled. */
export type EachStretch = (column: Float64Array, from: number, to: number) => void;

/**
 * Takes the results of divisions by zero out of `column[from..to)`: what is not finite becomes NaN. A division that asks first whether its divisor is 0 takes
 * more than twice the time, so that a loop divides, adds up its quotients, and tells their sum here.
 *
 * @param sum of `column[from..to)`, which is finite where there is nothing to take out
 */
export function dropInfinite(column: Float64Array, from: number, to: number, sum: number): void {
  if (Number.isFinite(sum)) return;
  for (let t = from; t < to; t++) if (!Number.isFinite(column[t])) column[t] = NaN;
}
