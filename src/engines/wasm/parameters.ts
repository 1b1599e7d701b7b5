import { neverCancelled, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import type { LayerWeights } from "../engine.js";
import type { Arena } from "./arena.js";

/** One layer's parameters in the kernel's memory: weights in panels of 8 outputs, [out / 8][in][8], then biases. */
export interface LayerPlace {
  readonly inputs: number;
  readonly outputs: number;
  readonly address: number;
}

/** Floats that a layer's parameters take, with the places that pad panels to 8 outputs and 4 inputs. */
export function layerFloats(inputs: number, outputs: number): number {
  return panels(outputs) * 8 * (weightRows(inputs) + 1);
}

/** Floats of the turned weights, [in / 8][out][8]. */
export function turnedFloats(inputs: number, outputs: number): number {
  return panels(inputs) * panels(outputs) * 64;
}

/** Writes weights into their panels. The padding keeps its zeros. @throws CancelledError */
export function writeLayer(
  arena: Arena,
  place: LayerPlace,
  { weight, bias }: LayerWeights,
  token: CancellationToken,
): void {
  const { inputs, outputs, address } = place;
  const floats = arena.floats(address, layerFloats(inputs, outputs));
  eachRow(place, token, (at, k) => {
    for (const end = k + inputs; k < end; k++, at += 8) floats[at] = weight[k];
  });
  floats.set(bias, biasAt(place));
}

/** A copy of a layer's weights. */
export function readLayer(arena: Arena, place: LayerPlace): LayerWeights {
  const { inputs, outputs, address } = place;
  const floats = arena.floats(address, layerFloats(inputs, outputs));
  const weight = new Float32Array(inputs * outputs);
  eachRow(place, neverCancelled, (at, k) => {
    for (const end = k + inputs; k < end; k++, at += 8) weight[k] = floats[at];
  });
  return { inputs, outputs, weight, bias: floats.slice(biasAt(place), biasAt(place) + outputs) };
}

/** Calls `visit` with the place of each output's first weight, in panels and in the row-major matrix. */
function eachRow(
  { inputs, outputs }: LayerPlace,
  token: CancellationToken,
  visit: (at: number, k: number) => void,
): void {
  const panel = weightRows(inputs) * 8;
  for (let o = 0; o < outputs; o++) {
    throwIfCancelled(token);
    visit((o >> 3) * panel + (o & 7), o * inputs);
  }
}

function biasAt({ inputs, outputs }: LayerPlace): number {
  return panels(outputs) * 8 * weightRows(inputs);
}

function panels(columns: number): number {
  return Math.ceil(columns / 8);
}

function weightRows(inputs: number): number {
  return Math.ceil(inputs / 4) * 4;
}
