import type { BacktestMetrics } from "../backtest/index.js";
import { dateText } from "../data/index.js";
import type { BacktestOutcome } from "../orchestration/index.js";
import { alignRows } from "./io.js";

const plain = (value: number | null, digits = 2): string => (value === null ? "-" : value.toFixed(digits));
const percent = (value: number | null): string => (value === null ? "-" : `${value.toFixed(2)} %`);

/** What the lines of the table show. */
const lines: readonly (readonly [string, (metrics: BacktestMetrics) => string])[] = [
  ["final equity", ({ final_equity }) => plain(final_equity)],
  ["total return", ({ total_return_pct }) => percent(total_return_pct)],
  ["return a year", ({ annual_return_pct }) => percent(annual_return_pct)],
  ["volatility a year", ({ annual_volatility_pct }) => percent(annual_volatility_pct)],
  ["deepest drawdown", ({ max_drawdown_pct }) => percent(max_drawdown_pct)],
  ["Sharpe", ({ sharpe }) => plain(sharpe)],
  ["Sortino", ({ sortino }) => plain(sortino)],
  ["Calmar", ({ calmar }) => plain(calmar)],
  ["time in the market", ({ exposure_pct }) => percent(exposure_pct)],
  ["trades", ({ trades }) => String(trades)],
  ["winning trades", ({ win_rate_pct }) => percent(win_rate_pct)],
  ["profit factor", ({ profit_factor }) => plain(profit_factor)],
  ["best trade", ({ best_trade_pct }) => percent(best_trade_pct)],
  ["worst trade", ({ worst_trade_pct }) => percent(worst_trade_pct)],
  ["costs", ({ costs }) => plain(costs)],
];

/** The rules of a back-test in one sentence. */
export function rulesText({ settings, confidenceThreshold, backtest }: BacktestOutcome): string {
  const share = (value: number): string => `${Number((100 * value).toPrecision(4))} %`;
  const { fill, commission, slippage, size, shorts, fractional, stopLoss, takeProfit, capital } = settings;
  return [
    `Capital ${capital.toLocaleString("en-US")}`,
    fill === "close" ? "filled at the close of the decision" : "filled at the next open",
    `commission ${share(commission)} and slippage ${share(slippage)} a side`,
    `${share(size)} of the equity in a position`,
    fractional ? "parts of units" : "whole units",
    shorts ? "long and short" : "long only",
    ...(stopLoss === null ? [] : [`stop ${share(stopLoss)}`]),
    ...(takeProfit === null ? [] : [`target ${share(takeProfit)}`]),
    ...(confidenceThreshold === null ? [] : [`signals from probability ${confidenceThreshold}`]),
    ...(settings.minSeparation > 1 ? [`at least ${settings.minSeparation} bars apart`] : []),
    `a year is ${backtest.annualisation.how}`,
  ].join("; ");
}

/** What a back-test of what is called `title` came to, for a terminal. */
export function backtestText(title: string, outcome: BacktestOutcome): string {
  const { bars, backtest } = outcome;
  const { metrics, baselines, verdict } = backtest;
  const n = bars.time.length;
  const day = (t: number): string => dateText(bars.time[t], bars.timeframe);
  const majority = baselines.majority_class;
  const columns: readonly BacktestMetrics[] = [metrics, baselines.buy_and_hold, majority];
  const rows = lines.map(([name, show]) => [name, ...columns.map(show)]);
  const random = baselines.random_entries;
  return [
    `${title} on ${bars.symbol} ${bars.timeframe}, ${day(0)} to ${day(n - 1)}: ${n} bars`,
    `${rulesText(outcome)}.`,
    "",
    alignRows([["", "back-test", "buy and hold", `always ${majority.class}`], ...rows]),
    "",
    random === null
      ? "Without trades there is nothing to enter at random."
      : `Random entries with the same holding times: ${percent(random.mean_return_pct)} on average, 95 % of them from ` +
        `${percent(random.interval[0])} to ${percent(random.interval[1])}; ` +
        `${percent(100 * random.share_at_least_as_good)} of ${random.runs} did at least as well.`,
    "",
    verdict.statement,
  ].join("\n");
}
