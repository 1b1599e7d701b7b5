import { hasTimeOfDay, type RawRows } from "./raw-rows.js";

const powersOfTen = Float64Array.from({ length: 16 }, (_, k) => Number(`1e${k}`));
const zero = 48;
const comma = 44;
const point = 46;

function digit(bytes: Buffer, at: number): number {
  const value = bytes[at] - zero;
  return value >= 0 && value <= 9 ? value : NaN;
}

function pair(bytes: Buffer, at: number): number {
  return 10 * digit(bytes, at) + digit(bytes, at + 1);
}

/**
 * Reads rows of the plain layout (`2024-01-02T00:00:00Z,1.5,2,1,1.5,1000`) straight from the bytes, five times as fast as
 * by way of strings. It only ever accepts what the general reader accepts with the same result; any other line is left to it.
 */
export class CanonicalReader {
  readonly #bytes: Buffer;
  #at = 0;
  #date = NaN;
  #midnight = NaN;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Appends the row in [from, end) to `rows`; false, with `rows` as before, where it is not of the plain layout. */
  read(from: number, end: number, line: number, rows: RawRows): boolean {
    const bytes = this.#bytes;
    // 2024-01-02T00:00:00Z,
    if (end - from < 30 || bytes[from + 4] !== 45 || bytes[from + 7] !== 45 || bytes[from + 10] !== 84)
      return false;
    if (bytes[from + 13] !== 58 || bytes[from + 16] !== 58 || bytes[from + 19] !== 90) return false;
    if (bytes[from + 20] !== comma) return false;
    const year = 100 * pair(bytes, from) + pair(bytes, from + 2);
    const date = 10_000 * year + 100 * pair(bytes, from + 5) + pair(bytes, from + 8);
    if (date !== this.#date && !this.#newDate(date)) return false;
    const hour = pair(bytes, from + 11);
    const minute = pair(bytes, from + 14);
    const second = pair(bytes, from + 17);
    if (!(hour < 24 && minute < 60 && second < 60)) return false;
    const i = rows.count;
    this.#at = from + 21;
    const open = this.#number(end);
    const high = this.#number(end);
    const low = this.#number(end);
    const close = this.#number(end);
    const volume = this.#number(end);
    const valid =
      low > 0 &&
      high < Infinity &&
      volume >= 0 &&
      open >= low &&
      open <= high &&
      close >= low &&
      close <= high;
    if (!valid || this.#at !== end + 1) return false;
    rows.row[i] = line + 1;
    rows.wall[i] = this.#midnight + ((hour * 60 + minute) * 60 + second) * 1000;
    rows.offset[i] = 0;
    rows.flags[i] = hasTimeOfDay;
    rows.open[i] = open;
    rows.high[i] = high;
    rows.low[i] = low;
    rows.close[i] = close;
    rows.volumes[0][i] = volume;
    rows.count++;
    return true;
  }

  #newDate(date: number): boolean {
    const year = Math.floor(date / 10_000);
    const month = Math.floor(date / 100) % 100;
    const midnight = Date.UTC(year, month - 1, date % 100);
    const back = new Date(midnight);
    if (
      !(year >= 1800 && year < 2200) ||
      back.getUTCMonth() !== month - 1 ||
      back.getUTCDate() !== date % 100
    )
      return false;
    this.#date = date;
    this.#midnight = midnight;
    return true;
  }

  /**
   * The number up to the next comma or the end, NaN where it is not digits with at most one point. Up to 15 digits the
   * quotient of two exact doubles is correctly rounded (Clinger 1990), so the result is that of `Number`; beyond, it is `Number`'s.
   */
  #number(end: number): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let whole = 0;
    let fraction = -1;
    for (; at < end; at++) {
      const c = bytes[at];
      if (c === comma) break;
      if (c === point) {
        if (fraction >= 0) return NaN;
        fraction = 0;
        continue;
      }
      const value = c - zero;
      if (!(value >= 0 && value <= 9)) return NaN;
      whole = 10 * whole + value;
      if (fraction >= 0) fraction++;
    }
    this.#at = at + 1;
    const digits = at - from - (fraction >= 0 ? 1 : 0);
    if (digits === 0) return NaN;
    if (digits <= 15) return fraction > 0 ? whole / powersOfTen[fraction] : whole;
    return Number(bytes.toString("latin1", from, at));
  }
}

/** True for a header that `CanonicalReader` can serve. */
export function isCanonicalHeader(header: readonly string[]): boolean {
  return header.join(",").toLowerCase() === "timestamp,open,high,low,close,volume";
}
