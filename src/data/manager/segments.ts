import type { Timeframe } from "../timeframes.js";
import type { DateRange } from "./dates.js";

const day = 86_400_000;

/** Longest range that is asked of a provider at once, in days; at most 2,000 bars of it are traded. */
const segmentDays: Record<Timeframe, number> = {
  "1m": 1,
  "5m": 7,
  "15m": 14,
  "30m": 30,
  "1h": 30,
  "4h": 120,
  "1d": 365,
  "1w": 730,
};

/** Bars that a gap inside a series must lack before it is worth a request. */
export const meaningfulGapBars: Record<Timeframe, number> = {
  "1m": 5,
  "5m": 3,
  "15m": 4,
  "30m": 4,
  "1h": 4,
  "4h": 6,
  "1d": 1,
  "1w": 1,
};

/** Length of a segment in ms. */
export function segmentMs(timeframe: Timeframe): number {
  return segmentDays[timeframe] * day;
}

/** Cuts a range into segments of the timeframe's length, the oldest first; the last one may be shorter. */
export function splitRange({ from, to }: DateRange, timeframe: Timeframe): DateRange[] {
  const segments: DateRange[] = [];
  for (let start = from; start < to; start += segmentMs(timeframe)) {
    segments.push({ from: start, to: Math.min(to, start + segmentMs(timeframe)) });
  }
  return segments;
}

/** The same from the end of the range backwards: the newest segment first, the oldest one may be shorter. */
export function splitBackwards({ from, to }: DateRange, timeframe: Timeframe): DateRange[] {
  const segments: DateRange[] = [];
  for (let end = to; end > from; end -= segmentMs(timeframe)) {
    segments.push({ from: Math.max(from, end - segmentMs(timeframe)), to: end });
  }
  return segments;
}
