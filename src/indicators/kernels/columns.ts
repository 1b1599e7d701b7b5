/** A column of length n whose first `warmup` values are NaN; the caller writes all others. */
export function columnAfter(n: number, warmup: number): Float64Array {
  return new Float64Array(n).fill(NaN, 0, Math.min(n, warmup));
}
