import { neverCancelled, rowsPerCheck, throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Bars } from "../data/index.js";
import { sortedUnion } from "../dataset/index.js";
import type { BacktestMetrics } from "./metrics.js";
import type { BacktestSettings } from "./settings.js";
import type { Simulation } from "./simulate.js";
import { blockBootstrap, deflatedSharpe, evidence, fewestBlocks, momentsOf } from "./statistics/index.js";

/** What a back-test says about skill, for people and programs. */
export interface BacktestVerdict {
  /** True only where `statement` claims skill. */
  readonly significant: boolean;
  readonly statement: string;
  /** Which data it was measured on. */
  readonly measured_on: string;
  /**
   * 95 % interval of the return a year beyond that of holding the same average position all the time, as a share
   * (0.1 is 10 %); null where it cannot be told.
   */
  readonly interval: readonly [number, number] | null;
  /** Probability that this return, per unit of risk, is above that of the best of `trials` worthless runs; 0..1. */
  readonly deflated_sharpe: number | null;
  /** Runs on the same data, this one included. */
  readonly trials: number;
  /** One-sided, before `trials`: how often chance alone gives as much; null where there are too few trades or bars to tell. */
  readonly p_value: number | null;
}

/** What the verdict has to know beside the simulation. */
export interface VerdictFacts {
  readonly barsPerYear: number;
  readonly trials: number;
  /** Bars from the time that the model was trained or selected on; null where that is not known (signals from a file). */
  readonly seen: number | null;
  /** Such as `251 bars of AAPL 1d from 2024-01-02 to 2024-12-31`. */
  readonly measuredOn: string;
  readonly seed: number;
}

/** Fewer trades cannot show skill, whatever they earned. */
const fewestTrades = 20;
/** Returns are summed over neighbouring bars into at most this many observations; a mean does not change by that. */
const mostObservations = 2000;

/**
 * Does the timing of the trades earn anything? The returns, after costs, are compared with those of holding the same average
 * position all the time without costs: buy and hold, scaled to what the strategy holds. A strategy that is always invested is
 * compared with buy and hold itself, one whose long and short positions cancel out with zero; an average position that
 * merely rises with the market shows nothing.
 *
 * @throws CancelledError
 */
export function judgeBacktest(
  simulation: Simulation,
  { close }: Pick<Bars, "close">,
  metrics: Pick<BacktestMetrics, "trades" | "average_bars_held">,
  settings: BacktestSettings,
  facts: VerdictFacts,
  token: CancellationToken = neverCancelled,
): BacktestVerdict {
  const timing = timingReturns(simulation, close, mostObservations, token);
  return judgeTiming(timing, simulation.open !== null, metrics, settings, facts, token);
}

/** One of several accounts that were traded side by side with equal shares of the money. */
export interface AccountPart {
  readonly bars: Pick<Bars, "time" | "close">;
  readonly simulation: Simulation;
}

/**
 * The same for several accounts together: what counts at each time is the mean of their returns beyond those of their average
 * positions; an account without a bar at a time earns nothing then.
 *
 * @param metrics trades of all accounts, and their mean length
 * @throws CancelledError
 */
export function judgeAccounts(
  accounts: readonly AccountPart[],
  metrics: Pick<BacktestMetrics, "trades" | "average_bars_held">,
  settings: BacktestSettings,
  facts: VerdictFacts,
  token: CancellationToken = neverCancelled,
): BacktestVerdict {
  const open = accounts.some(({ simulation }) => simulation.open !== null);
  const { excess: mean, exposure } = accountsTiming(accounts, token);
  const grouped = Math.max(1, Math.ceil(mean.length / mostObservations));
  const excess = new Float64Array(Math.floor(mean.length / grouped));
  for (let t = 0; t < excess.length * grouped; t++) excess[Math.floor(t / grouped)] += mean[t];
  return judgeTiming({ excess, exposure, grouped }, open, metrics, settings, facts, token);
}

/**
 * Returns of several accounts together at each time but the first, beyond those of their average positions, as shares of the money; and that
 * position as a share of it.
 *
 * @throws CancelledError
 */
export function accountsTiming(
  accounts: readonly AccountPart[],
  token: CancellationToken = neverCancelled,
): { readonly excess: Float64Array; readonly exposure: number } {
  const each = accounts.map(({ simulation, bars }) => timingReturns(simulation, bars.close, Infinity, token));
  const union = sortedUnion(
    accounts.map(({ bars }) => bars.time),
    token,
  );
  const mean = new Float64Array(Math.max(0, union.length - 1));
  accounts.forEach(({ bars }, a) => {
    const { excess } = each[a];
    let at = 0;
    for (let t = 1; t <= excess.length; t++) {
      if (t % rowsPerCheck === 0) throwIfCancelled(token);
      while (union[at] < bars.time[t]) at++;
      mean[at - 1] += excess[t - 1] / accounts.length;
    }
  });
  const exposure = each.reduce((sum, one) => sum + one.exposure / each.length, 0);
  return { excess: mean, exposure };
}

/** Returns beyond those of the average position, each summed over `grouped` bars, and that position as a share of the equity. */
interface TimingReturns {
  readonly excess: Float64Array;
  readonly exposure: number;
  readonly grouped: number;
}

function judgeTiming(
  { excess, exposure, grouped }: TimingReturns,
  open: boolean,
  metrics: Pick<BacktestMetrics, "trades" | "average_bars_held">,
  settings: BacktestSettings,
  { measuredOn, trials, seen, barsPerYear, seed }: VerdictFacts,
  token: CancellationToken,
): BacktestVerdict {
  const nothing = { significant: false, measured_on: measuredOn, interval: null, deflated_sharpe: null };
  if (metrics.trades === 0 && !open) {
    const statement = `On ${measuredOn} nothing was traded: no evidence of skill.`;
    return { ...nothing, statement, trials, p_value: null };
  }
  const n = excess.length;
  const held = Math.ceil((2 * (metrics.average_bars_held ?? n * grouped)) / grouped);
  const wanted = Math.max(Math.ceil(Math.cbrt(n)), held);
  const most = Math.floor(n / fewestBlocks);
  if (most < 1) {
    const statement = `On ${measuredOn} there are too few bars to tell skill from chance: no evidence of skill.`;
    return { ...nothing, statement, trials, p_value: null };
  }
  const bootstrap = blockBootstrap(excess, Math.min(wanted, most), seed, token);
  const yearly = barsPerYear / grouped;
  const [low, high] = [bootstrap.low * yearly, bootstrap.high * yearly];
  const deflated = deflatedSharpe(momentsOf(excess), trials);
  const measured = { measured_on: measuredOn, interval: [low, high] as const, deflated_sharpe: deflated };

  const unseen = seen === 0 ? ", which the model had not seen," : "";
  const difference = bootstrap.mean * yearly;
  const range =
    `On ${measuredOn}${unseen} and after costs of ${costText(settings)}, the trades earned ${pointsText(difference)} a year ` +
    `${difference < 0 ? "less" : "more"} than holding the same average position (${percent(exposure)} of the equity) all the time; ` +
    `the 95 % interval is ${signed(low)} to ${signed(high)}`;
  // Of a single position that is held all the time nothing is left but its entry.
  const tooFew = metrics.trades < fewestTrades || wanted > most;
  const finish = (significant: boolean, rest: string): BacktestVerdict => ({
    significant,
    statement: `${range}${rest}`,
    ...measured,
    trials,
    p_value: tooFew ? null : bootstrap.p,
  });
  if (seen !== null && seen > 0) {
    return finish(
      false,
      `. But ${seen} of these bars lie in the time the model was trained or selected on: that shows memory, and is no evidence of skill.`,
    );
  }
  if (high < 0) return finish(false, ": the timing did harm, and there is no evidence of skill.");
  if (low <= 0) return finish(false, ", so it may be chance: no evidence of skill.");
  if (tooFew) {
    const what = `${metrics.trades} ${metrics.trades === 1 ? "trade" : "trades"}`;
    return finish(
      false,
      `. But ${what} of this length are too few to tell skill from luck: no evidence of skill.`,
    );
  }
  const runs = `${trials} ${trials === 1 ? "run" : "runs"} on these data`;
  const shown = deflated === null ? "not defined" : deflated.toFixed(3);
  if (deflated === null || deflated < evidence) {
    return finish(
      false,
      `. But after ${runs} the best of so many worthless ones could look as good (deflated Sharpe ${shown}): no evidence of skill.`,
    );
  }
  const condition =
    seen === null ? ", provided that the signals were made without looking at these bars" : "";
  return finish(
    true,
    `. That is more than chance explains, also for the best of ${runs} (deflated Sharpe ${shown}): evidence of skill${condition}.`,
  );
}

/**
 * Returns per bar less those of the same average position held all the time, summed over `grouped` neighbouring bars, and
 * that average position as a share of the equity.
 */
function timingReturns(
  { equity, holdings }: Simulation,
  close: Float64Array,
  most: number,
  token: CancellationToken,
): TimingReturns {
  const returns = Math.max(0, close.length - 1);
  const grouped = Math.max(1, Math.ceil(returns / most));
  const own = new Float64Array(Math.floor(returns / grouped));
  const market = new Float64Array(own.length);
  const used = own.length * grouped;
  const { from, units } = holdings;
  let exposure = 0;
  let [next, held] = [0, 0]; // the holding that begins next, and the units held at bar t - 1
  for (let group = 0, t = 1; group < own.length; group++) {
    if (group % 16 === 0) throwIfCancelled(token); // 16 groups of 10⁶ bars are 8,000 bars
    let [ownSum, marketSum] = [0, 0];
    for (const end = t + grouped; t < end; t++) {
      if (from[next] === t - 1) held = units[next++];
      const before = close[t - 1];
      marketSum += (close[t] - before) / before;
      const money = equity[t - 1];
      const change = equity[t] - money;
      if ((held === 0 && change === 0) || money <= 0) continue;
      const share = 1 / money;
      exposure += held * before * share;
      ownSum += change * share;
    }
    own[group] = ownSum;
    market[group] = marketSum;
  }
  exposure /= Math.max(1, used);
  return { excess: own.map((value, group) => value - exposure * market[group]), exposure, grouped };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const signed = (share: number): string => `${share >= 0 ? "+" : ""}${percent(share)}`;
const pointsText = (share: number): string => percent(Math.abs(share));

function costText({ commission, slippage }: BacktestSettings): string {
  if (commission === 0 && slippage === 0) return "nothing (no commission or slippage was set)";
  const shown = (share: number): string => `${Number((100 * share).toPrecision(4))} %`;
  return `${shown(commission)} commission and ${shown(slippage)} slippage a side`;
}
