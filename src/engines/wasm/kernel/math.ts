// `exp`, `log`, `tanh` and friends of src/core/math.ts, operation by operation, so that kernel and reference give the same
// bits; the error bounds stand there. Pairs (f64x2) do in two lanes what the scalar functions do in one.

const ln2High: f64 = 6.9314718036912381649e-1;
const ln2Low: f64 = 1.90821492927058770002e-10;
const log2E: f64 = 1.4426950408889634;
const sqrt2: f64 = 1.4142135623730951;
const sqrtHalf: f64 = 0.7071067811865476;

@inline
function powerOfTwo(k: i32): f64 {
  return reinterpret<f64>((<i64>k + 1023) << 52);
}

@inline
function smallExpm1(r: f64): f64 {
  const z = r * r;
  const even =
    1.0 / 2.0 +
    z *
      (1.0 / 24.0 +
        z *
          (1.0 / 720.0 +
            z *
              (1.0 / 40320.0 +
                z * (1.0 / 3628800.0 + z * (1.0 / 479001600.0 + z * (1.0 / 87178291200.0))))));
  const odd =
    1.0 / 6.0 +
    z *
      (1.0 / 120.0 +
        z *
          (1.0 / 5040.0 +
            z * (1.0 / 362880.0 + z * (1.0 / 39916800.0 + z * (1.0 / 6227020800.0)))));
  return r + z * (even + r * odd);
}

/** Address of 2^(j/64), [64] float64: the table of src/core/math.ts. */
let fractions: usize = 0;

/** Says where the table is. */
export function useFractions(at: usize): void {
  fractions = at;
}

/** e^x. NaN stays NaN. */
export function exp(x: f64): f64 {
  if (!(x >= -746 && x <= 710)) return x > 0 ? Infinity : x < 0 ? 0 : x;
  const steps = Math.floor(x * (64.0 * log2E) + 0.5);
  const r = x - steps * (ln2High / 64.0) - steps * (ln2Low / 64.0);
  const series = r + r * r * (1.0 / 2.0 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0))));
  const i = <i32>steps;
  const k = i >> 6;
  const fraction = load<f64>(fractions + (<usize>(i & 63) << 3));
  const y = fraction + fraction * series;
  if (k > 1023) return y * powerOfTwo(1023) * powerOfTwo(min(1023, k - 1023));
  if (k < -1022) return y * powerOfTwo(k + 1022) * powerOfTwo(-1022);
  return y * powerOfTwo(k);
}

/** Natural logarithm. NaN for x < 0 and NaN, -Infinity for 0. */
export function log(x: f64): f64 {
  if (!(x >= 2.2250738585072014e-308 && x < Infinity)) return logAtTheEdge(x);
  const bits = reinterpret<u64>(x);
  let k = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > sqrt2) {
    m *= 0.5;
    k += 1;
  }
  return logOf(m, <f64>k);
}

function logAtTheEdge(x: f64): f64 {
  if (x != x || x < 0) return NaN;
  if (x == 0) return -Infinity;
  if (x == Infinity) return x;
  let m = x * 18014398509481984.0;
  let k: i32 = -54;
  for (; m < sqrtHalf; k--) m *= 2;
  return logOf(m, <f64>k);
}

/** log(m * 2^k) for sqrt(1/2) <= m <= sqrt(2). */
@inline
function logOf(m: f64, k: f64): f64 {
  const f = m - 1.0;
  const s = f / (2.0 + f);
  const z = s * s;
  const w = z * z;
  const odd =
    2.0 / 3.0 +
    w * (2.0 / 7.0 + w * (2.0 / 11.0 + w * (2.0 / 15.0 + w * (2.0 / 19.0 + w * (2.0 / 23.0)))));
  const even =
    2.0 / 5.0 + w * (2.0 / 9.0 + w * (2.0 / 13.0 + w * (2.0 / 17.0 + w * (2.0 / 21.0))));
  const series = z * (odd + z * even);
  return k * ln2High + (f - (s * (f - series) - k * ln2Low));
}

/** base^exponent for base >= 0. */
export function power(base: f64, exponent: f64): f64 {
  if (exponent == 0) return 1;
  if (Math.floor(exponent) == exponent && Math.abs(exponent) <= 64) {
    let result: f64 = 1;
    for (let k = <i32>Math.abs(exponent); k > 0; k--) result *= base;
    return exponent < 0 ? 1.0 / result : result;
  }
  if (base == 0) return exponent > 0 ? 0 : Infinity;
  return exp(exponent * log(base));
}

@inline
function fma2(a: f64, z: v128, b: v128): v128 {
  return f64x2.add(f64x2.splat(a), f64x2.mul(z, b));
}

@inline
function smallExpm1Pair(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let even = fma2(1.0 / 479001600.0, z, f64x2.splat(1.0 / 87178291200.0));
  even = fma2(1.0 / 3628800.0, z, even);
  even = fma2(1.0 / 40320.0, z, even);
  even = fma2(1.0 / 720.0, z, even);
  even = fma2(1.0 / 24.0, z, even);
  even = fma2(1.0 / 2.0, z, even);
  let odd = fma2(1.0 / 39916800.0, z, f64x2.splat(1.0 / 6227020800.0));
  odd = fma2(1.0 / 362880.0, z, odd);
  odd = fma2(1.0 / 5040.0, z, odd);
  odd = fma2(1.0 / 120.0, z, odd);
  odd = fma2(1.0 / 6.0, z, odd);
  return f64x2.add(r, f64x2.mul(z, f64x2.add(even, f64x2.mul(r, odd))));
}

/** `exp` of two numbers up to 709; NaN stays NaN. */
@inline
export function expPair(x: v128): v128 {
  // Below -745.13 the result is 0; the clamp keeps the steps within what two factors can scale.
  const c = f64x2.max(x, f64x2.splat(-746.0));
  const steps = f64x2.floor(f64x2.add(f64x2.mul(c, f64x2.splat(64.0 * log2E)), f64x2.splat(0.5)));
  const r = f64x2.sub(
    f64x2.sub(c, f64x2.mul(steps, f64x2.splat(ln2High / 64.0))),
    f64x2.mul(steps, f64x2.splat(ln2Low / 64.0)),
  );
  let tail = fma2(1.0 / 24.0, r, f64x2.splat(1.0 / 120.0));
  tail = fma2(1.0 / 6.0, r, tail);
  tail = fma2(1.0 / 2.0, r, tail);
  const series = f64x2.add(r, f64x2.mul(f64x2.mul(r, r), tail));
  const i = i32x4.trunc_sat_f64x2_s_zero(steps);
  const low = fractions + (<usize>(i32x4.extract_lane(i, 0) & 63) << 3);
  const high = fractions + (<usize>(i32x4.extract_lane(i, 1) & 63) << 3);
  const fraction = v128.load64_lane(high, v128.load64_zero(low), 1);
  const y = f64x2.add(fraction, f64x2.mul(fraction, series));
  const k = i64x2.extend_low_i32x4_s(i32x4.shr_s(i, 6));
  const tiny = i64x2.lt_s(k, i64x2.splat(-1022));
  const first = i64x2.add(k, v128.and(tiny, i64x2.splat(1022)));
  const second = v128.and(tiny, i64x2.splat(-1022));
  return f64x2.mul(f64x2.mul(y, powerOfTwoPair(first)), powerOfTwoPair(second));
}

/** 2^k of whole i64 lanes in -1022..1023. */
@inline
function powerOfTwoPair(k: v128): v128 {
  return i64x2.shl(i64x2.add(k, i64x2.splat(1023)), 52);
}

/** `log` of two normal positive numbers; other lanes go through the scalar function. */
@inline
export function logPair(x: v128): v128 {
  const normal = v128.and(
    f64x2.ge(x, f64x2.splat(2.2250738585072014e-308)),
    f64x2.lt(x, f64x2.splat(Infinity)),
  );
  if (!i64x2.all_true(normal)) {
    return f64x2(log(f64x2.extract_lane(x, 0)), log(f64x2.extract_lane(x, 1)));
  }
  // The exponent as a float64: 2^52 + 2^51 + n has n in its low bits.
  const shifter = f64x2.splat(6755399441055744.0);
  const exponent = f64x2.sub(
    v128.or(i64x2.shr_u(x, 52), shifter),
    f64x2.splat(6755399441055744.0 + 1023.0),
  );
  let m = v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3ff0000000000000));
  const large = f64x2.gt(m, f64x2.splat(sqrt2));
  m = f64x2.mul(m, v128.bitselect(f64x2.splat(0.5), f64x2.splat(1.0), large));
  const k = f64x2.add(exponent, v128.and(large, f64x2.splat(1.0)));
  const f = f64x2.sub(m, f64x2.splat(1.0));
  const s = f64x2.div(f, f64x2.add(f64x2.splat(2.0), f));
  const z = f64x2.mul(s, s);
  const w = f64x2.mul(z, z);
  let odd = fma2(2.0 / 19.0, w, f64x2.splat(2.0 / 23.0));
  odd = fma2(2.0 / 15.0, w, odd);
  odd = fma2(2.0 / 11.0, w, odd);
  odd = fma2(2.0 / 7.0, w, odd);
  odd = fma2(2.0 / 3.0, w, odd);
  let even = fma2(2.0 / 17.0, w, f64x2.splat(2.0 / 21.0));
  even = fma2(2.0 / 13.0, w, even);
  even = fma2(2.0 / 9.0, w, even);
  even = fma2(2.0 / 5.0, w, even);
  const series = f64x2.mul(z, f64x2.add(odd, f64x2.mul(z, even)));
  const low = f64x2.sub(f64x2.mul(s, f64x2.sub(f, series)), f64x2.mul(k, f64x2.splat(ln2Low)));
  return f64x2.add(f64x2.mul(k, f64x2.splat(ln2High)), f64x2.sub(f, low));
}

/** `tanh` of two numbers; NaN stays NaN. */
@inline
export function tanhPair(x: v128): v128 {
  const a = f64x2.abs(x);
  const one = f64x2.splat(1.0);
  const two = f64x2.splat(2.0);
  const doubled = f64x2.mul(two, f64x2.min(a, f64x2.splat(23.0)));
  const small = smallExpm1Pair(doubled);
  const near = f64x2.div(small, f64x2.add(small, two));
  const e = expPair(doubled);
  const far = f64x2.div(f64x2.sub(e, one), f64x2.add(e, one));
  let t = v128.bitselect(near, far, f64x2.lt(a, f64x2.splat(0.17)));
  t = v128.bitselect(one, t, f64x2.gt(a, f64x2.splat(22.0)));
  return v128.bitselect(f64x2.neg(t), t, f64x2.lt(x, f64x2.splat(0.0)));
}

/** 1 / (1 + e^-x) of two numbers; NaN stays NaN. */
@inline
export function logisticPair(x: v128): v128 {
  const one = f64x2.splat(1.0);
  const e = expPair(f64x2.neg(f64x2.abs(x)));
  const numerator = v128.bitselect(one, e, f64x2.ge(x, f64x2.splat(0.0)));
  return f64x2.div(numerator, f64x2.add(one, e));
}
