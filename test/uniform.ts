/** Kolmogorov & Smirnov's statistic against the uniform distribution on 0..1 may be this large in one of a hundred samples. */
export const largestDistance = 1.628;

/**
 * Kolmogorov & Smirnov's statistic of p-values against the uniform distribution on 0..1, with Stephens' correction for small samples
 * (1970, J. Royal Statistical Society B 32, 115), so that `largestDistance` holds for any number; null ones are left out.
 */
export function distanceFromUniform(values: readonly (number | null)[]): number {
  const p = values.filter((value) => value !== null).sort((a, b) => a - b);
  const n = p.length;
  const distance = p.reduce((most, value, i) => Math.max(most, value - i / n, (i + 1) / n - value), 0);
  return n === 0 ? 0 : distance * (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n));
}
