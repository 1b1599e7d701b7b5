import { zoneOffsetMs } from "../zones.js";

const weekMs = 7 * 86_400_000;

/**
 * Offset of a zone from UTC over a stretch of time, as steps: asking the time zone tables for each of a million bars
 * would take seconds (some 5 us a call), and the offset changes twice a year.
 */
export interface ZoneSteps {
  /** Offset in ms at an instant of the stretch. Fast where instants come in ascending order. */
  offsetAt(instant: number): number;
}

/** The instant in (from, to] at which the offset differs from that at `from`, to the millisecond. */
function changeBetween(from: number, to: number, zone: string): number {
  const before = zoneOffsetMs(from, zone);
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if (zoneOffsetMs(middle, zone) === before) from = middle;
    else to = middle;
  }
  return to;
}

/**
 * Offsets of `zone` over [from, to], epoch ms. Looks at one instant a week: no zone has changed its offset and changed
 * it back within a week since 1970. @throws UnknownTimezoneError
 */
export function zoneSteps(from: number, to: number, zone: string): ZoneSteps {
  const starts = [-Infinity];
  const offsets = [zoneOffsetMs(from, zone)];
  for (let at = from; at < to; at += weekMs) {
    const next = Math.min(to, at + weekMs);
    const offset = zoneOffsetMs(next, zone);
    if (offset === offsets[offsets.length - 1]) continue;
    starts.push(changeBetween(at, next, zone));
    offsets.push(offset);
  }
  let k = 0;
  return {
    offsetAt(instant) {
      while (k > 0 && instant < starts[k]) k--;
      while (k + 1 < starts.length && instant >= starts[k + 1]) k++;
      return offsets[k];
    },
  };
}
