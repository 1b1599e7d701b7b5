import { seedFor } from "../core/index.js";

/** Mixes all bits of a 32-bit integer (C. Wellons, "lowbias32", https://nullprogram.com/blog/2018/07/31/). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/** What a network's masks depend on besides step, layer and element. */
export function dropoutKey(seed: number): number {
  return seedFor(seed, "dropout");
}

/**
 * Writes a dropout mask: 1 keeps a unit, 0 drops it with probability `dropout`.
 *
 * Each bit is a hash of (seed, step, layer, element) and of nothing else, so any engine, thread count or order of
 * evaluation gets the same mask, and no generator state has to be kept.
 *
 * @param mask    where to write elements [from, to); element = row in the batch × units of the layer + unit
 * @param dropout probability, 0 <= dropout < 1
 * @param seed    the network's seed
 * @param step    optimizer updates done before this batch
 * @param layer   hidden layer, from 0
 */
export function fillDropoutMask(
  mask: Uint8Array,
  from: number,
  to: number,
  dropout: number,
  seed: number,
  step: number,
  layer: number,
): void {
  const key = mix(mix(dropoutKey(seed) ^ step) + Math.imul(layer, 0x9e3779b9));
  const threshold = dropout * 4294967296; // of 2^32 equally likely hashes
  for (let element = from; element < to; element++) {
    mask[element] = mix(key ^ mix(element)) >>> 0 < threshold ? 0 : 1;
  }
}
