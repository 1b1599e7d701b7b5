/** What the prices of one bar say about each other. */
export interface PriceLaw {
  /** Why they cannot be one bar's prices, or null. */
  readonly broken: string | null;
  /** What was changed in the array, or null. */
  readonly repaired: string | null;
}

const kept: PriceLaw = { broken: null, repaired: null };

/** Differences up to this share of the price are rounding of the last digits of a double, not prices. */
const rounding = 1e-9;

/**
 * Holds [open, high, low, close] against low <= open, close <= high. An open or close outside by no more than a billionth
 * of the price (adjusted prices are products, rounded each for itself) moves the high or low out to it.
 */
export function checkPrices(prices: number[]): PriceLaw {
  const [open, high, low, close] = prices;
  if (low <= open && low <= close && open <= high && close <= high) return kept;
  const top = Math.max(open, close);
  const bottom = Math.min(open, close);
  const tolerance = rounding * top;
  if (low > high + tolerance) return { broken: `high ${high} is below low ${low}`, repaired: null };
  if (top > high + tolerance || bottom < low - tolerance) {
    const name = open > high + tolerance || open < low - tolerance ? "open" : "close";
    const value = name === "open" ? open : close;
    return { broken: `${name} ${value} is outside low ${low} to high ${high}`, repaired: null };
  }
  prices[1] = Math.max(high, top);
  prices[2] = Math.min(low, bottom);
  const changes = [
    ...(prices[1] === high ? [] : [`high ${high} moved up to ${prices[1]}`]),
    ...(prices[2] === low ? [] : [`low ${low} moved down to ${prices[2]}`]),
  ];
  return { broken: null, repaired: `${changes.join(", ")} (rounding of the last digits)` };
}
