import { createRandom, shuffle, throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Network, Samples } from "../engines/index.js";
import { predictedClass } from "./metrics.js";

/** Rows that are predicted in one call. */
const blockRows = 4096;

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
  const whole = hits(network, samples, -1, order, token);
  const importance = names.map((name, column) => {
    const random = createRandom(seed, `importance of ${name}`);
    let sum = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      shuffle(order, random, token);
      sum += whole - hits(network, samples, column, order, token);
    }
    return [name, rows === 0 ? 0 : sum / (repeats * rows)] as const;
  });
  return Object.fromEntries(importance);
}

/** Rows that are predicted right when `column` takes its values from the rows in `order`; -1 changes nothing. */
function hits(
  network: Network,
  { rows, columns, features, labels }: Samples,
  column: number,
  order: Uint32Array,
  token: CancellationToken,
): number {
  let correct = 0;
  for (let from = 0; from < rows; from += blockRows) {
    throwIfCancelled(token);
    const to = Math.min(rows, from + blockRows);
    const block = features.slice(from * columns, to * columns);
    if (column >= 0) {
      for (let i = from; i < to; i++) {
        block[(i - from) * columns + column] = features[order[i] * columns + column];
      }
    }
    const probabilities = network.predict(block, to - from, token);
    for (let i = from; i < to; i++) if (predictedClass(probabilities, i - from) === labels[i]) correct++;
  }
  return correct;
}
