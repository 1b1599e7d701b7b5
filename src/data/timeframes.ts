import { KnownError } from "../core/index.js";

/** The timeframes that the system knows, finest first. */
export const timeframes = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"] as const;

/** The length of a bar by name: `"1h"`, `"1d"`. */
export type Timeframe = (typeof timeframes)[number];

const minute = 60_000;

/** Nominal length of one bar in milliseconds. */
export const timeframeMs: Record<Timeframe, number> = {
  "1m": minute,
  "5m": 5 * minute,
  "15m": 15 * minute,
  "30m": 30 * minute,
  "1h": 60 * minute,
  "4h": 240 * minute,
  "1d": 1440 * minute,
  "1w": 10080 * minute,
};

/** A timeframe that is none of the known ones. */
export class UnknownTimeframeError extends KnownError {
  readonly code = "UNKNOWN_TIMEFRAME";
  readonly timeframe: string;

  constructor(timeframe: string) {
    super(`"${timeframe}" is no timeframe. Known: ${timeframes.join(", ")}.`);
    this.timeframe = timeframe;
  }
}

/** True for one of the known timeframes, spelled exactly. */
export function isTimeframe(text: string): text is Timeframe {
  return (timeframes as readonly string[]).includes(text);
}

/** @throws UnknownTimeframeError */
export function parseTimeframe(text: string): Timeframe {
  if (!isTimeframe(text)) throw new UnknownTimeframeError(text);
  return text;
}

/** True for bars shorter than a day, whose times are instants rather than dates. */
export function isIntraday(timeframe: Timeframe): boolean {
  return timeframeMs[timeframe] < timeframeMs["1d"];
}

/** Sorts timeframes finest first; the first is the base of a strategy. */
export function finestFirst(list: readonly Timeframe[]): Timeframe[] {
  return [...list].sort((a, b) => timeframeMs[a] - timeframeMs[b]);
}
