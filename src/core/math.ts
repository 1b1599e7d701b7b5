/**
 * `exp`, `log`, `tanh` and friends in float64 with the same bits on every JavaScript engine.
 *
 * The language leaves the last bits of `Math.exp` and its kin to the implementation, so results could change with the
 * version of Node. These use only +, -, *, / and `Math.sqrt`, which IEEE 754 fixes. Errors stay below 2 ulp
 * for `exp` and `log`, 6 ulp for `tanh` (checked against high-precision values in math.test.ts).
 */

const ln2High = 6.9314718036912381649e-1; // the upper 32 bits of ln 2: k * ln2High is exact for |k| < 2^20
const ln2Low = 1.90821492927058770002e-10;
const log2E = 1.4426950408889634;

const scratch = new DataView(new ArrayBuffer(8));

/** 2^k for -1074 <= k <= 1023, exactly, at index k + 1074: a look-up costs less than putting the bits together. */
const powersOfTwo = new Float64Array(2098);
for (let i = 0, power = 2 ** -1074; i < powersOfTwo.length; i++, power *= 2) powersOfTwo[i] = power;

/** 2^k for whole -1074 <= k <= 1023, exactly. */
function powerOfTwo(k: number): number {
  return powersOfTwo[(k + 1074) | 0];
}

/** x * 2^k, correct also where 2^k itself would overflow or be subnormal. */
function scale(x: number, k: number): number {
  if (k > 1023) return x * powerOfTwo(1023) * powerOfTwo(Math.min(1023, k - 1023));
  if (k < -1022) return x * powerOfTwo(k + 1022) * powerOfTwo(-1022);
  return x * powerOfTwo(k);
}

/**
 * e^r - 1 for |r| <= 0.35 by its Taylor series; the first omitted term is below 2^-58 of r. Even and odd powers are summed
 * apart, so that their multiplications need not wait for each other; the quotients are constants.
 */
function smallExpm1(r: number): number {
  const z = r * r;
  const even =
    1 / 2 +
    z *
      (1 / 24 +
        z *
          (1 / 720 +
            z * (1 / 40_320 + z * (1 / 3_628_800 + z * (1 / 479_001_600 + z * (1 / 87_178_291_200))))));
  const odd =
    1 / 6 +
    z * (1 / 120 + z * (1 / 5_040 + z * (1 / 362_880 + z * (1 / 39_916_800 + z * (1 / 6_227_020_800)))));
  return r + z * (even + r * odd);
}

/** 2^(j/64), [64], each right to 0.6 ulp; after them a short series is enough. Kernels are given a copy. */
export const fractions = new Float64Array(64);
for (let j = 0; j < 64; j++) {
  const nearer = j > 32 ? j - 64 : j; // as the series wants |r| <= 0.35
  fractions[j] = (j > 32 ? 2 : 1) * (1 + smallExpm1((nearer * Math.LN2) / 64));
}

/** e^x. NaN stays NaN; overflows to Infinity above 709.78, underflows to 0 below -745.13. */
export function exp(x: number): number {
  if (!(x >= -746 && x <= 710)) return x > 0 ? Infinity : x < 0 ? 0 : x;
  // x = steps * ln 2 / 64 + r with |r| < 0.0055, so the first omitted term is below 2^-54
  const steps = Math.floor(x * (64 * log2E) + 0.5);
  const r = x - steps * (ln2High / 64) - steps * (ln2Low / 64);
  const series = r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120))));
  const i = steps | 0;
  const k = i >> 6;
  const fraction = fractions[i & 63];
  const y = fraction + fraction * series;
  return k > 1022 || k < -1022 ? scale(y, k) : y * powersOfTwo[k + 1074];
}

/** Natural logarithm. NaN for x < 0 and NaN, -Infinity for 0. */
export function log(x: number): number {
  if (!(x >= 2.2250738585072014e-308 && x < Infinity)) return logAtTheEdge(x);
  scratch.setFloat64(0, x, true);
  const exponent = (scratch.getUint32(4, true) >>> 20) - 1023;
  let m = x * powersOfTwo[1074 - exponent]; // 1..2, exact
  const large = Number(m > Math.SQRT2); // arithmetic, as a branch would be guessed wrong
  m -= 0.5 * large * m; // SQRT1_2..SQRT2
  return logOfScaled(m, exponent + large);
}

/** ln(m 2^k) for SQRT1_2 <= m <= SQRT2. */
function logOfScaled(m: number, k: number): number {
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716; rewritten as f - s * (f - rest) to keep the low bits of f
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const odd = 2 / 3 + w * (2 / 7 + w * (2 / 11 + w * (2 / 15 + w * (2 / 19 + w * (2 / 23)))));
  const even = 2 / 5 + w * (2 / 9 + w * (2 / 13 + w * (2 / 17 + w * (2 / 21))));
  const series = z * (odd + z * even);
  return k * ln2High + (f - (s * (f - series) - k * ln2Low));
}

/** ln x where x is NaN, negative, 0, subnormal or Infinity. */
function logAtTheEdge(x: number): number {
  if (x !== x || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return x;
  let m = x * 2 ** 54; // a normal number
  let k = -54;
  for (; m < Math.SQRT1_2; k--) m *= 2;
  return logOfScaled(m, k);
}

/** Hyperbolic tangent, -1..1; NaN stays NaN. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a > 22) return x > 0 ? 1 : -1;
  let t: number;
  if (a < 0.17) {
    const e = smallExpm1(2 * a);
    t = e / (e + 2);
  } else {
    const e = exp(2 * a);
    t = (e - 1) / (e + 1);
  }
  return x < 0 ? -t : t;
}

/** 1 / (1 + e^-x), 0..1, without overflow; NaN stays NaN. */
export function logistic(x: number): number {
  const e = exp(-Math.abs(x));
  const positive = Number(x >= 0); // arithmetic, as a branch would be guessed wrong
  return (positive + (1 - positive) * e) / (1 + e);
}

/** base^exponent for base >= 0; exact for small whole exponents up to rounding of each product. */
export function power(base: number, exponent: number): number {
  if (exponent === 0) return 1;
  if (Number.isInteger(exponent) && Math.abs(exponent) <= 64) {
    let result = 1;
    for (let k = Math.abs(exponent); k > 0; k--) result *= base;
    return exponent < 0 ? 1 / result : result;
  }
  if (base === 0) return exponent > 0 ? 0 : Infinity;
  return exp(exponent * log(base));
}

/** Cosine for |x| up to some thousand periods; absolute error below 1e-13. */
export function cosine(x: number): number {
  const turns = x / (2 * Math.PI);
  const r = 2 * Math.PI * (turns - Math.round(turns)); // -pi..pi
  const z = r * r;
  let sum = 0;
  for (let k = 30; k >= 2; k -= 2) sum = (sum + 1) * (-z / (k * (k - 1)));
  return 1 + sum;
}
