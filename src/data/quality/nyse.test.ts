import { expect, test } from "vitest";
import { easter, isNyseEarlyClose, isNyseHoliday } from "./nyse.js";

const dayMs = 86_400_000;

function datesOf(year: number, is: (date: number) => boolean): string[] {
  const found: string[] = [];
  for (let date = Date.UTC(year, 0, 1); date < Date.UTC(year + 1, 0, 1); date += dayMs) {
    const weekday = new Date(date).getUTCDay();
    if (weekday >= 1 && weekday <= 5 && is(date)) found.push(new Date(date).toISOString().slice(5, 10));
  }
  return found;
}

// https://www.nyse.com/markets/hours-calendars (2024 to 2026) and the exchange's press releases for the years before.
test.each([
  [2010, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"],
  [2011, "01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26"], // no New Year's Day: it was a Saturday
  [2012, "01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25"], // hurricane Sandy
  [2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"], // Juneteenth from 2022 on
  [2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26"],
  [2024, "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25"],
  [2025, "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25"], // mourning on 9 January
  [2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25"],
])("the exchange is closed in %i on %s", (year, dates) => {
  expect(datesOf(year, isNyseHoliday).join(" ")).toBe(dates);
});

test.each([
  [2002, "07-05 11-29 12-24"], // before 2013 a Thursday's Fourth of July shortened the Friday
  [2010, "11-26"],
  [2013, "07-03 11-29 12-24"],
  [2018, "07-03 11-23 12-24"],
  [2020, "11-27 12-24"],
  [2024, "07-03 11-29 12-24"],
  [2025, "07-03 11-28 12-24"],
  [2026, "11-27 12-24"],
])("it closes at 13:00 in %i on %s", (year, dates) => {
  expect(datesOf(year, isNyseEarlyClose).join(" ")).toBe(dates);
});

test.each([["2000-04-23"], ["2008-03-23"], ["2011-04-24"], ["2019-04-21"], ["2024-03-31"], ["2038-04-25"]])(
  "Easter Sunday is %s",
  (date) => {
    expect(new Date(easter(Number(date.slice(0, 4)))).toISOString().slice(0, 10)).toBe(date);
  },
);
