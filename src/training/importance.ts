import { createRandom, type CancellationToken } from "../core/index.js";
import type { Network, Samples } from "../engines/index.js";

/** Permutations per feature for about this many predictions; at most 20, at least one. */
const predictionsPerFeature = 20_000;

/**
 * What each feature is worth to a trained network: the drop in accuracy when the feature's column is permuted among the
 * rows, so that it keeps its distribution and loses its meaning (Breiman 2001; Fisher, Rudin & Dominici 2019). Mean over
 * several seeded permutations. About 0: not used; below 0: chance, or harm. Lags of a feature are features of their own.
 * Features that carry the same information can stand in for each other and then all look small.
 *
 * @param samples held-out rows
 * @param names   [columns], distinct
 * @returns by name, in the order of `names`; all 0 without rows
 * @throws CancelledError
 */
export function permutationImportance(
  network: Network,
  samples: Samples,
  names: readonly string[],
  seed: number,
  token: CancellationToken,
): Record<string, number> {
  const { rows } = samples;
  const repeats = Math.min(20, Math.max(1, Math.floor(predictionsPerFeature / Math.max(1, rows))));
  const order = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) order[i] = i;
  const loaded = network.load(samples, token);
  const whole = network.evaluate(loaded, token).correct;
  const importance = names.map((name, column) => {
    const random = createRandom(seed, `importance of ${name}`);
    let sum = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      random.shuffle(order, token);
      sum += whole - network.evaluate(loaded, token, { column, order }).correct;
    }
    return [name, rows === 0 ? 0 : sum / (repeats * rows)] as const;
  });
  return Object.fromEntries(importance);
}
