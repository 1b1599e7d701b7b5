import type { DataMode } from "../data/index.js";
import type { ControlKind } from "../pipeline/index.js";
import type { StrategyData } from "../strategy/index.js";

/**
 * What one training operation is to do: plain data, so that it can cross to a worker thread. Missing symbols,
 * timeframes and dates are those of the strategy file.
 */
export interface TrainingOperationContext {
  readonly operationId: string;
  /** Path of the strategy file; with `strategyText`, only what messages call it. */
  readonly strategyPath: string;
  /** The strategy file's text, where the file lies on another machine. */
  readonly strategyText?: string;
  readonly symbols?: readonly string[];
  readonly timeframes?: readonly string[];
  readonly startDate?: string;
  readonly endDate?: string;
  /** Folder of bars. */
  readonly dataFolder: string;
  /** Default `local`. */
  readonly dataMode?: DataMode;
  readonly seed?: number;
  readonly epochs?: number;
  readonly engine?: string;
  /** Threads of one network at most, used where they pay; no result depends on it. Default: all cores. */
  readonly threads?: number;
  /** Networks of this kind that are trained at once; `auto` may take a GPU for them. Default: 1. */
  readonly networks?: number;
  /** Estimated sizes above this many bytes are refused; default: the memory of this machine or container. */
  readonly maxMemoryBytes?: number;
  /** Runs on the same data, this one included; default 1. */
  readonly trials?: number;
  /** Trains controls beside it. */
  readonly control?: ControlKind;
  /** The strategy with all of the above applied, where somebody has read and checked it already. */
  readonly checked?: StrategyData;
}

/** Identities of the runs that a request is about: its own, or one for each seed. */
export function operationIds(
  { operationId }: Pick<TrainingOperationContext, "operationId">,
  seeds: readonly number[] | null,
): string[] {
  return seeds === null ? [operationId] : seeds.map((seed) => `${operationId}-${seed}`);
}
