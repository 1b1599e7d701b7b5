import {
  createRandom,
  log,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
} from "../core/index.js";
import type { Bars } from "../data/index.js";
import { fillCosts } from "./costs.js";
import type { BacktestMetrics } from "./metrics.js";
import type { BacktestSettings } from "./settings.js";
import { simulate, type Simulation } from "./simulate.js";

/** What trades of the same sides and holding times come to when they are entered at random. */
export interface RandomEntries {
  /** How many random runs were made. */
  readonly runs: number;
  readonly mean_return_pct: number;
  /** The middle 95 % of the runs. */
  readonly interval: readonly [number, number];
  /** Share of the runs that did at least as well as the back-test. */
  readonly share_at_least_as_good: number;
}

/** What doing nothing clever comes to, under the same rules and costs. */
export interface Baselines {
  /** Bought at the first fill there is, held to the end. */
  readonly buy_and_hold: BacktestMetrics;
  /** Always the same answer: the commonest one. */
  readonly majority_class: BacktestMetrics & { readonly class: "BUY" | "HOLD" | "SELL" };
  /** Null without trades. */
  readonly random_entries: RandomEntries | null;
}

/**
 * Buy and hold: a long position from the first fill that there is to the end, without stop or target.
 *
 * @throws CancelledError
 */
export function buyAndHold(
  bars: Bars,
  settings: BacktestSettings,
  token: CancellationToken = neverCancelled,
): Simulation {
  const signals = new Int8Array(bars.close.length);
  signals[0] = 1;
  return simulate(bars, signals, { ...settings, stopLoss: null, takeProfit: null, minSeparation: 0 }, token);
}

/** The back-test of a model that gives the same answer at every bar, under the same rules. @throws CancelledError */
export function alwaysTheSame(
  answer: 1 | 0 | -1,
  bars: Bars,
  settings: BacktestSettings,
  token: CancellationToken = neverCancelled,
): Simulation {
  return simulate(bars, new Int8Array(bars.close.length).fill(answer), settings, token);
}

/** With more trades than this their pattern is only shifted: drawing the pauses anew would cost more than the back-test. */
const mostDrawn = 500;
/** Trades placed in all runs together; the number of runs follows, between 40 and 1000. A placement takes some 100 ns. */
const placements = 100_000;

/**
 * Trades of the same sides, in the same order, held as many bars, sized and charged by the same rules, but entered at random
 * and never two at a time. The pauses between them are drawn anew (uniform over all ways to divide the bars that are left);
 * with more than 500 trades the whole pattern is shifted by a random number of bars instead. Stops and targets are not
 * looked for: how long a trade is held is given.
 *
 * @returns null without trades
 * @throws CancelledError
 */
export function randomEntries(
  { open, close }: Pick<Bars, "open" | "close">,
  { trades, equity }: Simulation,
  settings: BacktestSettings,
  seed: number,
  token: CancellationToken = neverCancelled,
): RandomEntries | null {
  const { count, side, entry } = trades;
  const n = close.length;
  if (count === 0) return null;
  const { capital, fill } = settings;
  const { buying, selling, units } = fillCosts(settings);
  const atClose = fill === "close";
  const price = atClose ? close : open;
  // Entries lie on bars [first, first + room); a trade may end at the last bar's close.
  const first = atClose ? 0 : 1;
  const room = n - 1;
  const held = trades.held.map((bars) => Math.max(1, bars));
  const free = room - held.reduce((sum, bars) => sum + bars, 0);
  const runs = Math.max(40, Math.min(1000, Math.floor(placements / count)));
  const random = createRandom(seed, "random entries");
  const returns = new Float64Array(runs);
  const pauses = new Float64Array(count + 1);
  const bars = new Uint32Array(count);

  const drawBars = (): void => {
    if (count > mostDrawn || free < 0) {
      const shift = random.integer(0, room - 1);
      let from = 0;
      // The order in time stays: trades that were shifted beyond the end come first.
      for (let i = 0; i < count; i++) {
        bars[i] = entry[i] + shift - first < room ? entry[i] + shift : entry[i] + shift - room;
        if (i > 0 && bars[i] < bars[i - 1]) from = i;
      }
      order = from;
      return;
    }
    let total = 0;
    for (let i = 0; i <= count; i++) total += pauses[i] = -log(1 - random.uniform());
    let passed = 0;
    let used = 0;
    for (let i = 0; i < count; i++) {
      passed += pauses[i];
      bars[i] = first + used + Math.min(free, Math.floor((passed / total) * (free + 1)));
      used += held[i];
    }
  };
  let order = 0;

  for (let r = 0; r < runs; r++) {
    if (r % Math.max(1, Math.floor(10_000 / count)) === 0) throwIfCancelled(token);
    drawBars();
    let money = capital;
    for (let k = 0, i = order; k < count; k++, i = i + 1 === count ? 0 : i + 1) {
      const from = bars[i];
      const to = from + held[i];
      const bought = price[from];
      const sold = to < n ? price[to] : close[n - 1];
      const up = side[i] > 0;
      const quantity = units(side[i], money, bought);
      const costs = up ? bought * buying + sold * selling : bought * selling + sold * buying;
      money += quantity * ((up ? sold - bought : bought - sold) - costs);
      if (money < 0) money = 0;
    }
    returns[r] = 100 * (money / capital - 1);
  }
  const total = 100 * (equity[n - 1] / capital - 1);
  const mean = returns.reduce((sum, value) => sum + value, 0) / runs;
  const asGood = returns.reduce((sum, value) => sum + (value >= total ? 1 : 0), 0);
  returns.sort();
  return {
    runs,
    mean_return_pct: mean,
    interval: [returns[Math.floor(0.025 * runs)], returns[Math.ceil(0.975 * runs) - 1]],
    share_at_least_as_good: asGood / runs,
  };
}
