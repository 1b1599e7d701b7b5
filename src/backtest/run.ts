import { neverCancelled, type CancellationToken } from "../core/index.js";
import { dateText, sliceBars, type Bars } from "../data/index.js";
import { annualisationOf, type Annualisation } from "./annualisation.js";
import { alwaysTheSame, buyAndHold, randomEntries, type Baselines } from "./baselines.js";
import { metricsOf, type BacktestMetrics } from "./metrics.js";
import type { BacktestSettings } from "./settings.js";
import { simulate, type Simulation } from "./simulate.js";
import { judgeBacktest, type BacktestVerdict } from "./verdict.js";

/** Which signals are traded on which bars. */
export interface BacktestRequest {
  readonly bars: Bars;
  /** 1 BUY, 0 HOLD, -1 SELL, decided at each bar's close, [n]. */
  readonly signals: Int8Array;
  readonly settings: BacktestSettings;
  /** Runs on the same data, this one included. */
  readonly trials: number;
  /** Bars from the time that the model was trained or selected on; null where that is not known. */
  readonly seen: number | null;
  /** The answer of the always-majority baseline; the commonest signal where it is not given. */
  readonly majority?: 1 | 0 | -1;
  /** Seed of the random entries and of the bootstrap. */
  readonly seed: number;
}

/** What a back-test came to. */
export interface Backtest {
  readonly simulation: Simulation;
  readonly metrics: BacktestMetrics & { readonly buy_and_hold_return_pct: number };
  readonly annualisation: Annualisation;
  readonly baselines: Baselines;
  /** Equity of buy and hold at each bar's close, [n]. */
  readonly buyAndHoldEquity: Float64Array;
  readonly verdict: BacktestVerdict;
  /** What a person should know about the run. */
  readonly warnings: readonly string[];
}

/**
 * Trades signals over bars, and says what that came to, beside doing nothing clever.
 *
 * @throws CancelledError
 */
export function backtest(request: BacktestRequest, token: CancellationToken = neverCancelled): Backtest {
  const { bars, signals, settings, trials, seen, seed } = request;
  const annualisation = annualisationOf(bars);
  const barsPerYear = annualisation.bars_per_year;
  const simulation = simulate(bars, signals, settings, token);
  const own = metricsOf(simulation, settings, barsPerYear, token);
  const held = buyAndHold(bars, settings, token);
  const holding = metricsOf(held, settings, barsPerYear, token);
  const majority = request.majority ?? commonest(signals);
  // Always BUY without levels is buy and hold; an answer that never opens a position is seen as well on one bar as on all.
  const isHolding = majority === 1 && settings.stopLoss === null && settings.takeProfit === null;
  const isFlat = majority === 0 || (majority === -1 && !settings.shorts);
  const on = isFlat ? sliceBars(bars, 0, 1) : bars;
  const always = isHolding
    ? holding
    : metricsOf(alwaysTheSame(majority, on, settings, token), settings, barsPerYear, token);
  const baselines: Baselines = {
    buy_and_hold: holding,
    majority_class: { class: majority === 1 ? "BUY" : majority === 0 ? "HOLD" : "SELL", ...always },
    random_entries: randomEntries(bars, simulation, settings, seed, token),
  };
  const n = bars.time.length;
  const day = (t: number): string => dateText(bars.time[t], bars.timeframe);
  const measuredOn =
    n === 0 ? "no bars" : `${n} bars of ${bars.symbol} ${bars.timeframe} from ${day(0)} to ${day(n - 1)}`;
  const facts = { barsPerYear, trials, seen, measuredOn, seed };
  return {
    simulation,
    metrics: { ...own, buy_and_hold_return_pct: baselines.buy_and_hold.total_return_pct },
    annualisation,
    baselines,
    buyAndHoldEquity: held.equity,
    verdict: judgeBacktest(simulation, bars, own, settings, facts, token),
    warnings: warningsOf(simulation, bars, settings),
  };
}

function commonest(signals: Int8Array): 1 | 0 | -1 {
  let difference = 0;
  let given = 0;
  for (let t = 0; t < signals.length; t++) {
    difference += signals[t];
    given += signals[t] * signals[t];
  }
  const [buys, sells] = [(given + difference) / 2, (given - difference) / 2];
  const holds = signals.length - buys - sells;
  if (buys >= holds && buys >= sells) return 1;
  return holds >= sells ? 0 : -1;
}

function warningsOf(simulation: Simulation, bars: Bars, settings: BacktestSettings): string[] {
  const { ambiguousBars, unaffordable, unfilledAtEnd, tooSoon, ruinedAt, open, trades } = simulation;
  const warnings: string[] = [];
  const day = (t: number): string => dateText(bars.time[t], bars.timeframe);
  const counted = (count: number, one: string, many = `${one}s`): string =>
    `${count} ${count === 1 ? one : many}`;
  if (ambiguousBars > 0) {
    warnings.push(
      `${counted(ambiguousBars, "bar")} touched both stop and target; which came first is not known, so each counts as the stop.`,
    );
  }
  if (unaffordable > 0) {
    warnings.push(
      ruinedAt === null
        ? `${counted(unaffordable, "entry", "entries")} could not be made: the money was not enough for one unit. Use more --capital, or --fractional.`
        : `${counted(unaffordable, "entry", "entries")} could not be made: nothing was left of the account.`,
    );
  }
  if (ruinedAt !== null) {
    warnings.push(
      `A short position used up the account on ${day(ruinedAt)}: it was closed there, and nothing was traded afterwards.`,
    );
  }
  if (tooSoon > 0) {
    warnings.push(
      `${counted(tooSoon, "signal")} came less than ${settings.minSeparation} bars after the one before and ${tooSoon === 1 ? "was" : "were"} not followed.`,
    );
  }
  if (unfilledAtEnd > 0) {
    warnings.push("The signal on the last bar was not filled: there is no later bar.");
  }
  if (open !== null) {
    warnings.push(
      `A ${open.side > 0 ? "long" : "short"} position of ${Number(open.quantity.toPrecision(6))} units from ${day(open.entry)} is still open at the end; it is valued at the last close and is not among the trades.`,
    );
  } else if (trades.count > 0 && trades.reason[trades.count - 1] === endOfData) {
    warnings.push("The last position was closed at the last bar's close (--end-of-data close).");
  }
  return warnings;
}

/** Its place in `exitReasons`. */
const endOfData = 4;
