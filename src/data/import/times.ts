import { throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { isIntraday, type Timeframe } from "../timeframes.js";
import { BarsFileError, type MissingOption } from "./errors.js";
import {
  filterRows,
  hasTimeOfDay,
  isInstant,
  orderIsGuessed,
  type RawRows,
  type RefusedRow,
} from "./raw-rows.js";
import type { ReadRows } from "./read-rows.js";
import { noOffset, swapDayAndMonth, type DateOrder } from "./stamps.js";
import { WallClock } from "./wall-clock.js";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function timeOfDay(wall: number): number {
  return ((wall % day) + day) % day;
}

function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

function plain(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/**
 * Decides by all dates together whether day or month comes first: a number above 12 is a day. Turns round the dates that
 * were guessed the wrong way. Returns the option to ask for where no date tells.
 *
 * @throws BarsFileError where some dates are day first and others month first
 */
export function settleDateOrder(
  { rows, firstRowOf }: ReadRows,
  stated: DateOrder | null,
  file: string,
): MissingOption | null {
  const { dmy, mdy, ymd } = firstRowOf;
  const found = (["dmy", "mdy", "ymd", "ydm"] as const).filter((order) => firstRowOf[order] !== undefined);
  if (stated !== null) {
    const other = found.find((order) => order !== stated);
    if (found.length === 0 && rows.count > 0) {
      throw new BarsFileError(
        "DATES_CONTRADICT",
        file,
        `has dates that need no --date-format and do not fit it: seconds since 1970 or months by name (row ${rows.row[0]}).`,
      );
    }
    if (other === undefined) return null;
    throw new BarsFileError(
      "DATES_CONTRADICT",
      file,
      `has dates in the order ${other} (row ${firstRowOf[other]}), not ${stated} as --date-format says.`,
    );
  }
  if (dmy !== undefined && mdy !== undefined) {
    throw new BarsFileError(
      "DATES_CONTRADICT",
      file,
      `mixes dates: row ${dmy} has the day first, row ${mdy} the month. Write all dates the same way.`,
    );
  }
  let guessed = 0;
  while (guessed < rows.count && (rows.flags[guessed] & orderIsGuessed) === 0) guessed++;
  if (guessed === rows.count || mdy !== undefined) return null;
  if (dmy === undefined) {
    const example = plain(rows.wall[guessed]).slice(0, 10);
    const swapped = plain(swapDayAndMonth(rows.wall[guessed])).slice(0, 10);
    return {
      flag: "--date-format DD/MM/YYYY or MM/DD/YYYY",
      why: `no date tells whether day or month comes first (row ${rows.row[guessed]} is ${example} or ${swapped})${ymd === undefined ? "" : "; others begin with the year"}`,
    };
  }
  for (let i = 0; i < rows.count; i++) {
    if ((rows.flags[i] & orderIsGuessed) !== 0) rows.wall[i] = swapDayAndMonth(rows.wall[i]);
  }
  return null;
}

/** What must be known before rows can be placed in time, or null; and what was done. */
export interface PlacedTimes {
  readonly missing: MissingOption | null;
  readonly notices: readonly string[];
}

interface Context {
  readonly rows: RawRows;
  readonly refused: RefusedRow[];
  readonly zone: WallClock | null;
  /** Where the file says that its times are UTC, or null. */
  readonly utcStatement: string | null;
  readonly file: string;
  readonly token: CancellationToken;
}

/** Writes `rows.time`; rows whose time cannot be told are refused and leave `rows`. */
export function placeTimes(context: Context, timeframe: Timeframe): PlacedTimes {
  return isIntraday(timeframe) ? placeInstants(context) : placeDates(context, timeframe);
}

function refuseRows(rows: RawRows, refused: RefusedRow[], reasons: ReadonlyMap<number, string>): void {
  if (reasons.size === 0) return;
  for (const [i, reason] of reasons) refused.push({ row: rows.row[i], reason });
  filterRows(rows, (i) => !reasons.has(i));
}

function isUtc(zone: string): boolean {
  return /^(Etc\/)?(UTC|GMT|UCT|Zulu|Universal)$/i.test(zone);
}

function placeInstants({ rows, refused, zone, utcStatement, file, token }: Context): PlacedTimes {
  const { count, wall, offset, flags, time } = rows;
  const reasons = new Map<number, string>();
  const local: number[] = [];
  let withOffset = 0;
  for (let i = 0; i < count; i++) {
    if (offset[i] !== noOffset) {
      time[i] = wall[i] - offset[i] * minute;
      withOffset++;
    } else if ((flags[i] & hasTimeOfDay) === 0)
      reasons.set(i, `${plain(wall[i]).slice(0, 10)} has no time of day`);
    else local.push(i);
  }
  const notices: string[] = [];
  if (local.length > 0 && withOffset > 0) {
    const few = local.length <= withOffset ? local : [];
    if (few.length === 0) {
      for (let i = 0; i < count; i++) {
        if (offset[i] !== noOffset) reasons.set(i, "the time has an offset from UTC; most others have none");
      }
    }
    for (const i of few) reasons.set(i, `${plain(wall[i])} has no offset from UTC; other times have one`);
    if (few.length > 0) local.length = 0;
  }
  if (local.length > 0 && zone === null && utcStatement === null) {
    return {
      missing: {
        flag: "--timezone Area/City",
        why: `times have no offset from UTC (row ${rows.row[local[0]]}: ${plain(wall[local[0]])}); name the zone of their clock, such as America/New_York or UTC`,
      },
      notices,
    };
  }
  if (local.length > 0 && zone !== null && utcStatement !== null && !isUtc(zone.zone)) {
    throw new BarsFileError(
      "DATES_CONTRADICT",
      file,
      `says that its times are UTC ("${utcStatement}"), and --timezone says ${zone.zone}. Leave the flag out; or, if the file is wrong there, take the words out.`,
    );
  }
  if (local.length === 0 || zone === null) {
    for (const i of local) time[i] = wall[i];
    if (local.length > 0) notices.push("Times are UTC, as the file says.");
    if (zone !== null)
      notices.push(`--timezone ${zone.zone} is not used: the times tell their own offset from UTC.`);
  } else {
    fromClock(rows, local, zone, reasons, token);
  }
  refuseRows(rows, refused, reasons);
  return { missing: null, notices };
}

/**
 * Wall times of a zone as instants. A time that the clocks skip is refused. Times that they show twice (autumn) are told apart
 * where the file has the hour twice, one pass after the other; a single pass is refused, since it may be either.
 */
function fromClock(
  { wall, time }: RawRows,
  local: readonly number[],
  zone: WallClock,
  reasons: Map<number, string>,
  token: CancellationToken,
): void {
  let rises = 0;
  for (let k = 1; k < local.length; k++) rises += Math.sign(wall[local[k]] - wall[local[k - 1]]);
  const forward = rises >= 0;
  let twice: number[] = [];
  const settle = (): void => {
    if (twice.length === 0) return;
    const drops = twice.flatMap((i, k) => (k > 0 && wall[i] <= wall[twice[k - 1]] ? [k] : []));
    for (const [k, i] of twice.entries()) {
      const { first, second } = zone.instants(wall[i]);
      if (drops.length === 1) time[i] = k < drops[0] ? first : second;
      else
        reasons.set(
          i,
          `${plain(wall[i])} occurs twice in ${zone.zone} (clocks go back), and the rows do not tell which is meant`,
        );
    }
    twice = [];
  };
  for (let k = 0; k < local.length; k++) {
    if (k % 16_384 === 0) throwIfCancelled(token); // a look-up in the zone's tables costs some 100 ns
    const i = local[forward ? k : local.length - 1 - k];
    const { first, second } = zone.instants(wall[i]);
    if (first !== second && !Number.isNaN(first)) {
      if (twice.length > 0 && Math.abs(wall[i] - wall[twice[0]]) > 6 * hour) settle();
      twice.push(i);
      continue;
    }
    settle();
    if (Number.isNaN(first))
      reasons.set(i, `${plain(wall[i])} does not exist in ${zone.zone} (clocks go forward)`);
    else time[i] = first;
  }
  settle();
}

/**
 * Daily and coarser bars are dates: the one written, whatever its offset. A time of day is accepted where all rows have the
 * same one; the few that differ are refused (an intraday quote on top of a daily file). Instants (unix times, `Z`) that are not
 * midnight become dates in `--timezone`; without it those before noon UTC keep their date, which holds for midnights from
 * Greenwich westwards and for openings east of it, and later ones need the zone.
 */
function placeDates({ rows, refused, zone, file }: Context, timeframe: Timeframe): PlacedTimes {
  const { count, wall, offset, flags, time } = rows;
  const reasons = new Map<number, string>();
  const counts = new Map<number, number>();
  for (let i = 0; i < count; i++) counts.set(timeOfDay(wall[i]), (counts.get(timeOfDay(wall[i])) ?? 0) + 1);
  let usual = 0;
  for (const [ms, times] of counts) if (times > (counts.get(usual) ?? 0)) usual = ms;
  const atMidnight = usual === 0;
  let uncertain = -1;
  for (let i = 0; i < count; i++) {
    const utc = offset[i] === 0 || (flags[i] & isInstant) !== 0;
    const ms = timeOfDay(wall[i]);
    // Midnight of a zone, written as UTC, moves by an hour between winter and summer.
    const expected = ms === usual || (utc && !atMidnight && Math.abs(ms - usual) <= hour);
    if (!expected) {
      reasons.set(
        i,
        `time of day ${clockText(ms)} in a file of ${timeframe} bars, whose other rows have ${clockText(usual)}`,
      );
      continue;
    }
    let date = wall[i] - ms;
    if (utc && !atMidnight) {
      if (zone !== null) date = zone.dateAt(wall[i]);
      else if (ms >= 12 * hour && uncertain < 0) uncertain = i;
    }
    time[i] = date;
  }
  if (reasons.size > 1 && reasons.size > 0.1 * count) {
    throw new BarsFileError(
      "TIMEFRAME_MISMATCH",
      file,
      `does not hold ${timeframe} bars: its rows have ${counts.size} different times of day (row ${rows.row[0]}: ${plain(wall[0])}). Name the timeframe that they have.`,
    );
  }
  const notices = zone === null ? [] : [`Days are recorded as days of ${zone.zone}.`];
  if (uncertain < 0) {
    refuseRows(rows, refused, reasons);
    return { missing: null, notices };
  }
  return {
    missing: {
      flag: "--timezone Area/City",
      why: `days are written as instants at ${clockText(timeOfDay(wall[uncertain]))} UTC (row ${rows.row[uncertain]}: ${plain(wall[uncertain])}); name the market's zone to know their date`,
    },
    notices,
  };
}
