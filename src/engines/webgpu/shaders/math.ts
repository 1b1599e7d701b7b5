/**
 * exp, log, tanh and the logistic function for shaders. WGSL lets a device err by 2^-21 in `log` and by units in the fourth
 * digit in `tanh` of small numbers; these stay within some 1e-7 on every device.
 *
 * Sources: exp by Cody & Waite's reduction and the Taylor series to the 7th power over ±ln(2)/2; log by fdlibm's
 * reduction to [sqrt(1/2), sqrt(2)) and its series in s = f / (2 + f).
 */
export const mathWgsl = /* wgsl */ `
fn exponential(x: f32) -> f32 {
  if (x < -87.0f) { return 0.0f; }
  if (x > 88.0f) { return bitcast<f32>(0x7f7fffffu); }
  let n = round(x * 1.44269504f);
  let r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  var p = 1.98412698e-4f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  return p * bitcast<f32>(u32(i32(n) + 127) << 23u);
}

/** Of x > 0; what is below the least normal number counts as that. NaN stays NaN. */
fn logarithm(x: f32) -> f32 {
  if (x != x) { return x; }
  if (x < 1.17549435e-38f) { return -87.3365447f; }
  var bits = bitcast<u32>(x) + 0x4afb0du; // 1.0 - sqrt(1/2), so that the mantissa lies around 1
  let k = f32(i32(bits >> 23u) - 127);
  let f = bitcast<f32>((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
  let s = f / (2.0f + f);
  let z = s * s;
  let w = z * z;
  let r = z * (0.66666662693f + w * 0.28498786688f) + w * (0.40000972152f + w * 0.24279078841f);
  let half = 0.5f * f * f;
  return s * (half + r) + k * 9.0580006145e-6f - half + f + k * 0.69313812256f;
}

fn logistic(x: f32) -> f32 {
  let e = exponential(-abs(x));
  return select(1.0f / (1.0f + e), e / (1.0f + e), x < 0.0f);
}

/** Below 0.4 by its continued fraction, as the difference 1 - e cancels there. */
fn hyperbolicTangent(x: f32) -> f32 {
  let z = x * x;
  if (z < 0.16f) { return x / (1.0f + z / (3.0f + z / (5.0f + z / (7.0f + z / 9.0f)))); }
  let e = exponential(-2.0f * abs(x));
  let t = (1.0f - e) / (1.0f + e);
  return select(t, -t, x < 0.0f);
}
`;
