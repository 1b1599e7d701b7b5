import type { BacktestSettings } from "./settings.js";

/** Numbers of units are taken as whole when they miss it only by rounding. */
const unitTolerance = 1e-9;

/** What a fill costs beyond the market's price, and how many units an entry takes. */
export interface FillCosts {
  /** Cost of buying and of selling one unit at price 1. */
  readonly buying: number;
  readonly selling: number;
  /**
   * Units of an entry: their value and the costs of the fill are at most `size` of the money.
   *
   * @param side 1 to buy, -1 to sell short
   */
  readonly units: (side: number, money: number, price: number) => number;
}

/** A buyer pays price · (1 + slippage) and commission on that; a seller gets price · (1 - slippage) less commission on that. */
export function fillCosts({ commission, slippage, size, fractional }: BacktestSettings): FillCosts {
  const buying = slippage + commission * (1 + slippage);
  const selling = slippage + commission * (1 - slippage);
  return {
    buying,
    selling,
    units(side, money, price) {
      const units = (size * money) / (price * (1 + (side > 0 ? buying : selling)));
      return Math.max(0, fractional ? units : Math.floor(units + unitTolerance));
    },
  };
}
