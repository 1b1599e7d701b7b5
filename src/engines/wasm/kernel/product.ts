// The three products of a linear layer. Each sum is float32, in order over k, multiplication and addition rounded apart, so
// the bits do not depend on tiles, blocks or threads and are those of the reference engine. A tile of 4 rows × 8 columns
// keeps its 8 sums in registers: 6 loads serve 16 multiply-adds. The k loop is not unrolled: V8 then spills sums.

import { ROW } from "./memory";

/** a + x · y; rounded once in the relaxed build where the processor can. */
@inline
function multiplyAdd(a: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, a);
  return f32x4.add(a, f32x4.mul(x, y));
}

/** What happens to a tile of `rowsTimesPanel` before it is stored. */
export const NOTHING: i32 = 0;
/** ReLU of the sums. NaN stays NaN. */
export const RELU: i32 = 1;
/** Sums times `scale` where the value at the same place of `gate` is above 0, else times 0 (so NaN stays NaN): the way back through ReLU. */
export const GATE: i32 = 2;
/** Sums times the value at the same place of `gate`. */
export const SLOPE: i32 = 3;

@inline
function finish(then: i32, sum: v128, gate: usize, scale: v128): v128 {
  const zero = f32x4.splat(0);
  if (then == RELU) return v128.andnot(sum, f32x4.le(sum, zero));
  if (then == GATE) return f32x4.mul(sum, v128.and(scale, f32x4.gt(v128.load(gate), zero)));
  if (then == SLOPE) return f32x4.mul(sum, v128.load(gate));
  return sum;
}

/**
 * One panel of 8 columns of z = start + x · w, for `rows` rows, rounded up to 4.
 *
 * @param x      panels of [rows][8], `stride` bytes apart
 * @param depth  columns of x that count
 * @param w      [depth][8]
 * @param start  [8], or 0 for zeros
 * @param z      [rows][8]
 */
@inline
function panelProduct(
  then: i32, x: usize, stride: usize, depth: i32, w: usize, start: usize, z: usize, rows: i32, gate: usize, scale: v128,
): void {
  const low = start == 0 ? f32x4.splat(0) : v128.load(start);
  const high = start == 0 ? f32x4.splat(0) : v128.load(start, 16);
  for (let i = 0; i < rows; i += 4) {
    let a0 = low, a1 = high, b0 = low, b1 = high, c0 = low, c1 = high, d0 = low, d1 = high;
    let at = w;
    let panel = x;
    let left = depth;
    while (left > 0) {
      let p = panel;
      const end = at + (<usize>min(left, 8)) * ROW;
      while (at < end) {
        const l = v128.load(at);
        const h = v128.load(at, 16);
        let s = v128.load32_splat(p);
        a0 = multiplyAdd(a0, s, l);
        a1 = multiplyAdd(a1, s, h);
        s = v128.load32_splat(p, 32);
        b0 = multiplyAdd(b0, s, l);
        b1 = multiplyAdd(b1, s, h);
        s = v128.load32_splat(p, 64);
        c0 = multiplyAdd(c0, s, l);
        c1 = multiplyAdd(c1, s, h);
        s = v128.load32_splat(p, 96);
        d0 = multiplyAdd(d0, s, l);
        d1 = multiplyAdd(d1, s, h);
        at += ROW;
        p += 4;
      }
      left -= 8;
      panel += stride;
    }
    v128.store(z, finish(then, a0, gate, scale));
    v128.store(z, finish(then, a1, gate + 16, scale), 16);
    v128.store(z, finish(then, b0, gate + 32, scale), 32);
    v128.store(z, finish(then, b1, gate + 48, scale), 48);
    v128.store(z, finish(then, c0, gate + 64, scale), 64);
    v128.store(z, finish(then, c1, gate + 80, scale), 80);
    v128.store(z, finish(then, d0, gate + 96, scale), 96);
    v128.store(z, finish(then, d1, gate + 112, scale), 112);
    z += 4 * ROW;
    x += 4 * ROW;
    gate += 4 * ROW;
  }
}

/** A panel of z = bias + x · w. */
export function forwardPanel(x: usize, stride: usize, depth: i32, w: usize, bias: usize, z: usize, rows: i32): void {
  panelProduct(NOTHING, x, stride, depth, w, bias, z, rows, 0, f32x4.splat(0));
}

/** A panel of ReLU(bias + x · w). */
export function forwardReluPanel(x: usize, stride: usize, depth: i32, w: usize, bias: usize, z: usize, rows: i32): void {
  panelProduct(RELU, x, stride, depth, w, bias, z, rows, 0, f32x4.splat(0));
}

/** A panel of (delta · w), times `scale` where `gate` is above 0, else times 0. */
export function backwardGatePanel(
  delta: usize, stride: usize, depth: i32, w: usize, z: usize, rows: i32, gate: usize, scale: f32,
): void {
  panelProduct(GATE, delta, stride, depth, w, 0, z, rows, gate, f32x4.splat(scale));
}

/** A panel of (delta · w) * slope. */
export function backwardSlopePanel(
  delta: usize, stride: usize, depth: i32, w: usize, z: usize, rows: i32, slope: usize,
): void {
  panelProduct(SLOPE, delta, stride, depth, w, 0, z, rows, slope, f32x4.splat(0));
}

/**
 * A tile of 4 inputs × 8 outputs of a weight gradient: g += xᵀ · delta over `rows` rows.
 *
 * @param x     first of 4 columns in its panel's first row
 * @param delta a panel [rows][8]
 * @param g     [4][8]
 * @param first whether the sums start at 0 rather than at `g`
 */
export function gradientTile(x: usize, delta: usize, g: usize, rows: i32, first: bool): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  if (!first) {
    a0 = v128.load(g);
    a1 = v128.load(g, 16);
    b0 = v128.load(g, 32);
    b1 = v128.load(g, 48);
    c0 = v128.load(g, 64);
    c1 = v128.load(g, 80);
    d0 = v128.load(g, 96);
    d1 = v128.load(g, 112);
  }
  const end = delta + <usize>rows * ROW;
  while (delta < end) {
    const l = v128.load(delta);
    const h = v128.load(delta, 16);
    let s = v128.load32_splat(x);
    a0 = multiplyAdd(a0, s, l);
    a1 = multiplyAdd(a1, s, h);
    s = v128.load32_splat(x, 4);
    b0 = multiplyAdd(b0, s, l);
    b1 = multiplyAdd(b1, s, h);
    s = v128.load32_splat(x, 8);
    c0 = multiplyAdd(c0, s, l);
    c1 = multiplyAdd(c1, s, h);
    s = v128.load32_splat(x, 12);
    d0 = multiplyAdd(d0, s, l);
    d1 = multiplyAdd(d1, s, h);
    x += ROW;
    delta += ROW;
  }
  v128.store(g, a0);
  v128.store(g, a1, 16);
  v128.store(g, b0, 32);
  v128.store(g, b1, 48);
  v128.store(g, c0, 64);
  v128.store(g, c1, 80);
  v128.store(g, d0, 96);
  v128.store(g, d1, 112);
}

/** Adds the rows of a panel [rows][8] to `sums` [8], in order. */
export function addRows(panel: usize, sums: usize, rows: i32, first: bool): void {
  let l = f32x4.splat(0), h = l;
  if (!first) {
    l = v128.load(sums);
    h = v128.load(sums, 16);
  }
  const end = panel + <usize>rows * ROW;
  while (panel < end) {
    l = f32x4.add(l, v128.load(panel));
    h = f32x4.add(h, v128.load(panel, 16));
    panel += ROW;
  }
  v128.store(sums, l);
  v128.store(sums, h, 16);
}

/**
 * Writes 8 outputs of a layer's turned weights from their weight panel.
 *
 * @param w      [weightRows][8]
 * @param turned the place of the first of these outputs in the first panel of [outputs][8]
 * @param stride bytes between panels of turned weights
 */
export function turnPanel(w: usize, weightRows: i32, turned: usize, stride: usize): void {
  for (let j = 0; j < weightRows; j += 4) {
    const to = turned + <usize>(j >> 3) * stride + <usize>((j & 4) << 2);
    turnBlock(w, to);
    turnBlock(w + 16, to + 4 * ROW);
    w += 4 * ROW;
  }
}

/** Transposes 4 × 4 numbers between rows of panels. */
@inline
function turnBlock(from: usize, to: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + ROW);
  const c = v128.load(from + 2 * ROW);
  const d = v128.load(from + 3 * ROW);
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(to + ROW, v128.shuffle<i64>(ab, cd, 1, 3));
  v128.store(to + 2 * ROW, v128.shuffle<i64>(AB, CD, 0, 2));
  v128.store(to + 3 * ROW, v128.shuffle<i64>(AB, CD, 1, 3));
}
