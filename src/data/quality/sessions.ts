import { inBlocks, neverCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { zoneSteps, type ZoneSteps } from "../resample/index.js";
import { isIntraday, timeframeMs } from "../timeframes.js";
import { isNyseEarlyClose, isNyseHoliday, isWesternHoliday } from "./nyse.js";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const weekMs = 7 * dayMs;
const mondayMs = 4 * dayMs; // 1970-01-05 was a Monday

/** Zones in which a session could be steady while it moves against UTC. Zones without summer time equal UTC here. */
const candidateZones = ["UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Australia/Sydney"];

function isMonday(date: number): boolean {
  return (date - mondayMs) % weekMs === 0;
}

/** When a series has bars, as learned from the bars themselves. */
export type Market = "24/7" | "24/5" | "sessions";

/** Why a bar is not there: the market's weekly rest, its daily rest, a holiday (or early close), or no known reason. */
export type Absence = "weekend" | "session" | "holiday" | "unexpected";

/** The trading hours of a series. */
export interface Sessions {
  readonly market: Market;
  /** The zone in which the hours are steady; null is UTC. */
  readonly timezone: string | null;
  /** True where the series rests on the holidays of the New York Stock Exchange. */
  readonly nyse: boolean;
  /** Bars of a full week. */
  readonly barsPerWeek: number;
  /** Why there is no bar that would open at `instant`. */
  absenceAt(instant: number): Absence;
}

/** Slots of the week (Monday 00:00 local first), with how large a share of the weeks has a bar in each. */
interface WeekProfile {
  readonly zone: string;
  readonly steps: ZoneSteps;
  readonly share: Float64Array;
  /** Sum of share * (1 - share): 0 where each slot is always or never there. */
  readonly unsteadiness: number;
}

function profileIn(bars: Bars, zone: string, token: CancellationToken): WeekProfile {
  const { time, timeframe } = bars;
  const step = timeframeMs[timeframe];
  const slots = weekMs / step;
  const n = time.length;
  const dates = !isIntraday(timeframe);
  const steps = dates ? { offsetAt: () => 0 } : zoneSteps(time[0] - weekMs, time[n - 1] + weekMs, zone);
  const count = new Float64Array(slots);
  let lastSlot = -1;
  inBlocks(n, token, (from, to) => {
    for (let t = from; t < to; t++) {
      const slot = Math.floor((time[t] + steps.offsetAt(time[t]) - mondayMs) / step);
      if (slot !== lastSlot) count[((slot % slots) + slots) % slots]++;
      lastSlot = slot;
    }
  });
  const weeks = Math.max(1, (time[n - 1] - time[0] + step) / weekMs);
  const share =
    weeks >= 8 ? count.map((times) => Math.min(1, times / weeks)) : pooledShare(count, step, bars, steps);
  const unsteadiness = share.reduce((sum, p) => sum + p * (1 - p), 0);
  return { zone, steps, share, unsteadiness };
}

/** In a short series a weekday comes too rarely to be judged alone: Monday to Friday share their hours. */
function pooledShare(count: Float64Array, step: number, { time }: Bars, steps: ZoneSteps): Float64Array {
  const perDay = dayMs / step;
  if (perDay < 1) return count.map(() => 1);
  const daysWithBars = [0, 0, 0, 0, 0, 0, 0];
  let last = NaN;
  for (let t = 0; t < time.length; t++) {
    const day = Math.floor((time[t] + steps.offsetAt(time[t]) - mondayMs) / dayMs);
    if (day !== last) daysWithBars[((day % 7) + 7) % 7]++;
    last = day;
  }
  const working = daysWithBars.slice(0, 5).reduce((sum, days) => sum + days, 0);
  const share = new Float64Array(count.length);
  for (let slot = 0; slot < perDay; slot++) {
    let bars = 0;
    for (let day = 0; day < 5; day++) bars += count[day * perDay + slot];
    for (let day = 0; day < 7; day++) {
      const own = daysWithBars[day] === 0 ? 0 : count[day * perDay + slot] / daysWithBars[day];
      share[day * perDay + slot] = day < 5 ? (working === 0 ? 0 : bars / working) : own;
    }
  }
  return share;
}

/** True where the series rests on at least four of five weekday holidays of New York that lie within it. */
function restsWithNyse({ time }: Bars, localDate: (instant: number) => number): boolean {
  const traded = new Set<number>();
  let last = NaN;
  for (let t = 0; t < time.length; t++) {
    const date = localDate(time[t]);
    if (date !== last) traded.add(date);
    last = date;
  }
  let [holidays, rested] = [0, 0];
  for (let date = localDate(time[0]); date <= last; date += dayMs) {
    if (!isNyseHoliday(date) || isWesternHoliday(date)) continue;
    holidays++;
    if (!traded.has(date)) rested++;
  }
  return holidays > 0 && rested >= 0.8 * holidays;
}

/**
 * Learns the trading hours from the bars. A slot of the week belongs to the session where at least half of the weeks have a
 * bar in it; the zone is that in which the slots are steadiest (New York hours move against UTC twice a year). Whether
 * New York's holidays apply is decided by whether the series rests on them. A series shorter than eight weeks is judged
 * by time of day. Needs at least one bar. O(n) for each of the candidate zones.
 */
export function learnSessions(bars: Bars, token: CancellationToken = neverCancelled): Sessions {
  const step = timeframeMs[bars.timeframe];
  const zones = isIntraday(bars.timeframe) ? candidateZones : ["UTC"];
  const profiles = zones.map((zone) => profileIn(bars, zone, token));
  const steadiest = profiles.reduce((best, other) => (other.unsteadiness < best.unsteadiness ? other : best));
  // Hours that move with summer time waver in two slots of the week at least, by 0.23 each; less is chance.
  const best = steadiest.unsteadiness < profiles[0].unsteadiness - 0.25 ? steadiest : profiles[0];
  const { share, steps, zone } = best;
  const slots = share.length;
  const isOpen = Array.from(share, (p) => p >= 0.5);
  const openOn = (day: number): number => {
    const from = Math.floor((day * slots) / 7);
    return isOpen.slice(from, Math.max(from + 1, Math.floor(((day + 1) * slots) / 7))).filter(Boolean).length;
  };
  const openSlots = isOpen.filter(Boolean).length;
  const market: Market =
    slots === 1 || openSlots >= 0.95 * slots
      ? "24/7"
      : slots > 7 && openSlots >= 0.9 * ((slots * 5) / 7)
        ? "24/5"
        : "sessions";
  const localDate = (instant: number): number =>
    Math.floor((instant + steps.offsetAt(instant)) / dayMs) * dayMs;
  const nyse = market === "sessions" && restsWithNyse(bars, localDate);

  const isHoliday = (instant: number): boolean => {
    if (market === "24/7") return false;
    const date = localDate(instant);
    if (nyse) {
      const timeOfDay = instant + steps.offsetAt(instant) - date;
      return (
        isNyseHoliday(date) ||
        (isIntraday(bars.timeframe) && timeOfDay >= 13 * hourMs && isNyseEarlyClose(date))
      );
    }
    if (market === "sessions") return isWesternHoliday(date);
    // A market that trades around the clock rests from 13:00 on the eve, and on Monday where the holiday is a Sunday.
    const rests = (day: number): boolean =>
      isWesternHoliday(day) || (isMonday(day) && isWesternHoliday(day - dayMs));
    return rests(date) || rests(localDate(instant + 11 * hourMs));
  };
  return {
    market,
    timezone: zone === "UTC" || market === "24/7" ? null : zone,
    nyse,
    barsPerWeek: openSlots,
    absenceAt(instant) {
      const index = Math.floor((instant + steps.offsetAt(instant) - mondayMs) / step);
      const slot = ((index % slots) + slots) % slots;
      if (isOpen[slot]) return isHoliday(instant) ? "holiday" : "unexpected";
      const day = Math.floor((slot * 7) / slots);
      return openOn(day) === 0 || (market === "24/5" && day >= 4) ? "weekend" : "session";
    },
  };
}
