import * as z from "zod";
import { neverCancelled, rowsPerCheck, throwIfCancelled, type CancellationToken } from "../core/index.js";

/** The parts of a data set, in time order. */
export const parts = ["train", "validation", "test"] as const;

/** One part of a data set. */
export type Part = (typeof parts)[number];

/** How the time of a run is divided. */
export interface SplitSpec {
  /** Shares of the distinct bar times; their sum is 1. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** Bar times skipped at the start of validation and of test, whose features still overlap the part before. */
  readonly embargo: number;
}

/** Without the noise of binary fractions. */
function sumOf({ train, validation, test }: SplitSpec): number {
  return Number((train + validation + test).toPrecision(12));
}

const share = z.number().gt(0).lt(1);

/** `training.data_split` of a strategy file. */
export const splitSchema = z
  .strictObject({
    train: share,
    validation: z.number().min(0).lt(1),
    test: share,
    embargo: z.int().min(0).default(0),
  })
  .refine(({ train, validation, test }) => Math.abs(train + validation + test - 1) <= 1e-9, {
    error: ({ input }) =>
      `train, validation and test add up to ${sumOf(input as SplitSpec)}; they must add up to 1`,
  });

/** The split of strategies that name none. */
export const defaultSplit: SplitSpec = { train: 0.7, validation: 0.15, test: 0.15, embargo: 0 };

/** Where each part begins on the common time axis of all symbols; times are bar openings, epoch ms UTC. */
export interface Boundaries {
  /** Distinct bar times of all symbols in the range. */
  readonly times: number;
  /** First time of each part; that of the next part where it has no times, Infinity where none follows. */
  readonly start: Readonly<Record<Part, number>>;
  /** First time of each part that the embargo leaves; as `start` for training. */
  readonly embargoEnd: Readonly<Record<Part, number>>;
}

/** Distinct values of two sorted columns, sorted. */
function mergeSorted(a: Float64Array, b: Float64Array, token: CancellationToken): Float64Array {
  const out = new Float64Array(a.length + b.length);
  let end = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    throwIfCancelled(token);
    const blockEnd = end + rowsPerCheck;
    while (end < blockEnd && i < a.length && j < b.length) {
      const x = a[i];
      const y = b[j];
      out[end++] = x <= y ? x : y;
      if (x <= y) i++;
      if (y <= x) j++;
    }
  }
  const rest = i < a.length ? a.subarray(i) : b.subarray(j);
  out.set(rest, end);
  end += rest.length;
  return out.subarray(0, end);
}

/**
 * Distinct values of strictly increasing columns, sorted: neighbours merge until one is left, so each value is copied
 * log2(columns) times. A single column is returned as it is. @throws CancelledError
 */
export function sortedUnion(columns: readonly Float64Array[], token: CancellationToken): Float64Array {
  let left = columns;
  while (left.length > 1) {
    const merged: Float64Array[] = [];
    for (let k = 0; k < left.length; k += 2) {
      merged.push(k + 1 < left.length ? mergeSorted(left[k], left[k + 1], token) : left[k]);
    }
    left = merged;
  }
  return left[0] ?? new Float64Array(0);
}

/** floor(n * ratio) for the decimal ratio that was meant: 10 * (0.7 + 0.2) is 9, though the doubles say 8.999.... */
function position(n: number, ratio: number): number {
  return Math.floor(n * ratio + 1e-6);
}

/**
 * The dates at which all symbols are split: positions floor(n * train) and floor(n * (train + validation)) on the sorted union
 * of their bar times.
 *
 * @param times  per symbol the times of its base bars in the range, strictly increasing
 * @throws CancelledError
 */
export function sharedBoundaries(
  times: readonly Float64Array[],
  split: SplitSpec,
  token: CancellationToken = neverCancelled,
): Boundaries {
  const union = sortedUnion(times, token);
  const n = union.length;
  const validation = position(n, split.train);
  const test = position(n, split.train + split.validation);
  const at = (index: number): number => (index < n ? union[index] : Infinity);
  return {
    times: n,
    start: { train: at(0), validation: at(validation), test: at(test) },
    embargoEnd: {
      train: at(0),
      validation: at(Math.min(validation + split.embargo, test)),
      test: at(test + split.embargo),
    },
  };
}
