import { KnownError, UsageError } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { isIntraday, timeframeMs, type Timeframe } from "../timeframes.js";
import { fromWallTime, zoneOffsetMs } from "../zones.js";
import { zoneSteps } from "./zone-steps.js";

/** The wanted timeframe is not coarser than that of the bars: finer bars cannot be made out of coarser ones. */
export class NotCoarserError extends UsageError {
  constructor(from: Timeframe, to: Timeframe) {
    super(`Bars of ${from} cannot be resampled to ${to}: choose a timeframe coarser than ${from}.`);
  }
}

/** A bar lies across the border of two coarser ones, so that neither could be right. */
export class StraddlingBarError extends KnownError {
  readonly code = "STRADDLING_BAR";
  readonly timestamp: string;

  constructor({ symbol, timeframe }: Bars, to: Timeframe, time: number) {
    const when = new Date(time).toISOString().replace(".000Z", "Z");
    super(
      `The ${timeframe} bar of "${symbol}" that opens at ${when} reaches over the end of its ${to} bar. Resample from a finer timeframe, or give the exchange's zone with --timezone.`,
    );
    this.timestamp = when;
  }
}

/** Daily bars are dates of one zone already, and another one was asked for. */
export class OtherDayZoneError extends KnownError {
  readonly code = "OTHER_DAY_ZONE";

  constructor({ symbol, timeframe, meta }: Bars, asked: string) {
    super(
      `The ${timeframe} bars of "${symbol}" are days of ${meta.dayTimezone}; they cannot become days of ${asked}. Resample intraday bars instead, or leave the zone out.`,
    );
  }
}

/** A series of the wanted timeframe is stored that was not made by resampling, and would be lost. */
export class SeriesExistsError extends KnownError {
  readonly code = "SERIES_EXISTS";

  constructor({ symbol, timeframe, time, meta }: Bars) {
    super(
      `"${symbol}" ${timeframe} is stored already (${time.length} bars from ${meta.source}). To drop it, add --replace.`,
    );
  }
}

/** Coarser bars, and what is to be known about them. */
export interface Resampled {
  readonly bars: Bars;
  /** Bars that may lack part of their stretch: fewer source bars than usual in the first or last one. One sentence each. */
  readonly notices: readonly string[];
}

const dayMs = timeframeMs["1d"];
const mondayMs = 4 * dayMs; // 1970-01-05 was a Monday

/** The time that a coarser bar is stamped with, and its end (exclusive). */
interface Bucket {
  readonly stamp: number;
  readonly to: number;
}

type BucketOf = (time: number) => Bucket;

/** Days and weeks (from Monday) as dates: stamped 00:00Z, reaching over local days. */
function dateBuckets(length: number, offsetAt: (instant: number) => number, zone: string | null): BucketOf {
  const anchor = length === dayMs ? 0 : mondayMs;
  const instant = (wall: number): number => (zone === null ? wall : fromWallTime(wall, zone));
  return (time) => {
    const wall = time + offsetAt(time);
    const stamp = anchor + Math.floor((wall - anchor) / length) * length;
    return { stamp, to: instant(stamp + length) };
  };
}

/**
 * Intraday stretches counted from (local) midnight in elapsed time, so that none is ever longer than its name says, also
 * on the days on which the clocks change.
 */
function intradayBuckets(
  length: number,
  offsetAt: (instant: number) => number,
  zone: string | null,
): BucketOf {
  let midnight = NaN;
  let nextMidnight = -Infinity;
  return (time) => {
    if (!(time >= midnight && time < nextMidnight)) {
      const date = Math.floor((time + offsetAt(time)) / dayMs) * dayMs;
      midnight = zone === null ? date : fromWallTime(date, zone);
      nextMidnight = zone === null ? date + dayMs : fromWallTime(date + dayMs, zone);
    }
    const stamp = midnight + Math.floor((time - midnight) / length) * length;
    return { stamp, to: Math.min(stamp + length, nextMidnight) };
  };
}

/** How many source bars the nearest coarser bars of the same time of day have: the median of up to five; NaN without any. */
function usualCount(time: Float64Array, counts: readonly number[], t: number, direction: 1 | -1): number {
  const near: number[] = [];
  for (
    let other = t + direction;
    other >= 0 && other < counts.length && near.length < 5;
    other += direction
  ) {
    if ((time[other] - time[t]) % dayMs === 0) near.push(counts[other]);
  }
  return near.length === 0 ? NaN : near.sort((a, b) => a - b)[near.length >> 1];
}

function incompleteNotices(
  { time, timeframe }: Bars,
  counts: readonly number[],
  source: Timeframe,
): string[] {
  const notice = (which: string, t: number, direction: 1 | -1): string[] => {
    const usual = usualCount(time, counts, t, direction);
    if (!(counts[t] < usual)) return [];
    const when = new Date(time[t]).toISOString().slice(0, isIntraday(timeframe) ? 16 : 10);
    return [
      `The ${which} ${timeframe} bar (${when}) is made of ${counts[t]} ${source} bars, its neighbours usually of ${usual}: it may be incomplete.`,
    ];
  };
  return [...notice("first", 0, 1), ...notice("last", counts.length - 1, -1)];
}

/**
 * Coarser bars out of finer ones: first open, highest high, lowest low, last close, sum of volumes. O(n).
 *
 * Intraday bars are aligned to midnight UTC, or to local midnight of `timezone`. Days are calendar days of `timezone`
 * (UTC without one), stamped with their date at 00:00Z and marked in `meta.dayTimezone`; weeks begin on Monday. A
 * coarser bar exists only where there is at least one finer one. First and last bar are kept also where they may be
 * incomplete; `notices` says so.
 *
 * @throws NotCoarserError, UnknownTimezoneError
 * @throws StraddlingBarError where a bar belongs to two coarser ones (its end would be known only after theirs)
 * @throws OtherDayZoneError where daily bars are days of another zone
 */
export function resample(bars: Bars, to: Timeframe, { timezone }: { timezone?: string } = {}): Resampled {
  const { time, timeframe, meta } = bars;
  if (timeframeMs[to] <= timeframeMs[timeframe]) throw new NotCoarserError(timeframe, to);
  const asked = timezone === undefined || timezone === "UTC" ? null : timezone;
  if (asked !== null) zoneOffsetMs(0, asked); // an unknown zone is refused also where no bar needs it
  const fromDates = !isIntraday(timeframe);
  if (fromDates && asked !== null && meta.dayTimezone !== null && asked !== meta.dayTimezone) {
    throw new OtherDayZoneError(bars, asked);
  }
  const n = time.length;
  // Daily bars carry dates, not instants: no offset applies to them.
  const zone = fromDates ? null : asked;
  const steps = zone === null || n === 0 ? null : zoneSteps(time[0] - dayMs, time[n - 1] + dayMs, zone);
  const offsetAt = (instant: number): number => (steps === null ? 0 : steps.offsetAt(instant));
  const bucketOf = (isIntraday(to) ? intradayBuckets : dateBuckets)(timeframeMs[to], offsetAt, zone);

  const stamps = new Float64Array(n);
  const [open, high, low, close, volume] = Array.from({ length: 5 }, () => new Float64Array(n));
  const counts: number[] = [];
  let bucket: Bucket = { stamp: NaN, to: -Infinity };
  let k = -1;
  for (let t = 0; t < n; t++) {
    if (time[t] >= bucket.to || k < 0) {
      bucket = bucketOf(time[t]);
      k++;
      stamps[k] = bucket.stamp;
      open[k] = bars.open[t];
      high[k] = bars.high[t];
      low[k] = bars.low[t];
      counts.push(0);
    }
    if (time[t] + timeframeMs[timeframe] > bucket.to) throw new StraddlingBarError(bars, to, time[t]);
    if (bars.high[t] > high[k]) high[k] = bars.high[t];
    if (bars.low[t] < low[k]) low[k] = bars.low[t];
    close[k] = bars.close[t];
    volume[k] += bars.volume[t];
    counts[k]++;
  }
  const size = k + 1;
  const made: Bars = {
    symbol: bars.symbol,
    timeframe: to,
    time: stamps.slice(0, size),
    open: open.slice(0, size),
    high: high.slice(0, size),
    low: low.slice(0, size),
    close: close.slice(0, size),
    volume: volume.slice(0, size),
    meta: {
      ...meta,
      source: `${meta.source}, ${resampledMark} ${timeframe}`,
      dayTimezone: isIntraday(to) ? meta.dayTimezone : fromDates ? (meta.dayTimezone ?? asked) : asked,
    },
  };
  return { bars: made, notices: size === 0 ? [] : incompleteNotices(made, counts, timeframe) };
}

const resampledMark = "resampled from";

/** True for a series that `resample` made; it may be made anew from its source at any time. */
export function isResampled(bars: Pick<Bars, "meta">): boolean {
  return bars.meta.source.includes(resampledMark);
}
