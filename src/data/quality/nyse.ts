/*
 * Holidays of the New York Stock Exchange by rule (its Rule 7.2, and nyse.com/markets/hours-calendars), valid from 1998
 * on, when Martin Luther King Day joined. Dates are epoch ms at 00:00Z.
 */

const dayMs = 86_400_000;

function weekday(date: number): number {
  return new Date(date).getUTCDay();
}

/** The n-th given weekday (0 Sunday) of a month (0 January); n = -1 is the last one. */
function nthWeekday(year: number, month: number, day: number, n: number): number {
  if (n < 0) {
    const last = Date.UTC(year, month + 1, 0);
    return last - ((weekday(last) - day + 7) % 7) * dayMs;
  }
  const first = Date.UTC(year, month, 1);
  return first + (((day - weekday(first) + 7) % 7) + 7 * (n - 1)) * dayMs;
}

/** Easter Sunday of the Gregorian calendar (Meeus, Jones & Butcher; "Anonymous Gregorian" algorithm, Nature 1876). */
export function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const e = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - d - (c % 4)) % 7;
  const m = Math.floor((a + 11 * d + 22 * e) / 451);
  const sum = d + e - 7 * m + 114;
  return Date.UTC(year, Math.floor(sum / 31) - 1, (sum % 31) + 1);
}

/** A holiday on Sunday is kept on Monday, one on Saturday on Friday. */
function observed(date: number): number {
  if (weekday(date) === 0) return date + dayMs;
  return weekday(date) === 6 ? date - dayMs : date;
}

/** Days on which the exchange closed for no rule: mourning, attacks, storms. */
const unscheduled = new Set(
  [
    "2001-09-11",
    "2001-09-12",
    "2001-09-13",
    "2001-09-14",
    "2004-06-11",
    "2007-01-02",
    "2012-10-29",
    "2012-10-30",
    "2018-12-05",
    "2025-01-09",
  ].map((date) => Date.parse(date)),
);

function scheduledHolidays(year: number): number[] {
  const newYear = Date.UTC(year, 0, 1);
  return [
    // A New Year's Day on Saturday is not kept: the Friday before ends a year of accounts.
    ...(weekday(newYear) === 6 ? [] : [observed(newYear)]),
    nthWeekday(year, 0, 1, 3), // Martin Luther King Day
    nthWeekday(year, 1, 1, 3), // Washington's Birthday
    easter(year) - 2 * dayMs, // Good Friday
    nthWeekday(year, 4, 1, -1), // Memorial Day
    ...(year >= 2022 ? [observed(Date.UTC(year, 5, 19))] : []), // Juneteenth
    observed(Date.UTC(year, 6, 4)), // Independence Day
    nthWeekday(year, 8, 1, 1), // Labor Day
    nthWeekday(year, 10, 4, 4), // Thanksgiving
    observed(Date.UTC(year, 11, 25)), // Christmas
  ];
}

function scheduledEarlyCloses(year: number): number[] {
  const fourth = Date.UTC(year, 6, 4);
  const christmasEve = Date.UTC(year, 11, 24);
  const dayAfter = year < 2013 && weekday(fourth) === 4; // before 2013, a Thursday's holiday shortened the Friday
  const isWorkingDay = (date: number): boolean => weekday(date) >= 1 && weekday(date) <= 5;
  return [
    dayAfter ? fourth + dayMs : fourth - dayMs,
    nthWeekday(year, 10, 4, 4) + dayMs,
    christmasEve,
  ].filter((date) => isWorkingDay(date) && !isNyseHoliday(date));
}

const holidaysOf = new Map<number, Set<number>>();
const earlyClosesOf = new Map<number, Set<number>>();

function remembered(
  cache: Map<number, Set<number>>,
  date: number,
  make: (year: number) => number[],
): boolean {
  const year = new Date(date).getUTCFullYear();
  let dates = cache.get(year);
  if (dates === undefined) cache.set(year, (dates = new Set(make(year))));
  return dates.has(date);
}

/** True for a date (00:00Z) on which the exchange is closed although it is a weekday. */
export function isNyseHoliday(date: number): boolean {
  return unscheduled.has(date) || remembered(holidaysOf, date, scheduledHolidays);
}

/** True for a date (00:00Z) on which the exchange closes at 13:00 New York time. */
export function isNyseEarlyClose(date: number): boolean {
  return remembered(earlyClosesOf, date, scheduledEarlyCloses);
}

/** True for the days on which nearly every exchange of the West is closed: New Year's Day, Good Friday, Christmas Day. */
export function isWesternHoliday(date: number): boolean {
  const day = new Date(date);
  const fixed =
    (day.getUTCMonth() === 0 && day.getUTCDate() === 1) ||
    (day.getUTCMonth() === 11 && day.getUTCDate() === 25);
  return fixed || easter(day.getUTCFullYear()) - 2 * dayMs === date;
}
