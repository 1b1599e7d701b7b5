import { inBlocks, type CancellationToken } from "../core/index.js";
import type { Boundaries } from "../dataset/index.js";
import type { SymbolRowCount } from "./evaluate.js";
import type { JoinedParts } from "./join-parts.js";
import type { LeakReceipt } from "./leak-receipt.js";
import type { PhaseTimes } from "./phase-clock.js";
import type { DataSummary } from "./result.js";
import type { seriesRecords } from "./series-records.js";

/**
 * What every training of a strategy on the same data starts from, whatever its seed. Plain data: one thread can make it and send it to
 * others.
 */
export interface Preparation {
  /** Samples of all symbols. */
  readonly parts: JoinedParts;
  /** Whose rows the training part is made of, in order. */
  readonly trainRows: readonly SymbolRowCount[];
  readonly boundaries: Boundaries;
  /** Lowest and highest value of each feature in training; null without rows. */
  readonly ranges: Readonly<Record<string, [number, number] | null>>;
  /** Inputs of the portable model at some bars, for its golden rows. */
  readonly examples: readonly Float64Array[];
  /** What was checked against seeing the future; a leak is an error. */
  readonly leaks: LeakReceipt;
  readonly series: ReturnType<typeof seriesRecords>;
  readonly dataSummary: DataSummary;
  readonly notices: readonly string[];
  /** What loading and training take by estimate, with all threads that train on the samples. */
  readonly estimatedBytes: number;
  /** How long it took. */
  readonly times: PhaseTimes;
}

/** The same with its samples in shared memory, so that threads it is sent to have no copy of their own. @throws CancelledError */
export function inSharedMemory(preparation: Preparation, token: CancellationToken): Preparation {
  const { data, test, testRows } = preparation.parts;
  const shared = (samples: JoinedParts["data"]["train"]): JoinedParts["data"]["train"] => ({
    features: {
      ...samples.features,
      values: new Float32Array(sharedCopy(samples.features.values, token)),
    },
    labels: new Uint8Array(sharedCopy(samples.labels, token)),
  });
  const parts = {
    train: shared(data.train),
    validation: shared(data.validation),
    test: shared(data.test),
  };
  const { features: matrix, labels } = parts.test;
  return { ...preparation, parts: { data: parts, test: { ...test, matrix, labels }, testRows } };
}

function sharedCopy(
  { buffer, byteOffset, byteLength }: Float32Array | Uint8Array,
  token: CancellationToken,
): SharedArrayBuffer {
  const copy = new SharedArrayBuffer(byteLength);
  const [to, from] = [new Uint8Array(copy), new Uint8Array(buffer, byteOffset, byteLength)];
  inBlocks(byteLength, token, (first, end) => to.set(from.subarray(first, end), first));
  return copy;
}
