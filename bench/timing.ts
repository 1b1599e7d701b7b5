import { figure } from "./measure.js";

/** Milliseconds that some work takes. */
export function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** A way to do something; does it once and says how many milliseconds it took. */
export type Variant = () => number | Promise<number>;

/**
 * Runs variants in turn, so that what else the machine does meets all of them alike; every other round runs backwards. One
 * round more than asked for comes first and is not counted: compilers and caches warm up in it.
 *
 * @returns milliseconds by variant, [rounds]
 */
export async function interleave(
  variants: Readonly<Record<string, Variant>>,
  rounds: number,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  const names = Object.keys(variants);
  for (const name of names) times[name] = [];
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const ms = await variants[name]();
      if (round > 0) times[name].push(ms);
    }
  }
  return times;
}

/** The value below which a share of the values lies, interpolated. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.ceil(at)] - sorted[low]);
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Median with quartiles, in words: `1.23 (quartiles 1.2 to 1.31)`. */
export function spread(values: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => figure(quantile(values, share)));
  return `${middle} (quartiles ${low} to ${high})`;
}

/**
 * Time of one pass: summing a `Float64Array` of this length once. Times in passes mean the same on every machine.
 */
export function createPass(length: number): Variant {
  const values = new Float64Array(length).fill(0.5);
  return () =>
    timed(() => {
      let sum = 0;
      for (let t = 0; t < length; t++) sum += values[t];
      if (sum !== length / 2) throw new Error(`a pass summed to ${sum}`);
    });
}
