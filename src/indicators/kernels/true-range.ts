/** Wilder's true range of a bar, in units of price: high - low, widened to the close before. */
export function trueRange(high: number, low: number, closeBefore: number): number {
  return (high > closeBefore ? high : closeBefore) - (low < closeBefore ? low : closeBefore);
}
