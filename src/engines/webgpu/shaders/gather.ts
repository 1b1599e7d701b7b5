import type { KernelSource } from "../protocol.js";
import { kernelSource } from "./wgsl.js";

/** Elements that one workgroup copies. */
export const gatherElements = 256;

/** The loop over elements is cut by `record.base` workgroups, as a dispatch has at most 65,535. */
function gatherLoop(columns: number, row: string): string {
  return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let begin = (record.base + group.x) * ${gatherElements}u + thread;
  for (var part = 0u; part < ${gatherElements}u; part += 64u) {
    let element = begin + part;
    if (element < record.rows * ${columns}u) {
      let i = element / ${columns}u;
      let k = element % ${columns}u;
      x[element] = features[${row} * ${columns}u + k];
    }
  }
}`;
}

/** Copies the rows of a batch, [rows × columns]. Buffers: features, order, x. */
export function gatherBatch(columns: number): KernelSource {
  return kernelSource(
    [
      ["features", "f32", "r"],
      ["order", "u32", "r"],
      ["x", "f32", "w"],
    ],
    gatherLoop(columns, "order[record.position + i]"),
  );
}

/** `sourceRow(i, k)`: of consecutive rows, the one that row i reads column k from. */
export const sourceRowWgsl = /* wgsl */ `
fn sourceRow(i: u32, k: u32) -> u32 {
  if (k + 1u == record.permuted) { return order[record.position + i]; }
  return record.position + i;
}`;

/** Copies consecutive rows, one column of them from other rows if asked for. Buffers: features, order of the column, x. */
export function gatherRows(columns: number): KernelSource {
  return kernelSource(
    [
      ["features", "f32", "r"],
      ["order", "u32", "r"],
      ["x", "f32", "w"],
    ],
    sourceRowWgsl,
    gatherLoop(columns, "sourceRow(i, k)"),
  );
}
