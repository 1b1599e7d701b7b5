import { blockEnd, type CancellationToken } from "../../core/index.js";
/**
 * Sum of all values so far, [n], with the rounding error carried along (Neumaier 1974): the error stays near one rounding
 * after any number of values.
 */
export function cumulativeSum(x: Float64Array, token: CancellationToken): Float64Array {
  const out = new Float64Array(x.length);
  let sum = 0;
  let lost = 0;
  for (let t = 0; t < x.length;)
    for (const end = blockEnd(t, x.length, token); t < end; t++) {
      const value = x[t];
      const next = sum + value;
      lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
      out[t] = sum + lost;
    }
  return out;
}
