import {
  accountColumns,
  exitReasons,
  grossOf,
  netOf,
  returnPctOf,
  type Backtest,
} from "../backtest/index.js";
import type { Bars } from "../data/index.js";
import { timestampText } from "./io.js";

/** A trade as JSON and CSV show it. */
export interface TradeRow {
  readonly side: "long" | "short";
  readonly entry_time: string;
  readonly exit_time: string;
  readonly entry_price: number;
  readonly exit_price: number;
  readonly quantity: number;
  readonly gross_pnl: number;
  readonly costs: number;
  readonly net_pnl: number;
  readonly return_pct: number;
  readonly bars_held: number;
  readonly exit_reason: string;
}

/** Columns of a trade, in order. */
export const tradeColumns = [
  "side",
  "entry_time",
  "exit_time",
  "entry_price",
  "exit_price",
  "quantity",
  "gross_pnl",
  "costs",
  "net_pnl",
  "return_pct",
  "bars_held",
  "exit_reason",
] as const satisfies readonly (keyof TradeRow)[];

/** Trade `i` in words and numbers. */
export function tradeRow({ simulation: { trades } }: Backtest, { time }: Bars, i: number): TradeRow {
  return {
    side: trades.side[i] > 0 ? "long" : "short",
    entry_time: timestampText(time[trades.entry[i]]),
    exit_time: timestampText(time[trades.exit[i]]),
    entry_price: trades.entryPrice[i],
    exit_price: trades.exitPrice[i],
    quantity: trades.quantity[i],
    gross_pnl: grossOf(trades, i),
    costs: trades.costs[i],
    net_pnl: netOf(trades, i),
    return_pct: returnPctOf(trades, i),
    bars_held: trades.held[i],
    exit_reason: exitReasons[trades.reason[i]],
  };
}

/** The account at each bar's close; field names as in JSON and CSV. */
export interface EquityRow {
  readonly timestamp: string;
  readonly equity: number;
  readonly cash: number;
  /** Value of the units held, negative for short ones. */
  readonly position: number;
}

/** A reader of the account's rows: `row(t)`. */
export function equityRows({ simulation }: Backtest, bars: Bars, capital: number): (t: number) => EquityRow {
  const { cash, position } = accountColumns(simulation, bars.close, capital);
  const { equity } = simulation;
  return (t) => ({
    timestamp: timestampText(bars.time[t]),
    equity: equity[t],
    cash: cash[t],
    position: position[t],
  });
}
