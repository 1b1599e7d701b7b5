import { BarsFileError } from "./errors.js";
import type { OrderedColumns } from "./raw-rows.js";
import type { ReadRows } from "./read-rows.js";

const wayOut = "Add a header line that names the columns (timestamp,open,high,low,close,volume).";

/**
 * Holds the rows of a file without a header against the order open, high, low, close: the second price must be the highest and the
 * third the lowest. A few rows that break that are wrong rows; many are another order of columns.
 *
 * @throws BarsFileError
 */
export function checkHeaderlessLaw({ refused, rowsRead }: ReadRows, file: string): void {
  const broken = refused.filter(({ reason }) => / is (below|outside) low /.test(reason));
  if (broken.length <= 0.2 * rowsRead) return;
  throw new BarsFileError(
    "NOT_A_BARS_FILE",
    file,
    `has no header, and its numbers are not open, high, low, close in this order (row ${broken[0].row}: ${broken[0].reason}). ${wayOut}`,
  );
}

/**
 * Tells open from close, which high and low do not: markets open near the last close. Where the fourth price of a bar lies nearer to
 * the first of the bar before than the other way round, the two stand exchanged.
 *
 * @throws BarsFileError
 */
export function checkHeaderlessOrder({ open, close, row }: OrderedColumns, file: string): void {
  const n = open.length;
  if (n < 10) return;
  let usual = 0;
  let exchanged = 0;
  for (let t = 1; t < n; t++) {
    // Relative, and each step counted no higher than 10 %, so that one split does not decide.
    usual += Math.min(0.1, Math.abs(open[t] - close[t - 1]) / close[t - 1]);
    exchanged += Math.min(0.1, Math.abs(close[t] - open[t - 1]) / open[t - 1]);
  }
  if (exchanged >= 0.5 * usual) return;
  throw new BarsFileError(
    "NOT_A_BARS_FILE",
    file,
    `has no header, and its first price looks like the close and its fourth like the open (from row ${row[0]} on, each bar's fourth price lies nearer to the first of the bar before). ${wayOut}`,
  );
}
