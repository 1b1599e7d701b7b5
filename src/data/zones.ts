import { KnownError } from "../core/index.js";

/** A time zone that this machine's tables do not have. */
export class UnknownTimezoneError extends KnownError {
  readonly code = "UNKNOWN_TIMEZONE";
  readonly timezone: string;

  constructor(timezone: string) {
    super(`"${timezone}" is no known time zone. Use an Area/City name such as America/New_York, or UTC.`);
    this.timezone = timezone;
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    try {
      formatter = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        era: "short",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    } catch {
      throw new UnknownTimezoneError(zone);
    }
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** Offset of the zone from UTC at an instant, in ms (negative west of Greenwich). @throws UnknownTimezoneError */
export function zoneOffsetMs(instant: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(instant)) parts[type] = Number(value);
  const wall = Date.UTC(
    parts["year"],
    parts["month"] - 1,
    parts["day"],
    parts["hour"],
    parts["minute"],
    parts["second"],
  );
  return wall - Math.floor(instant / 1000) * 1000;
}

/**
 * The instant at which a clock in `zone` shows the given wall time (epoch ms as if it were UTC).
 *
 * A wall time that the zone skips (spring) becomes the instant after the jump; one that occurs twice (autumn) becomes
 * the first. @throws UnknownTimezoneError
 */
export function fromWallTime(wall: number, zone: string): number {
  const day = 86_400_000;
  const before = wall - zoneOffsetMs(wall - day, zone);
  const after = wall - zoneOffsetMs(wall + day, zone);
  if (before + zoneOffsetMs(before, zone) === wall) return before;
  if (after + zoneOffsetMs(after, zone) === wall) return after;
  return before;
}

/** The end of the calendar day `date` (00:00Z of the date) in the zone, as an instant. */
export function endOfLocalDay(date: number, zone: string): number {
  return fromWallTime(date + 86_400_000, zone);
}
