import { createRandom, neverCancelled, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { normalQuantile, studentQuantile } from "./normal.js";

/** An interval for a mean, and how surprising the mean would be if there were nothing. */
export interface MeanInterval {
  readonly mean: number;
  /** 95 % interval. */
  readonly low: number;
  readonly high: number;
  /** Standard error of the mean, widened as the interval is. */
  readonly deviation: number;
  /** One-sided: how often chance alone gives a mean as high; uniform on 0..1 where the true mean is 0. */
  readonly p: number;
  /** Observations in a block. */
  readonly block: number;
}

const replicates = 2000;
/** Fewer blocks than this say nothing about their own spread. */
export const fewestBlocks = 8;

/**
 * Circular block bootstrap of the mean of a series that depends on itself over some distance.
 *
 * Blocks of `block` observations are drawn with replacement, from a circle, until they fill the length of the series. The
 * deviations of their means from the observed one, widened for the number of blocks (Student's t, and k / (k - 1)), give
 * interval and p. The cost does not depend on `block`: sums of blocks are differences of a running sum.
 *
 * @param block observations that belong together; at most a `fewestBlocks`-th of the series
 * @see Politis & Romano, A circular block-resampling procedure for stationary data (1992)
 * @throws CancelledError
 */
export function blockBootstrap(
  series: Float64Array,
  block: number,
  seed: number,
  token: CancellationToken = neverCancelled,
): MeanInterval {
  const n = series.length;
  const running = new Float64Array(2 * n + 1);
  for (let t = 0; t < 2 * n; t++) running[t + 1] = running[t] + series[t % n];
  const mean = running[n] / n;
  const blocks = Math.ceil(n / block);
  const random = createRandom(seed, "block bootstrap");
  const deviations = new Float64Array(replicates);
  const widening =
    (Math.sqrt(blocks / (blocks - 1)) * studentQuantile(0.975, blocks - 1)) / normalQuantile(0.975);
  for (let r = 0; r < replicates; r++) {
    if (r % 16 === 0) throwIfCancelled(token); // 16 replicates draw 32,000 numbers at most, 1 ms
    let sum = 0;
    for (let left = n; left > 0; left -= block) {
      const from = Math.floor(random.uniform() * n);
      sum += running[from + Math.min(block, left)] - running[from];
    }
    deviations[r] = (sum / n - mean) * widening;
  }
  let asHigh = 0;
  for (const deviation of deviations) if (deviation >= mean) asHigh++;
  const spread = Math.sqrt(deviations.reduce((sum, value) => sum + value * value, 0) / replicates);
  deviations.sort();
  return {
    mean,
    low: mean - deviations[Math.ceil(0.975 * replicates) - 1],
    high: mean - deviations[Math.floor(0.025 * replicates)],
    deviation: spread,
    p: (asHigh + 1) / (replicates + 1),
    block,
  };
}
