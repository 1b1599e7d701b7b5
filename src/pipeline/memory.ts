import { KnownError } from "../core/index.js";
import type { Strategy } from "../strategy/index.js";
import type { SymbolSeries } from "./series.js";

/** A run would need more memory than it may use. */
export class MemoryLimitError extends KnownError {
  readonly code = "MEMORY_LIMIT";
  readonly estimatedBytes: number;
  readonly limitBytes: number;

  constructor(estimatedBytes: number, limitBytes: number) {
    super(
      `This run needs about ${mebibytes(estimatedBytes)} of memory, and --max-memory allows ${mebibytes(limitBytes)}. ` +
        `Use a shorter date range, fewer symbols, fewer lags, or a higher limit.`,
    );
    this.estimatedBytes = estimatedBytes;
    this.limitBytes = limitBytes;
  }
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString("en-US")} MiB`;
}

/**
 * Bytes that a run's arrays take at their peak: bars and indicator columns in float64, one symbol's degrees in float64,
 * all samples in float32 twice (joined, and in the engine). Counted from sizes, before anything of it is allocated.
 */
export function estimateBytes(strategy: Strategy, all: readonly SymbolSeries[]): number {
  const degrees = strategy.fuzzy.reduce((sum, { sets }) => sum + sets.length, 0);
  const features = degrees * strategy.timeframes.length * (1 + strategy.lookback);
  let kept = 0;
  let working = 0;
  let rows = 0;
  for (const { series, base, from, to } of all) {
    const bars = series.reduce((sum, { time }) => sum + time.length, 0);
    kept += bars * 6 * 8;
    const indicators = bars * strategy.indicators.length * 3 * 8;
    const table = bars * degrees * 8 + base.time.length * degrees * (strategy.timeframes.length - 1) * 8;
    working = Math.max(working, indicators + table + base.time.length * 16);
    rows += to - from;
  }
  return kept + working + 2 * rows * features * 4;
}
