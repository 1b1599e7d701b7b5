import { inBlocks, log, type CancellationToken } from "../../core/index.js";
import type { OrderedColumns } from "./raw-rows.js";

/** Price ratios of the usual splits, new shares per old one, and names. */
const usualSplits: readonly (readonly [ratio: number, name: string])[] = [
  ...[2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100].flatMap((k) => [
    [k, `${k}:1`] as const,
    [1 / k, `1:${k}`] as const,
  ]),
  [3 / 2, "3:2"],
  [2 / 3, "2:3"],
];

/** |log| by which the first open may miss the ratio; prices also move on that day. */
const near = 0.05;
/** |log| by which open or close may miss a ratio that the file itself names. */
const nearStated = 0.1;

/** Splits that are still visible in the prices, and bars that a split was applied to by mistake. */
export interface FoundSplits {
  /** One sentence each. */
  readonly notices: readonly string[];
  /** Bars whose prices contradict the file's own split column. */
  readonly wrong: readonly { readonly index: number; readonly reason: string }[];
}

function ratioText(ratio: number): string {
  return String(Number(ratio.toPrecision(3)));
}

/**
 * Looks for steps in price that a split leaves in unadjusted bars. The last close over the next open lies within 5 % of a usual
 * split ratio, and the price stays on its new level; or the file has a split column, and open or close steps by that ratio. A real
 * crash by the same ratio looks alike, so nothing is changed. Prices that go back to the old level in the next bar are no split: where
 * the file states a split for that very bar, it was applied to this bar only, and the bar is wrong.
 */
export function findSplits(prices: OrderedColumns, token: CancellationToken): FoundSplits {
  const { time, open, close, splits, row } = prices;
  const notices: string[] = [];
  const wrong: { index: number; reason: string }[] = [];
  const look = (t: number): void => {
    const stated = splits === null || splits[t] === 1 ? 0 : splits[t];
    const gap = close[t - 1] / open[t];
    // Nearly all bars end here: no usual ratio lies between 2/3 and 3/2.
    if (stated === 0 && gap < 1.42 && gap > 0.7) return;
    const step = close[t - 1] / close[t];
    const back = t + 1 < time.length ? close[t] / close[t + 1] : 1;
    const returns = Math.abs(log(step)) > 0.3 && Math.abs(log(step * back)) < 0.5 * Math.abs(log(step));
    const where = `row ${row[t]}, ${new Date(time[t]).toISOString().slice(0, 10)}`;
    if (stated > 0) {
      const fits = [gap, step].some((ratio) =>
        [ratio, 1 / ratio].some((r) => Math.abs(log(r / stated)) < nearStated),
      );
      if (!fits) return;
      if (returns) {
        const reason = `the file states a split of ${ratioText(stated)} here, and prices are ${ratioText(1 / step)} of those before and after: it was applied to this row only`;
        wrong.push({ index: t, reason });
      } else {
        notices.push(
          `Unadjusted split: the file states ${ratioText(stated)} at ${where}, and prices go from ${close[t - 1]} to ${close[t]} there.`,
        );
      }
      return;
    }
    const split = usualSplits.find(([ratio]) => Math.abs(log(gap / ratio)) < near);
    const stays = Math.abs(log(open[t] / close[t])) < 0.2 && !returns;
    if (split === undefined || !stays) return;
    notices.push(
      `Unadjusted split? Prices go from ${close[t - 1]} to ${open[t]} at ${where}, as after a ${split[1]} split. Indicators and labels will see a ${split[0] > 1 ? "crash" : "jump"} there; import adjusted prices if it was a split.`,
    );
  };
  inBlocks(time.length, token, (from, to) => {
    for (let t = Math.max(1, from); t < to; t++) look(t);
  });
  return { notices, wrong };
}

/** Spikes that are listed one by one; more are counted. */
const shownSpikes = 10;
/** A price this many times off both its neighbours is remarkable in any market. */
const spikeFactor = 4;

/**
 * Bars that are possible and hardly true: a low (high) at a quarter (four times) of the prices around it, or a whole bar that far off
 * both its neighbours. They may be real (a flash crash), so they are reported and kept as they are.
 */
export function findSpikes(
  { open, high, low, close, row }: OrderedColumns,
  token: CancellationToken,
): string[] {
  const found: string[] = [];
  let more = 0;
  const n = close.length;
  const look = (t: number): void => {
    const before = t > 0 ? close[t - 1] : open[t];
    const after = t + 1 < n ? open[t + 1] : close[t];
    const bottom = Math.min(before, after);
    const top = Math.max(before, after);
    let what: string | null = null;
    if (spikeFactor * low[t] < bottom) {
      const whole = spikeFactor * high[t] < bottom;
      what = `${whole ? `the whole bar (close ${close[t]})` : `low ${low[t]}`} is ${ratioText((whole ? close[t] : low[t]) / bottom)} of the prices before and after`;
    } else if (high[t] > spikeFactor * top) {
      const whole = low[t] > spikeFactor * top;
      what = `${whole ? `the whole bar (close ${close[t]})` : `high ${high[t]}`} is ${ratioText((whole ? close[t] : high[t]) / top)} times the prices before and after`;
    }
    if (what === null) return;
    if (found.length < shownSpikes) found.push(`Row ${row[t]}: ${what}; kept as written, but look at it.`);
    else more++;
  };
  inBlocks(n, token, (from, to) => {
    for (let t = from; t < to; t++) look(t);
  });
  return more === 0 ? found : [...found, `${more} more rows like these.`];
}
