import { inBlocks, type CancellationToken } from "../../core/index.js";
import { timeframeMs, timeframes, type Timeframe } from "../timeframes.js";
import { BarsFileError } from "./errors.js";
import type { RawRows } from "./raw-rows.js";
import { noOffset } from "./stamps.js";

/** Rows that are looked at to infer a timeframe. */
const rowsToInfer = 10_000;

/**
 * The timeframe that distances between rows fit: the longest one within the lower quartile of the distances, since gaps only make
 * them longer. Rows with one common time of day are days or weeks; a single row is a day, or a minute if it has a time.
 */
export function inferTimeframe({ count, wall, offset }: RawRows): Timeframe {
  const n = Math.min(count, rowsToInfer);
  const day = timeframeMs["1d"];
  const time = Float64Array.from({ length: n }, (_, i) =>
    offset[i] === noOffset ? wall[i] : wall[i] - offset[i] * 60_000,
  ).sort();
  const steps = time.slice(1).map((when, t) => when - time[t]);
  const positive = steps.filter((step) => step > 0).sort();
  const step = positive[positive.length >>> 2];
  const isDaily = wall.subarray(0, n).every((when) => (when - wall[0]) % day === 0);
  if (step === undefined) return n > 0 && wall[0] % day !== 0 ? "1m" : "1d";
  if (isDaily || step >= day) return step >= timeframeMs["1w"] ? "1w" : "1d";
  return timeframes.findLast((name) => timeframeMs[name] <= step) ?? "1m";
}

/** `90 min`, `4 h`, `7 d`. */
function lengthText(ms: number): string {
  const known = timeframes.find((name) => timeframeMs[name] === ms);
  if (known !== undefined) return known;
  const minutes = ms / 60_000;
  if (minutes < 60) return `${Number(minutes.toPrecision(3))} min`;
  return minutes < 1440
    ? `${Number((minutes / 60).toPrecision(3))} h`
    : `${Number((minutes / 1440).toPrecision(3))} d`;
}

/**
 * Holds the distances between bars against the timeframe they are said to have. The median distance is at least a bar's
 * length (gaps only make it longer), and some two bars follow each other at that length unless the bars are coarser: where the
 * smallest distance is two lengths or more, and there are ten bars or it is just another timeframe, the file is refused.
 *
 * @param time strictly increasing, [n]
 * @param row line of the file of each bar, [n]
 * @returns remarks about bars that begin before the one before them has ended
 * @throws BarsFileError
 */
export function checkSpacing(
  time: Float64Array,
  row: Int32Array,
  timeframe: Timeframe,
  file: string,
  token: CancellationToken,
): string[] {
  const n = time.length;
  if (n < 2) return [];
  const length = timeframeMs[timeframe];
  let least = Infinity;
  let shorter = 0;
  let firstShort = -1;
  inBlocks(n, token, (from, to) => {
    for (let t = Math.max(1, from); t < to; t++) {
      const step = time[t] - time[t - 1];
      if (step < least) least = step;
      if (step < length && shorter++ === 0) firstShort = t;
    }
  });
  const mismatch = (what: string): BarsFileError =>
    new BarsFileError(
      "TIMEFRAME_MISMATCH",
      file,
      `does not hold ${timeframe} bars: ${what}. Name the timeframe that they have (${timeframes.join(", ")}).`,
    );
  if (2 * shorter > n - 1) {
    const steps = time.slice(1).map((when, t) => when - time[t]);
    const median = steps.sort()[steps.length >>> 1];
    throw mismatch(`most rows are ${lengthText(median)} apart`);
  }
  const isOther = timeframes.some((name) => timeframeMs[name] === least);
  if (least >= 2 * length && (n >= 10 || (n >= 3 && isOther))) {
    throw mismatch(`the closest two rows are ${lengthText(least)} apart`);
  }
  if (shorter === 0) return [];
  return [
    `${shorter} bar${shorter === 1 ? "" : "s"} of ${n} begin${shorter === 1 ? "s" : ""} less than ${timeframe} after the one before (first in row ${row[firstShort]}): the bar before was short, or the source stamps its newest bar with the time of the quote.`,
  ];
}
