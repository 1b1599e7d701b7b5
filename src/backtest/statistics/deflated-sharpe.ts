import { normalCdf, normalQuantile } from "./normal.js";

const eulerMascheroni = 0.5772156649015329;

/** Mean, sample deviation, skewness and kurtosis (3 for a normal distribution) of returns. */
export interface ReturnMoments {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  readonly skewness: number;
  readonly kurtosis: number;
}

/** Moments of returns, [n]; skewness 0 and kurtosis 3 where they do not vary. */
export function momentsOf(returns: Float64Array): ReturnMoments {
  const count = returns.length;
  const mean = returns.reduce((sum, value) => sum + value, 0) / count;
  let [second, third, fourth] = [0, 0, 0];
  for (const value of returns) {
    const square = (value - mean) ** 2;
    second += square;
    third += square * (value - mean);
    fourth += square * square;
  }
  const variance = second / count;
  const varies = variance > 0;
  return {
    count,
    mean,
    deviation: Math.sqrt(second / (count - 1)),
    skewness: varies ? third / count / variance ** 1.5 : 0,
    kurtosis: varies ? fourth / count / variance ** 2 : 3,
  };
}

/**
 * The Sharpe ratio that the best of some worthless trials is expected to show.
 *
 * @param trials   number of independent trials, 1 or more
 * @param variance of their Sharpe ratios, in the same unit (per observation) squared
 * @see Bailey & López de Prado, The Deflated Sharpe Ratio, J. Portfolio Management 40 (2014), eq. 1
 */
export function expectedMaximumSharpe(trials: number, variance: number): number {
  if (trials <= 1) return 0;
  const best = normalQuantile(1 - 1 / trials);
  const next = normalQuantile(1 - 1 / (trials * Math.E));
  return Math.sqrt(variance) * ((1 - eulerMascheroni) * best + eulerMascheroni * next);
}

/**
 * Probability that the true Sharpe ratio is above that of the best of `trials` worthless trials; 0..1. Null where the
 * returns do not vary or are fewer than three.
 *
 * @param variance of the trials' Sharpe ratios per observation; where it is not known, that of the estimate itself for a
 *   worthless trial, 1 / (n - 1)
 * @see Bailey & López de Prado, The Deflated Sharpe Ratio, J. Portfolio Management 40 (2014), eq. 2
 */
export function deflatedSharpe(
  { count, mean, deviation, skewness, kurtosis }: ReturnMoments,
  trials: number,
  variance: number = 1 / (count - 1),
): number | null {
  if (count < 3 || !(deviation > 0)) return null;
  const sharpe = mean / deviation;
  const threshold = expectedMaximumSharpe(trials, variance);
  const spread = 1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe;
  if (!(spread > 0)) return null;
  return normalCdf(((sharpe - threshold) * Math.sqrt(count - 1)) / Math.sqrt(spread));
}

/** Lowest deflated probability that counts as evidence (Bailey & López de Prado 2014). */
export const evidence = 0.95;

/**
 * Whether a figure that lies so many standard errors above that of no skill is above that of the best of `trials` worthless
 * trials, with the probability of `evidence`; the deflated Sharpe ratio for figures that are no Sharpe ratios.
 */
export function beatsBestOfChance(deviations: number, trials: number): boolean {
  return normalCdf(deviations - expectedMaximumSharpe(trials, 1)) >= evidence;
}
