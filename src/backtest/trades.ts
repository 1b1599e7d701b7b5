/** Why a position was left. */
export const exitReasons = ["signal", "stop_loss", "take_profit", "margin_call", "end_of_data"] as const;

/** Why a position was left, by name. */
export type ExitReason = (typeof exitReasons)[number];

/** The trades of a back-test as columns, in the order of their exits; all of one length. */
export interface Trades {
  readonly count: number;
  /** 1 long, -1 short. */
  readonly side: Int8Array;
  /** Bars of the fills, as indices. */
  readonly entry: Uint32Array;
  readonly exit: Uint32Array;
  /** The market's prices at the fills, before slippage. */
  readonly entryPrice: Float64Array;
  readonly exitPrice: Float64Array;
  /** Units, above 0. */
  readonly quantity: Float64Array;
  /** Commission and slippage of both fills, in money. */
  readonly costs: Float64Array;
  /** Indices into `exitReasons`. */
  readonly reason: Uint8Array;
  /** Bars in which the position was held for some of the time between open and close. */
  readonly held: Uint32Array;
}

/** Profit of a trade before costs. */
export function grossOf({ side, quantity, entryPrice, exitPrice }: Trades, i: number): number {
  return side[i] * quantity[i] * (exitPrice[i] - entryPrice[i]);
}

/** Profit of a trade after costs. */
export function netOf(trades: Trades, i: number): number {
  return grossOf(trades, i) - trades.costs[i];
}

/** Profit of a trade after costs in percent of what its units cost at the entry price. */
export function returnPctOf(trades: Trades, i: number): number {
  return (100 * netOf(trades, i)) / (trades.quantity[i] * trades.entryPrice[i]);
}
