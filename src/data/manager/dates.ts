import { UsageError } from "../../core/index.js";

/** A date range as instants, epoch ms UTC; `to` is exclusive; infinite where no date was given. */
export interface DateRange {
  readonly from: number;
  readonly to: number;
}

const dayMs = 86_400_000;

/** The first instant of what was written, and the first one after it: a date covers its whole day. */
function parseInstant(text: string, name: string): DateRange {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      text.trim(),
    );
  const wrong = (why: string): UsageError =>
    new UsageError(
      `${name} "${text}" ${why}. Write a date such as 2024-01-31 or an instant such as 2024-01-31T15:30:00Z (UTC).`,
    );
  if (match === null) throw wrong("is no date");
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const midnight = Date.UTC(year, month - 1, day);
  const date = new Date(midnight);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw wrong("is no day of the calendar");
  if (match[4] === undefined) return { from: midnight, to: midnight + dayMs };
  if (hour > 23 || minute > 59 || second > 59) throw wrong("is no time of day");
  const zone = match[8]?.toUpperCase() ?? "Z";
  const sign = zone.startsWith("-") ? -1 : 1;
  const digits = zone.replace(/\D/g, "");
  const offset = zone === "Z" ? 0 : sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)));
  const millis = Number((match[7] ?? "0").padEnd(3, "0"));
  const from = midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millis;
  return { from, to: from + 1 };
}

/**
 * Start and end date, both inclusive, as instants. A date (`2024-12-31`) covers its whole day, UTC; an instant
 * (`2024-12-31T15:30:00Z`, any offset; without one it is UTC) only itself. Missing dates leave that side open.
 *
 * @throws UsageError for what is no date, and where the end lies before the start
 */
export function parseDateRange(startDate?: string | null, endDate?: string | null): DateRange {
  const from = startDate ? parseInstant(startDate, "Start date").from : -Infinity;
  const to = endDate ? parseInstant(endDate, "End date").to : Infinity;
  if (to <= from)
    throw new UsageError(`End date "${endDate}" lies before start date "${startDate}". Exchange them.`);
  return { from, to };
}
