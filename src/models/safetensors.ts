/** A float32 tensor by name, row-major. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A file that is not the safetensors that we write; the message says where it is wrong, without a file name. */
export class SafetensorsError extends Error {}

/*
 * The format (https://github.com/huggingface/safetensors#format): 8 bytes with the header's length n, little-endian; n
 * bytes of JSON `{"<name>": {"dtype", "shape", "data_offsets": [from, to]}}`, padded with spaces; then the tensors'
 * bytes, little-endian, without holes, offsets counted from the end of the header. Only F32 is used here.
 */
const lengthBytes = 8;
const maxHeaderBytes = 100_000_000; // as in the format's own reader

/** Tensors, in the given order, as the bytes of a safetensors file. The data begin at a multiple of 8. */
export function encodeSafetensors(tensors: readonly Tensor[]): Uint8Array {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const { name, shape, data } of tensors) {
    const begin = end;
    end += data.length * 4;
    header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(lengthBytes + headerBytes + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, lengthBytes, lengthBytes + headerBytes);
  bytes.set(json, lengthBytes);
  let at = lengthBytes + headerBytes;
  for (const { data } of tensors) {
    for (let i = 0; i < data.length; i++, at += 4) view.setFloat32(at, data[i], true);
  }
  return bytes;
}

/**
 * Reads what `encodeSafetensors` or any other writer of float32 tensors made. Sizes in the header are compared with
 * the bytes that are there before anything is allocated.
 *
 * @throws SafetensorsError
 */
export function decodeSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  if (bytes.length < lengthBytes) {
    throw new SafetensorsError(`has ${bytes.length} bytes, fewer than the 8 of the header's length`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getBigUint64(0, true);
  if (headerBytes > maxHeaderBytes || headerBytes > bytes.length - lengthBytes) {
    throw new SafetensorsError(`claims a header of ${headerBytes} bytes in a file of ${bytes.length}`);
  }
  const dataStart = lengthBytes + Number(headerBytes);
  const dataBytes = bytes.length - dataStart;
  const tensors = new Map<string, Tensor>();
  const ranges: { from: number; to: number }[] = [];
  for (const [name, entry] of Object.entries(parseHeader(bytes.subarray(lengthBytes, dataStart)))) {
    if (name === "__metadata__") continue;
    const { shape, from, to } = checkEntry(name, entry, dataBytes);
    const data = new Float32Array((to - from) / 4);
    for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(dataStart + from + 4 * i, true);
    tensors.set(name, { name, shape, data });
    ranges.push({ from, to });
  }
  let covered = 0;
  for (const { from, to } of ranges.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== covered) throw new SafetensorsError(`has a hole or an overlap at data byte ${covered}`);
    covered = to;
  }
  if (covered !== dataBytes) {
    throw new SafetensorsError(`has ${dataBytes} data bytes, of which its tensors use ${covered}`);
  }
  return tensors;
}

function parseHeader(json: Uint8Array): object {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
    if (typeof header === "object" && header !== null && !Array.isArray(header)) return header;
  } catch {
    // Reported below, like JSON of the wrong kind.
  }
  throw new SafetensorsError("has a header that is not a JSON object");
}

function checkEntry(
  name: string,
  entry: unknown,
  dataBytes: number,
): { shape: number[]; from: number; to: number } {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (dtype !== "F32") {
    throw new SafetensorsError(`has ${name} as ${JSON.stringify(dtype)}; only "F32" is used here`);
  }
  if (!isCounts(shape)) throw new SafetensorsError(`has no valid shape for ${name}`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new SafetensorsError(`has no valid data_offsets for ${name}`);
  }
  const [from, to] = offsets;
  const count = shape.reduce((product, length) => product * length, 1);
  if (from > to || to > dataBytes) {
    throw new SafetensorsError(`places ${name} at ${from}..${to} of ${dataBytes} data bytes`);
  }
  if (to - from !== count * 4) {
    throw new SafetensorsError(
      `gives ${name} ${to - from} bytes; its shape [${shape.join(", ")}] needs ${count * 4}`,
    );
  }
  return { shape, from, to };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
