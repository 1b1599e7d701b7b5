import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { neverCancelled, rowsPerCheck, throwIfCancelled, type CancellationToken } from "./cancellation.js";
import { cosine, log } from "./math.js";

/** A seeded stream of random numbers (xoroshiro128+). Equal seed and purpose give equal numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1), 53 random bits. */
  uniform(): number;
  /** Uniform integer in [from, to], both included. */
  integer(from: number, to: number): number;
  /** Standard normal (Box & Muller 1958). */
  normal(): number;
}

/** A 32-bit seed from a seed and a purpose (FNV-1a), so that each consumer draws from a stream of its own. */
export function seedFor(seed: number, purpose: string): number {
  let hash = 0x811c9dc5 ^ (seed | 0);
  for (let i = 0; i < purpose.length; i++) {
    hash ^= purpose.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash | 0;
}

/**
 * The random stream of one purpose ("weights", "shuffle", ...) under one seed. Adding a purpose never shifts the others.
 *
 * @param seed any 32-bit integer
 */
export function createRandom(seed: number, purpose: string): Random {
  const generator = xoroshiro128plus(seedFor(seed, purpose));
  const uniform = (): number => uniformFloat64(generator);
  return {
    uniform,
    integer: (from, to) => uniformInt(generator, from, to),
    normal: () => Math.sqrt(-2 * log(1 - uniform())) * cosine(2 * Math.PI * uniform()),
  };
}

/** Shuffles `order` in place (Fisher & Yates). @throws CancelledError, leaving `order` partly shuffled */
export function shuffle(order: Uint32Array, random: Random, token: CancellationToken = neverCancelled): void {
  for (let i = order.length - 1; i > 0; i--) {
    if (i % rowsPerCheck === 0) throwIfCancelled(token);
    const j = random.integer(0, i);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}
