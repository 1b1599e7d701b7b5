import { KnownError } from "../core/index.js";
import { parameterCount } from "../engines/index.js";
import { outputsOf } from "../indicators/index.js";
import type { Strategy } from "../strategy/index.js";
import type { SymbolSeries } from "./series.js";

/** A run would need more memory than it may use. */
export class MemoryLimitError extends KnownError {
  readonly code = "MEMORY_LIMIT";
  readonly estimatedBytes: number;
  readonly limitBytes: number;

  constructor(estimatedBytes: number, limitBytes: number) {
    super(
      `This run needs about ${sizeText(estimatedBytes)} of memory, and ${sizeText(limitBytes)} is the limit (--max-memory; without it, what this machine has). ` +
        `Use a shorter date range, fewer symbols, fewer lags, or a higher limit.`,
    );
    this.estimatedBytes = estimatedBytes;
    this.limitBytes = limitBytes;
  }
}

/** 1,572,864 bytes as "1.5 MB": three digits, powers of 1024 as `--max-memory` takes them. */
function sizeText(bytes: number): string {
  const power = bytes < 1024 ? 0 : bytes < 1024 ** 2 ? 1 : bytes < 1024 ** 3 ? 2 : 3;
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${["B", "KB", "MB", "GB"][power]}`;
}

/**
 * Bytes that a run's arrays take at their peak: bars in float64, one symbol's indicators and degrees in float64, all
 * samples in float32 twice (as rows, and joined or in the engine; where threads share them, in shared memory too, and in the
 * engine of each). Counted from sizes, before anything of it is allocated.
 *
 * @param threads that train on the same samples
 */
export function estimateBytes(strategy: Strategy, all: readonly SymbolSeries[], threads = 1): number {
  const { indicators, fuzzy, timeframes, lookback } = strategy;
  const outputs = indicators.reduce((sum, spec) => sum + outputsOf(spec).length, 0);
  const degrees = fuzzy.reduce((sum, { sets }) => sum + sets.length, 0);
  const features = degrees * timeframes.length * (1 + lookback);
  let kept = 0;
  let working = 0;
  let rows = 0;
  for (const { series, base, from, to } of all) {
    const bars = series.reduce((sum, { time }) => sum + time.length, 0);
    // Other timeframes are spread over the base bars; with lags, the base timeframe's degrees are copied as well.
    const spread = base.time.length * degrees * (timeframes.length - (lookback === 0 ? 1 : 0));
    const labels = base.time.length * 16;
    kept += bars * 6 * 8;
    working = Math.max(working, 8 * (bars * (outputs + degrees) + spread) + labels);
    rows += to - from;
  }
  const copies = threads === 1 ? 2 : 2 + threads;
  return kept + working + copies * rows * features * 4;
}

/** What networks may take together on the device. Those that are too large for it fill a device alone. */
const deviceBytes = 2 ** 30;
/** Networks at once at most, since each is saved when the last of them is done. */
export const mostTogether = 256;

/**
 * How many networks of a strategy train at once on an engine that advances many together: as many as fit into a part of
 * the device's memory and, with the data, into the limit; at least one, at most `mostTogether`.
 *
 * @param rows of the training part
 */
export function networksAtOnce(
  { architecture, training }: Strategy,
  inputs: number,
  rows: number,
  limitBytes: number,
): number {
  const { hidden } = architecture;
  const parameters = parameterCount({ inputs, hidden, outputs: 3 });
  const units = inputs + 2 * 3 + 3 * hidden.reduce((sum, width) => sum + width, 0);
  // Weights, gradients, two states of the optimizer, the best weights; a batch's units; an order on either side.
  const bytes = 4 * (5 * parameters + Math.min(training.batchSize, rows) * units + 2 * rows);
  return Math.max(1, Math.min(mostTogether, Math.floor(Math.min(deviceBytes, limitBytes) / bytes)));
}

/**
 * @param limitBytes undefined for no limit
 * @param threads    that train on the same samples
 * @throws MemoryLimitError where the symbols loaded so far need more
 */
export function checkMemory(
  strategy: Strategy,
  all: readonly SymbolSeries[],
  limitBytes: number | undefined,
  threads = 1,
): void {
  if (limitBytes === undefined) return;
  const bytes = estimateBytes(strategy, all, threads);
  if (bytes > limitBytes) throw new MemoryLimitError(bytes, limitBytes);
}
