import { UsageError } from "../../core/index.js";

/** Order of year, month and day in a written date. */
export type DateOrder = "ymd" | "ydm" | "dmy" | "mdy";

/** How a stamp tells its distance from UTC: minutes east of Greenwich, or not at all. */
export const noOffset = -32768;

/** A date or time as it is written. One object is reused by `StampReader`: copy what you keep. */
export interface Stamp {
  /** Date and time as if they were UTC, epoch ms. */
  wall: number;
  /** Minutes east of UTC, or `noOffset`. */
  offset: number;
  /** True where a time of day is written. */
  hasTime: boolean;
  /** True for a count of seconds since 1970: an instant, not a date. */
  isUnix: boolean;
  /** The order of day and month where only one is possible or they are equal (`null`), the two possible otherwise. */
  order: DateOrder | "dmy or mdy" | null;
}

const day = 86_400_000;
const dateParts = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:(?:\s*T\s*|,\s*|\s+)(\S.*))?$/;
const compactDate = /^(\d{4})(\d{2})(\d{2})(?:[\sT-]\s*(\S.*))?$/;
const compactDateTime = /^((?:19|20)\d{6})(\d{4}|\d{6})$/;
const dayMonthName =
  /^(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})[-\s/]([A-Za-z]{3,9})\.?[-\s,/]+(\d{4}|\d{2})(?:[\s,]+(\S.*))?$/;
const monthNameDay = /^(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})(?:[\s,]+(\S.*))?$/;
const unix = /^(\d{9,10}|\d{13}|\d{16}|\d{19})(\.\d+)?$/;
const clock =
  /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(?:[\s-]*([AaPp]\.?[Mm]\.?))?\s*(Z|z|(?:UTC|GMT)?\s*(?:([+-])(\d{1,2}):?(\d{2})?)?)$/;
const compactClock = /^(\d{2})(\d{2})(\d{2})?$/;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** 00:00Z of a date, or NaN where the calendar has no such date or it lies outside 1800 to 2199. */
export function dateMs(year: number, month: number, date: number): number {
  if (year < 1800 || year > 2199 || month < 1 || month > 12 || date < 1) return NaN;
  const time = Date.UTC(year, month - 1, date);
  return new Date(time).getUTCDate() === date ? time : NaN;
}

function monthOf(name: string): number {
  const found = months.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  const full = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
  ];
  const lower = name.toLowerCase();
  return found > 0 && (lower.length === 3 || full[found - 1] === lower || lower === "sept") ? found : NaN;
}

/** 69 and later are of the last century (POSIX). */
function fullYear(text: string): number {
  const year = Number(text);
  return text.length > 2 ? year : year + (year >= 69 ? 1900 : 2000);
}

/**
 * Reads dates and times of every form that market files use: ISO 8601, `20170102 15:30`, `2/1/2017 3:30 PM`,
 * `02.01.2017 15:30:00.000`, `2019-10-17 09-AM`, `5-Jul-2017`, `Jan 02, 2017`, seconds, milliseconds, microseconds or
 * nanoseconds since 1970; with `Z`, `UTC`, `GMT+2`, `-04:00`, `+0530` after the time.
 *
 * Day and month of `2/1/2017` are read as month first; `order` says when that was a guess.
 */
export class StampReader {
  readonly stamp: Stamp = { wall: NaN, offset: noOffset, hasTime: false, isUnix: false, order: null };
  readonly #order: DateOrder | null;

  /** @param order the order the user states, or null: then a date that can be read in two ways says so */
  constructor(order: DateOrder | null) {
    this.#order = order;
  }

  /** True where `text` is a date (with or without a time), which `stamp` then holds. */
  read(text: string): boolean {
    const { stamp } = this;
    stamp.offset = noOffset;
    stamp.hasTime = false;
    stamp.isUnix = false;
    stamp.order = null;
    let match = dateParts.exec(text);
    if (match !== null) return this.#numeric(match[1], match[3], match[4]) && this.#clockAfter(match[5]);
    if ((match = compactDateTime.exec(text)) !== null) {
      const date = match[1];
      if (this.#ymd(date.slice(0, 4), date.slice(4, 6), date.slice(6))) return this.readClock(match[2]);
    }
    if ((match = unix.exec(text)) !== null) {
      const digits = match[1].length;
      // Seconds from 2033 on look like 2014010215, a date with an hour, and are left to a reader of that time.
      if (digits === 10 && text >= "2") return false;
      const scale = digits <= 10 ? 1000 : digits === 13 ? 1 : digits === 16 ? 1e-3 : 1e-6;
      stamp.wall = Math.floor(Number(text) * scale + 1e-3);
      stamp.isUnix = true;
      stamp.hasTime = true;
      stamp.offset = 0;
      return stamp.wall < Date.UTC(2200, 0, 1);
    }
    if ((match = compactDate.exec(text)) !== null) {
      return this.#ymd(match[1], match[2], match[3]) && this.#clockAfter(match[4]);
    }
    if ((match = dayMonthName.exec(text)) !== null) {
      stamp.wall = dateMs(fullYear(match[3]), monthOf(match[2]), Number(match[1]));
      return !Number.isNaN(stamp.wall) && this.#clockAfter(match[4]);
    }
    if ((match = monthNameDay.exec(text)) !== null) {
      stamp.wall = dateMs(Number(match[3]), monthOf(match[1]), Number(match[2]));
      return !Number.isNaN(stamp.wall) && this.#clockAfter(match[4]);
    }
    return false;
  }

  /** Adds a time of day, from a column of its own or after the date, to the date just read. */
  readClock(text: string): boolean {
    const { stamp } = this;
    const compact = compactClock.exec(text);
    if (compact !== null) return this.#time(Number(compact[1]), compact[2], compact[3], "");
    const match = clock.exec(text);
    if (match === null) return false;
    const [, hours, minutes, seconds, fraction, half, zone, sign, zoneHours, zoneMinutes] = match;
    if (minutes === undefined && half === undefined) return false;
    let hour = Number(hours);
    if (half !== undefined) {
      if (hour < 1 || hour > 12) return false;
      hour = (hour % 12) + (half[0].toLowerCase() === "p" ? 12 : 0);
    }
    if (zone !== "") {
      stamp.offset = 0;
      if (sign !== undefined) {
        const distance = Number(zoneHours) * 60 + Number(zoneMinutes ?? 0);
        if (distance > 15 * 60 || Number(zoneMinutes ?? 0) > 59) return false;
        stamp.offset = sign === "-" ? -distance : distance;
      }
    }
    return this.#time(hour, minutes, seconds, fraction);
  }

  #time(hour: number, minutes = "0", seconds = "0", fraction = ""): boolean {
    const minute = Number(minutes);
    const second = Number(seconds);
    if (hour > 23 || minute > 59 || second > 59) return false;
    const ms = fraction === "" ? 0 : Math.floor(Number(`0.${fraction}`) * 1000 + 1e-6);
    this.stamp.wall += ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    this.stamp.hasTime = true;
    return true;
  }

  #clockAfter(text: string | undefined): boolean {
    return text === undefined || this.readClock(text);
  }

  #ymd(year: string, month: string, date: string): boolean {
    const { stamp } = this;
    const swapped = this.#order === "ydm";
    stamp.wall = swapped
      ? dateMs(Number(year), Number(date), Number(month))
      : dateMs(Number(year), Number(month), Number(date));
    stamp.order = swapped ? "ydm" : "ymd";
    return !Number.isNaN(stamp.wall);
  }

  #numeric(first: string, second: string, third: string): boolean {
    const { stamp } = this;
    if (first.length === 4) return third.length <= 2 && this.#ymd(first, second, third);
    const stated = this.#order;
    // A year of two digits is only read where the user says which number it is.
    if (first.length > 2 || !(third.length === 4 || (third.length === 2 && stated !== null))) return false;
    const year = fullYear(third);
    const a = Number(first);
    const b = Number(second);
    if (stated === "ymd" || stated === "ydm") {
      if (third.length !== 2) return false;
      const date = Number(third);
      stamp.wall = stated === "ymd" ? dateMs(fullYear(first), b, date) : dateMs(fullYear(first), date, b);
      stamp.order = stated;
    } else if (stated !== null) {
      stamp.wall = stated === "dmy" ? dateMs(year, b, a) : dateMs(year, a, b);
      stamp.order = stated;
    } else if (a > 12) {
      stamp.wall = dateMs(year, b, a);
      stamp.order = "dmy";
    } else {
      stamp.wall = dateMs(year, a, b);
      stamp.order = b > 12 ? "mdy" : a === b ? null : "dmy or mdy";
    }
    return !Number.isNaN(stamp.wall);
  }
}

/** The same time of day on the date whose month and day are those of `wall` exchanged. */
export function swapDayAndMonth(wall: number): number {
  const date = new Date(wall);
  return (
    Date.UTC(date.getUTCFullYear(), date.getUTCDate() - 1, date.getUTCMonth() + 1) +
    (((wall % day) + day) % day)
  );
}

/**
 * The order that a format such as `DD/MM/YYYY`, `%m/%d/%y %H:%M`, `D.M.YYYY HH:mm` or `dmy` states. The rest of a stamp is
 * recognised without help, so only the order counts.
 *
 * @throws UsageError where year, month and day are not all there, once each
 */
export function parseDateFormat(format: string): DateOrder {
  const tokens = format.replaceAll(/%([A-Za-z])/g, (_, letter: string) =>
    /[HIMSpfz]/.test(letter) ? "h" : letter,
  );
  // The date is the part without hours: M after it means minutes.
  const date = tokens.split(/[\sT,]+(?=\S*[hH])/)[0];
  const order = date
    .toLowerCase()
    .replaceAll(/[^ymdb]/g, "")
    .replaceAll("b", "m")
    .replaceAll(/(.)\1+/g, "$1");
  if (order === "ymd" || order === "ydm" || order === "dmy" || order === "mdy") return order;
  throw new UsageError(
    `--date-format: "${format}" does not say where year, month and day stand. Write it like DD/MM/YYYY, MM/DD/YYYY, YYYY-MM-DD or %d.%m.%y.`,
  );
}
