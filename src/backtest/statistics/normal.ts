/**
 * Distribution function of the standard normal distribution, to 1e-15, and to ten digits in the tails.
 *
 * @see West, Better approximations to cumulative normal functions, Wilmott (2005), after Hart (1968)
 */
export function normalCdf(x: number): number {
  const z = Math.abs(x);
  let upper = 0;
  if (z <= 37) {
    const density = Math.exp((-z * z) / 2);
    if (z < 7.07106781186547) {
      const above =
        ((((((3.52624965998911e-2 * z + 0.700383064443688) * z + 6.37396220353165) * z + 33.912866078383) *
          z +
          112.079291497871) *
          z +
          221.213596169931) *
          z +
          220.206867912376) *
        density;
      const below =
        ((((((8.83883476483184e-2 * z + 1.75566716318264) * z + 16.064177579207) * z + 86.7807322029461) * z +
          296.564248779674) *
          z +
          637.333633378831) *
          z +
          793.826512519948) *
          z +
        440.413735824752;
      upper = above / below;
    } else {
      const fraction = z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))));
      upper = density / fraction / 2.506628274631;
    }
  }
  return x > 0 ? 1 - upper : upper;
}

/** The value below which a standard normal variable lies with probability `p`, 0 < p < 1; by bisection, to 1e-12. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  let [low, high] = [-38, 0];
  while (high - low > 1e-13 * Math.max(1, -low)) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Quantile of Student's t distribution with `freedom` degrees, 4 or more: Cornish & Fisher's series around the normal one.
 *
 * @see Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 26.7.5
 */
export function studentQuantile(p: number, freedom: number): number {
  const z = normalQuantile(p);
  const z2 = z * z;
  return (
    z +
    (z * (z2 + 1)) / (4 * freedom) +
    (z * ((5 * z2 + 16) * z2 + 3)) / (96 * freedom ** 2) +
    (z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / (384 * freedom ** 3)
  );
}
