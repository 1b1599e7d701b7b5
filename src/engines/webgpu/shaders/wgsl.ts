import type { KernelSource } from "../protocol.js";
import { ownRecordWgsl, recordWgsl } from "./record.js";

/** A number as WGSL's f32 literal. */
export function f32(value: number): string {
  const text = Math.fround(value).toString();
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** A storage buffer of a shader: name, element type, and whether it is written. */
export type BufferDeclaration = readonly [name: string, element: string, way: "r" | "w"];

/** A shader over these buffers, in the order of their bindings. */
export function kernelSource(
  buffers: readonly BufferDeclaration[],
  ...parts: readonly string[]
): KernelSource {
  return source(recordWgsl, buffers, parts);
}

/** The same for one that fills in its `record` itself; what the dispatch is told is `dispatch` in it. */
export function ownRecordSource(
  buffers: readonly BufferDeclaration[],
  ...parts: readonly string[]
): KernelSource {
  return source(ownRecordWgsl, buffers, parts);
}

function source(
  record: string,
  buffers: readonly BufferDeclaration[],
  parts: readonly string[],
): KernelSource {
  const declarations = buffers.map(
    ([name, element, way], binding) =>
      `@group(0) @binding(${binding}) var<storage, ${way === "w" ? "read_write" : "read"}> ${name}: array<${element}>;`,
  );
  return {
    code: [record, ...declarations, ...parts].join("\n"),
    access: buffers.map(([, , way]) => way).join(""),
  };
}
