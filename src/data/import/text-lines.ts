import { open, type FileHandle } from "node:fs/promises";
import { codeOf, messageOf, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { BarsFileError } from "./errors.js";

/** Bytes read between two looks at the token: well under a millisecond from memory. */
const chunkBytes = 1 << 20;
/** Largest file: a single buffer; some 40 million bars. */
const mostBytes = 2 ** 31 - 1;
/** No row of bars is longer. */
const longestLine = 65_536;
const newline = 10;
const carriageReturn = 13;

/** A text as UTF-8 bytes, and where its lines are. */
export class TextLines {
  readonly bytes: Buffer;
  /** Offset of each line's first byte, [count + 1]; the last is the end of the text. */
  readonly starts: Uint32Array;
  readonly count: number;

  /** @throws BarsFileError where the bytes are no text with lines */
  constructor(bytes: Buffer, name: string, token: CancellationToken) {
    this.bytes = decoded(bytes, name);
    this.starts = lineStarts(this.bytes, name, token);
    this.count = this.starts.length - 1;
  }

  /** Offset behind the line's last byte, line ending excluded. */
  end(line: number): number {
    let end = this.starts[line + 1];
    const from = this.starts[line];
    if (end > from && this.bytes[end - 1] === newline) end--;
    if (end > from && this.bytes[end - 1] === carriageReturn) end--;
    return end;
  }

  /** The line without its ending; lines count from 0 here and from 1 in messages. */
  text(line: number): string {
    return this.bytes.toString("utf8", this.starts[line], this.end(line));
  }
}

/** Reads a whole file. @throws BarsFileError (missing, a folder, too large, not permitted) */
export async function readBytes(path: string, token: CancellationToken): Promise<Buffer> {
  const unreadable = (reason: string, cause?: unknown): BarsFileError =>
    new BarsFileError("FILE_UNREADABLE", path, reason, cause);
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const stat = await file.stat();
    if (stat.isDirectory()) throw unreadable("is a folder; name a file of bars.");
    if (!stat.isFile() && !stat.isFIFO()) throw unreadable("is no regular file.");
    let bytes = Buffer.allocUnsafe(Math.min(mostBytes, stat.size) + 1);
    let length = 0;
    for (;;) {
      throwIfCancelled(token);
      if (length === bytes.length) {
        const grown = Buffer.allocUnsafe(Math.max(chunkBytes, 2 * length));
        bytes.copy(grown, 0, 0, length);
        bytes = grown;
      }
      const { bytesRead } = await file.read(bytes, length, Math.min(chunkBytes, bytes.length - length), null);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
      if (length >= mostBytes)
        throw unreadable("is larger than 2 GiB; split it by years and import the parts.");
    }
  } catch (error) {
    switch (codeOf(error)) {
      case "ENOENT":
        throw unreadable("does not exist; check the path.", error);
      case "EACCES":
      case "EPERM":
        throw unreadable("may not be read: permission denied.", error);
      case "EISDIR":
        throw unreadable("is a folder; name a file of bars.", error);
      case "EIO":
      case "ENOTDIR":
      case "ENAMETOOLONG":
      case "ELOOP":
      case "ERR_INVALID_ARG_VALUE":
        throw unreadable(`cannot be read: ${messageOf(error)}.`, error);
      default:
        throw error;
    }
  } finally {
    await file?.close();
  }
}

function startsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

const binaryFormats: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ["a ZIP archive (or an Excel workbook)", [0x50, 0x4b, 0x03, 0x04]],
  ["gzip-compressed", [0x1f, 0x8b]],
  ["Zstandard-compressed", [0x28, 0xb5, 0x2f, 0xfd]],
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31]],
];

/** The text as UTF-8: without byte-order mark, UTF-16 (as terminals export it) converted, old line endings made new. */
function decoded(bytes: Buffer, name: string): Buffer {
  const refuse = (reason: string): BarsFileError => new BarsFileError("NOT_A_BARS_FILE", name, reason);
  for (const [format, magic] of binaryFormats) {
    if (startsWith(bytes, magic))
      throw refuse(`is ${format}, not text; unpack it or export it as CSV first.`);
  }
  let text = bytes;
  if (startsWith(bytes, [0xff, 0xfe])) text = Buffer.from(bytes.subarray(2).toString("utf16le"), "utf8");
  else if (startsWith(bytes, [0xfe, 0xff])) {
    if (bytes.length % 2 !== 0) throw refuse("is cut off in the middle of a UTF-16 character.");
    text = Buffer.from(Buffer.from(bytes.subarray(2)).swap16().toString("utf16le"), "utf8");
  } else if (startsWith(bytes, [0xef, 0xbb, 0xbf])) text = bytes.subarray(3);
  const zero = text.indexOf(0);
  if (zero >= 0) throw refuse(`is no text: byte ${zero + 1} is zero.`);
  if (!text.includes(newline) && text.includes(carriageReturn)) {
    text = Buffer.from(text);
    for (let at = text.indexOf(carriageReturn); at >= 0; at = text.indexOf(carriageReturn, at))
      text[at] = newline;
  }
  return text;
}

function lineStarts(bytes: Buffer, name: string, token: CancellationToken): Uint32Array {
  let starts = new Uint32Array(Math.max(16, Math.ceil(bytes.length / 32)));
  let count = 0;
  for (let from = 0; from < bytes.length;) {
    if ((count & 16383) === 0) throwIfCancelled(token);
    if (count + 1 >= starts.length) {
      const grown = new Uint32Array(2 * starts.length);
      grown.set(starts);
      starts = grown;
    }
    const found = bytes.indexOf(newline, from);
    const next = found < 0 ? bytes.length : found + 1;
    if (next - from > longestLine) {
      const size = `${Math.round((next - from) / 1024)} KiB long`;
      throw new BarsFileError("NOT_A_BARS_FILE", name, `is no file of bars: line ${count + 1} is ${size}.`);
    }
    starts[count++] = from;
    from = next;
  }
  starts[count] = bytes.length;
  return starts.subarray(0, count + 1);
}
