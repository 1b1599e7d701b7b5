import { firstAtOrAfter, type Bars } from "../data/index.js";

/** How many bars make a year, and how that was found. */
export interface Annualisation {
  readonly bars_per_year: number;
  readonly how: string;
}

const dayMs = 86_400_000;
/** Monday is 0; day 0 of the epoch was a Thursday. */
const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7;
const saturday = 5;

/**
 * Bars per year of the market that these bars come from.
 *
 * Days: 365 where most weeks have bars on Saturday (crypto currencies), 260 where over a year hardly a weekday is missing
 * (currencies), else 252 (exchanges with holidays). Bars per day: the median number of bars of a whole week, over the 7 or
 * 5 days of such a week; where there is no whole week, the median of a day. Weekly bars are 52 a year.
 */
export function annualisationOf({ time, timeframe }: Pick<Bars, "time" | "timeframe">): Annualisation {
  if (timeframe === "1w") return { bars_per_year: 52, how: "52 weeks" };
  const days = daysOf(time);
  const weeks = weeksOf(days);
  const everyDay = weeks.filter((week) => week.saturday).length > weeks.length / 2;
  const daysPerWeek = everyDay ? 7 : 5;
  const daysPerYear = everyDay ? 365 : hardlyMissing(days) ? 260 : 252;
  const market = everyDay ? "every day" : daysPerYear === 260 ? "every weekday" : "weekdays, with holidays";
  const whole = weeks.slice(1, -1).map((week) => week.bars);
  const perDay = (whole.length > 0 ? median(whole) / daysPerWeek : median(days.map((day) => day.bars))) || 1;
  const each = perDay === 1 ? "" : ` of ${Number(perDay.toFixed(2))} bars`;
  return { bars_per_year: perDay * daysPerYear, how: `${daysPerYear} days${each} (bars on ${market})` };
}

interface Day {
  /** Days since 1970-01-01, UTC. */
  readonly day: number;
  readonly bars: number;
}

/** The days that have bars, in order. */
function daysOf(time: Float64Array): Day[] {
  const days: Day[] = [];
  for (let t = 0; t < time.length;) {
    const day = Math.floor(time[t] / dayMs);
    const next = firstAtOrAfter(time, (day + 1) * dayMs, t + 1);
    days.push({ day, bars: next - t });
    t = next;
  }
  return days;
}

/** The weeks, Monday to Sunday, that have bars. */
function weeksOf(days: readonly Day[]): { bars: number; saturday: boolean }[] {
  const weeks: { monday: number; bars: number; saturday: boolean }[] = [];
  for (const { day, bars } of days) {
    const monday = day - weekdayOf(day);
    if (weeks.at(-1)?.monday !== monday) weeks.push({ monday, bars: 0, saturday: false });
    const week = weeks[weeks.length - 1];
    week.bars += bars;
    week.saturday ||= weekdayOf(day) === saturday;
  }
  return weeks;
}

/** Whether over at least a year fewer than 2 % of the weekdays have no bar; exchanges miss some 4 %. */
function hardlyMissing(days: readonly Day[]): boolean {
  const first = days[0]?.day ?? 0;
  const last = days.at(-1)?.day ?? 0;
  if (last - first < 360) return false;
  let weekdays = 0;
  for (let day = first; day <= last; day++) if (weekdayOf(day) < saturday) weekdays++;
  const present = days.filter(({ day }) => weekdayOf(day) < saturday).length;
  return weekdays - present < 0.02 * weekdays;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
