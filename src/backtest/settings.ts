/** When a decision is filled: at the next bar's open, or at the close it was made on. */
export const fillRules = ["next-open", "close"] as const;

/** What becomes of a position that is open at the last bar. */
export const endRules = ["close", "keep"] as const;

/** How a back-test trades. Fractions are shares of 1: a commission of 0.001 is 0.1 %. */
export interface BacktestSettings {
  /** Money at the beginning, above 0. */
  readonly capital: number;
  /** Share of each fill's value that is paid as commission, on both sides. */
  readonly commission: number;
  /** Share of the price by which each fill is worse than the market's price, on both sides. */
  readonly slippage: number;
  /** Share of the equity that an entry uses, costs included; above 0, at most 1. */
  readonly size: number;
  /** Whether parts of a unit can be held. */
  readonly fractional: boolean;
  /** Whether SELL opens short positions. */
  readonly shorts: boolean;
  readonly fill: (typeof fillRules)[number];
  /** Distance of the stop from the entry price, as a share of it; null for none. */
  readonly stopLoss: number | null;
  /** Distance of the target from the entry price, as a share of it; null for none. */
  readonly takeProfit: number | null;
  readonly endOfData: (typeof endRules)[number];
  /** Bars from one signal that is followed to the next; 0 or 1 for no limit. */
  readonly minSeparation: number;
  /**
   * With it a signal for the side that is held already is no signal. Without it such a signal counts, and the separation
   * begins anew with it.
   */
  readonly positionAwareness: boolean;
}

/** A back-test as it is run where nothing else is said: no costs, all the equity, long only, whole units. */
export const defaultSettings: BacktestSettings = {
  capital: 100_000,
  commission: 0,
  slippage: 0,
  size: 1,
  fractional: false,
  shorts: false,
  fill: "next-open",
  stopLoss: null,
  takeProfit: null,
  endOfData: "close",
  minSeparation: 0,
  positionAwareness: true,
};
