/** Returns of the months of one year, in percent. */
export interface YearOfReturns {
  readonly year: number;
  /** January first; null for a month without bars, [12]. */
  readonly months: readonly (number | null)[];
  readonly total: number;
}

/**
 * Returns from the end of one month to the end of the next, by calendar (UTC) of the bars' openings; the first month begins
 * with the capital.
 *
 * @param time   openings, epoch ms, ascending, [n]
 * @param equity at each bar's close, [n]
 */
export function monthlyReturns(time: Float64Array, equity: Float64Array, capital: number): YearOfReturns[] {
  const years: { year: number; months: (number | null)[]; total: number }[] = [];
  let [monthBegan, yearBegan] = [capital, capital];
  for (let t = 0; t < time.length;) {
    const date = new Date(time[t]);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const end = Date.UTC(year, month + 1, 1);
    while (t < time.length && time[t] < end) t++;
    const value = equity[t - 1];
    if (years.at(-1)?.year !== year) {
      years.push({ year, months: Array.from({ length: 12 }, () => null), total: 0 });
      yearBegan = monthBegan;
    }
    const row = years[years.length - 1];
    row.months[month] = monthBegan > 0 ? 100 * (value / monthBegan - 1) : 0;
    row.total = yearBegan > 0 ? 100 * (value / yearBegan - 1) : 0;
    monthBegan = value;
  }
  return years;
}
