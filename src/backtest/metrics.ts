import { blockEnd, neverCancelled, type CancellationToken } from "../core/index.js";
import type { BacktestSettings } from "./settings.js";
import type { Simulation } from "./simulate.js";
import { netOf, returnPctOf } from "./trades.js";

/**
 * What a back-test came to; field names as in its JSON, definitions in docs/backtest.md. Null is "not defined" (no losing
 * trade, no variation), never a number in its place.
 */
export interface BacktestMetrics {
  readonly final_equity: number;
  readonly total_return_pct: number;
  readonly annual_return_pct: number | null;
  readonly annual_volatility_pct: number | null;
  readonly trades: number;
  readonly win_rate_pct: number | null;
  readonly profit_factor: number | null;
  readonly best_trade_pct: number | null;
  readonly worst_trade_pct: number | null;
  readonly average_trade_pct: number | null;
  readonly average_bars_held: number | null;
  /** 0 or negative. */
  readonly max_drawdown_pct: number;
  readonly exposure_pct: number;
  readonly sharpe: number | null;
  readonly sortino: number | null;
  readonly calmar: number | null;
  readonly equity_peak: number;
  readonly costs: number;
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** @param barsPerYear from `annualisationOf` */
export function metricsOf(
  simulation: Simulation,
  { capital }: Pick<BacktestSettings, "capital">,
  barsPerYear: number,
  token: CancellationToken = neverCancelled,
): BacktestMetrics {
  const { equity, trades } = simulation;
  const n = equity.length;
  const final = n === 0 ? capital : equity[n - 1];
  const { peak, drawdown, mean, deviation, downside } = curveOf(equity, capital, token);
  const yearly = Math.sqrt(barsPerYear);
  const annual = Math.max(0, final / capital) ** (barsPerYear / n) - 1;
  return {
    final_equity: final,
    total_return_pct: 100 * (final / capital - 1),
    annual_return_pct: finiteOrNull(100 * annual),
    annual_volatility_pct: finiteOrNull(100 * deviation * yearly),
    ...tradeMetrics(simulation),
    max_drawdown_pct: drawdown === 0 ? 0 : -100 * drawdown,
    exposure_pct: n === 0 ? 0 : (100 * simulation.barsHeld) / n,
    sharpe: deviation > 0 ? finiteOrNull((mean / deviation) * yearly) : null,
    sortino: downside > 0 ? finiteOrNull((mean / downside) * yearly) : null,
    calmar: drawdown > 0 ? finiteOrNull(annual / drawdown) : null,
    equity_peak: peak,
    costs: simulation.costs,
    trades: trades.count,
  };
}

/** Returns of an equity curve from bar to bar: mean, sample deviation, downside deviation; its peak and deepest fall. */
function curveOf(equity: Float64Array, capital: number, token: CancellationToken) {
  const n = equity.length;
  let peak = capital;
  let trough = capital;
  let drawdown = 0;
  let [sum, squares, losses] = [0, 0, 0];
  let previous = n === 0 ? capital : equity[0];
  for (let t = 0; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      const value = equity[t];
      if (value > peak) peak = trough = value;
      else if (value < trough) {
        trough = value;
        drawdown = Math.max(drawdown, 1 - value / peak);
      }
      const change = previous > 0 ? (value - previous) / previous : 0;
      previous = value;
      sum += change;
      squares += change * change;
      // Twice the loss, 0 for a gain, without a branch: signs of returns cannot be predicted, and a wrong guess costs 5 ns.
      const loss = change - Math.abs(change);
      losses += loss * loss;
    }
  const count = n - 1;
  const mean = sum / count;
  // Returns are small beside their spread, so the difference loses no digits; without any spread it may miss 0 by rounding.
  const variance = (squares - count * mean * mean) / (count - 1);
  const varies = variance > 1e-14 * (squares / count);
  return {
    peak,
    drawdown,
    mean,
    deviation: varies ? Math.sqrt(variance) : 0,
    downside: Math.sqrt(losses / 4 / count),
  };
}

function tradeMetrics({ trades }: Simulation) {
  const { count } = trades;
  let [wins, gains, losses, sum, held] = [0, 0, 0, 0, 0];
  let best = -Infinity;
  let worst = Infinity;
  for (let i = 0; i < count; i++) {
    const net = netOf(trades, i);
    const pct = returnPctOf(trades, i);
    if (net > 0) {
      wins++;
      gains += net;
    } else losses -= net;
    if (pct > best) best = pct;
    if (pct < worst) worst = pct;
    sum += pct;
    held += trades.held[i];
  }
  return {
    win_rate_pct: finiteOrNull((100 * wins) / count),
    profit_factor: finiteOrNull(gains / losses),
    best_trade_pct: finiteOrNull(best),
    worst_trade_pct: finiteOrNull(worst),
    average_trade_pct: finiteOrNull(sum / count),
    average_bars_held: finiteOrNull(held / count),
  };
}
