/*
 * Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding/), as much as ONNX needs: a message is a
 * row of fields, each a key (number << 3 | kind) and a value: kind 0 a varint, kind 2 a length and that many bytes, kind 5 four
 * bytes.
 */

/** A message being written. Chunks are joined once, at the end, so nesting copies nothing. */
export class Message {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  /** A whole number, 0 or more and below 2^53. */
  int(field: number, value: number): this {
    return this.#push(varint(field * 8)).#push(varint(value));
  }

  /** A float32. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(varint(field * 8 + 5)).#push(bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(field * 8 + 2))
      .#push(varint(value.length))
      .#push(value);
  }

  message(field: number, value: Message): this {
    this.#push(varint(field * 8 + 2)).#push(varint(value.#length));
    for (const chunk of value.#chunks) this.#push(chunk);
    return this;
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #push(chunk: Uint8Array): this {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Bytes that are no message; what they were taken for is the caller's to say. */
export class ProtobufError extends Error {}

/** The values of the fields with lengths (texts, bytes, messages) of one number, in order; others are passed over. */
export function lengthFields(message: Uint8Array, field: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      if (at >= message.length) throw new ProtobufError("it ends in the middle of a number");
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new ProtobufError("a number in it is too long");
  };
  const skip = (length: number): Uint8Array => {
    if (length > message.length - at) throw new ProtobufError("it ends in the middle of a field");
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const key = readVarint();
    const kind = key % 8;
    if (kind === 0) readVarint();
    else if (kind === 1) skip(8);
    else if (kind === 5) skip(4);
    else if (kind === 2) {
      const value = skip(readVarint());
      if ((key - kind) / 8 === field) found.push(value);
    } else throw new ProtobufError(`it has a field of the unknown kind ${kind}`);
  }
  return found;
}
