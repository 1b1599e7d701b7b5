// Activations, their slopes and dropout, over a block of rows in place.

import { logisticPair, tanhPair } from "./math";
import { Layer, Net, ROW } from "./memory";

/** ReLU; it is computed while its sums are in registers. */
export const RELU_LAYER: i32 = 0;
const LEAKY_RELU: i32 = 1;
const TANH: i32 = 2;
const SIGMOID: i32 = 3;

const leak: f32 = 0.01;

/** Mixes all bits of 32-bit integers; `mix` of src/engines/dropout.ts. */
@inline
function mixLanes(x: v128): v128 {
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(<i32>0x846ca68b));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

function mix(x: u32): u32 {
  x = (x ^ (x >> 16)) * 0x7feb352d;
  x = (x ^ (x >> 15)) * 0x846ca68b;
  return x ^ (x >> 16);
}

/** float32 functions by way of float64, as in the reference. */
@inline
function inDouble(activation: i32, z: v128): v128 {
  const low = f64x2.promote_low_f32x4(z);
  const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(z, z, 1, 0));
  const yLow = activation == TANH ? tanhPair(low) : logisticPair(low);
  const yHigh = activation == TANH ? tanhPair(high) : logisticPair(high);
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(yLow), f32x4.demote_f64x2_zero(yHigh), 0, 2);
}

@inline
function valueOf(activation: i32, z: v128): v128 {
  if (activation == TANH || activation == SIGMOID) return inDouble(activation, z);
  const below = f32x4.le(z, f32x4.splat(0)); // false for NaN, which stays NaN
  if (activation == LEAKY_RELU) return v128.bitselect(f32x4.mul(z, f32x4.splat(leak)), z, below);
  return v128.andnot(z, below);
}

@inline
function slopeOf(activation: i32, y: v128): v128 {
  const one = f32x4.splat(1);
  if (activation == TANH) return f32x4.sub(one, f32x4.mul(y, y));
  if (activation == SIGMOID) return f32x4.mul(f32x4.sub(one, y), y);
  return v128.bitselect(one, f32x4.splat(leak), f32x4.gt(y, f32x4.splat(0)));
}

/** Lanes of a sigmoid that belong to no column would become 0.5. */
@inline
function onlyColumns(y: v128, from: i32, columns: i32): v128 {
  const lane = i32x4.add(i32x4.splat(from), i32x4(0, 1, 2, 3));
  return v128.and(y, i32x4.lt_s(lane, i32x4.splat(columns)));
}

@inline
function activateRows(activation: i32, y: usize, slope: usize, rows: i32, from: i32, columns: i32): void {
  const end = y + <usize>rows * ROW;
  while (y < end) {
    let l = valueOf(activation, v128.load(y));
    let h = valueOf(activation, v128.load(y, 16));
    if (activation == SIGMOID) {
      l = onlyColumns(l, from, columns);
      h = onlyColumns(h, from + 4, columns);
    }
    v128.store(y, l);
    v128.store(y, h, 16);
    if (slope != 0) {
      v128.store(slope, slopeOf(activation, l));
      v128.store(slope, slopeOf(activation, h), 16);
      slope += ROW;
    }
    y += ROW;
  }
}

/**
 * One panel of activations in place, and their slopes.
 *
 * @param slope where to write slopes, 0: not needed
 * @param from  first column of the panel
 */
export function activatePanel(activation: i32, y: usize, slope: usize, rows: i32, from: i32, columns: i32): void {
  if (activation == LEAKY_RELU) activateRows(LEAKY_RELU, y, slope, rows, from, columns);
  else if (activation == TANH) activateRows(TANH, y, slope, rows, from, columns);
  else if (activation == SIGMOID) activateRows(SIGMOID, y, slope, rows, from, columns);
}

/** Inverted dropout of rows [row, row + rows) of one panel: factors 0 or 1 / (1 - p) on values and slopes. */
export function dropPanel(net: Net, layer: Layer, l: i32, panel: i32, row: i32, rows: i32): void {
  const units = layer.outputs;
  const scale = f32x4.splat(net.keepScale);
  let y = layer.output + <usize>panel * net.stride + <usize>row * ROW;
  let slope: usize = layer.slope == 0 ? <usize>0 : layer.slope + <usize>panel * net.stride + <usize>row * ROW;
  if (net.masks != 0) {
    let mask = net.masks + <usize>row * units + <usize>panel * 8;
    for (let k = 0; k < l; k++) mask += <usize>net.rows * net.layer(k).outputs;
    for (let i = 0; i < rows; i++) {
      const bytes = v128.load8x8_u(mask);
      const zero = i32x4.splat(0);
      scaleRow(
        y, slope,
        v128.and(scale, i32x4.ne(i32x4.extend_low_i16x8_u(bytes), zero)),
        v128.and(scale, i32x4.ne(i32x4.extend_high_i16x8_u(bytes), zero)),
      );
      mask += units;
      y += ROW;
      if (slope != 0) slope += ROW;
    }
    return;
  }
  const key = i32x4.splat(mix(mix(net.dropKey ^ net.steps) + <u32>l * 0x9e3779b9));
  const limit = i32x4.splat(net.dropLimit);
  const lanes = i32x4.add(i32x4.splat(row * units + panel * 8), i32x4(0, 1, 2, 3));
  let low = lanes;
  let high = i32x4.add(lanes, i32x4.splat(4));
  const step = i32x4.splat(units);
  for (let i = 0; i < rows; i++) {
    const hashLow = mixLanes(v128.xor(key, mixLanes(low)));
    const hashHigh = mixLanes(v128.xor(key, mixLanes(high)));
    scaleRow(
      y, slope, v128.andnot(scale, i32x4.le_u(hashLow, limit)), v128.andnot(scale, i32x4.le_u(hashHigh, limit)),
    );
    low = i32x4.add(low, step);
    high = i32x4.add(high, step);
    y += ROW;
    if (slope != 0) slope += ROW;
  }
}

@inline
function scaleRow(y: usize, slope: usize, low: v128, high: v128): void {
  v128.store(y, f32x4.mul(v128.load(y), low));
  v128.store(y, f32x4.mul(v128.load(y, 16), high), 16);
  if (slope != 0) {
    v128.store(slope, f32x4.mul(v128.load(slope), low));
    v128.store(slope, f32x4.mul(v128.load(slope, 16), high), 16);
  }
}
