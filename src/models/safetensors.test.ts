import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors, SafetensorsError } from "./safetensors.js";

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];

test("a file has exactly the bytes that the format's description gives", () => {
  const header = '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'; // 56 bytes: a multiple of 8 already
  // 1 = 0x3f800000, -2.5 = 0xc0200000 (IEEE 754 binary32), least significant byte first
  const expected = [56, 0, 0, 0, 0, 0, 0, 0, ...utf8(header), 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0];
  const bytes = encodeSafetensors([{ name: "a", shape: [1, 2], data: Float32Array.of(1, -2.5) }]);
  expect([...bytes]).toEqual(expected);
});

test("the header is padded with spaces to a multiple of 8", () => {
  const bytes = encodeSafetensors([{ name: "abc", shape: [1], data: Float32Array.of(3) }]);
  const length = bytes[0];
  expect(length % 8).toBe(0);
  expect(new TextDecoder().decode(bytes.subarray(8, 8 + length))).toBe(
    '{"abc":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(length),
  );
});

const python = `
import json, struct, sys
data = sys.stdin.buffer.read()
n = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + n])
body = data[8 + n:]
print(json.dumps({name: [t["dtype"], t["shape"], list(struct.unpack("<%df" % ((t["data_offsets"][1] - t["data_offsets"][0]) // 4),
    body[t["data_offsets"][0]:t["data_offsets"][1]]))] for name, t in header.items()}))
`;
// Where CI asks for all components, a missing Python is a failure and not a skip.
const hasPython =
  spawnSync("python3", ["--version"]).status === 0 || process.env["KTRDR_REQUIRE_COMPONENTS"] === "1";

test.runIf(hasPython)("an independent reader (Python's struct and json) sees the same tensors", () => {
  const bytes = encodeSafetensors([
    { name: "layers.0.weight", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 0.5) },
    { name: "layers.0.bias", shape: [2], data: Float32Array.of(-1, 1e-30) },
  ]);
  const { stdout } = spawnSync("python3", ["-c", python], { input: bytes, encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual({
    "layers.0.weight": ["F32", [2, 3], [1, 2, 3, 4, 5, 0.5]],
    "layers.0.bias": ["F32", [2], [-1, Math.fround(1e-30)]],
  });
});

test("what was encoded comes back, bit for bit, from any offset in memory", () => {
  fc.assert(
    fc.property(fc.array(fc.float32Array({ maxLength: 9 })), fc.nat(7), (columns, offset) => {
      const tensors = columns.map((data, i) => ({ name: `t${i}`, shape: [data.length], data }));
      const bytes = encodeSafetensors(tensors);
      const moved = new Uint8Array(bytes.length + offset);
      moved.set(bytes, offset);
      expect([...decodeSafetensors(moved.subarray(offset)).values()]).toEqual(tensors);
    }),
  );
});

function file(header: string, dataBytes: number): Uint8Array {
  const json = utf8(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (changes: object): string =>
  JSON.stringify({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...changes } });

describe("a file is refused", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /has 0 bytes/],
    ["cut inside the header's length", new Uint8Array(7), /has 7 bytes/],
    [
      "cut inside the header",
      file(entry({}), 8).subarray(0, 20),
      /claims a header of \d+ bytes in a file of 20/,
    ],
    [
      "a header of 2^64 - 1 bytes",
      new Uint8Array(16).fill(255),
      /claims a header of 18446744073709551615 bytes/,
    ],
    ["a header that is no JSON", file("{nonsense", 8), /not a JSON object/],
    ["a header that is an array", file("[]", 0), /not a JSON object/],
    ["a header that is not UTF-8", file("{}", 0).fill(0xff, 8), /not a JSON object/],
    ["an entry that is null", file('{"a":null}', 0), /a as undefined/],
    ["half precision", file(entry({ dtype: "F16" }), 8), /a as "F16"; only "F32"/],
    ["a negative length", file(entry({ shape: [-2] }), 8), /no valid shape/],
    ["a shape that is no list", file(entry({ shape: 2 }), 8), /no valid shape/],
    ["a giant shape", file(entry({ shape: [2 ** 40, 2 ** 40] }), 8), /gives a 8 bytes/],
    [
      "offsets beyond the end",
      file(entry({ data_offsets: [0, 2 ** 40] }), 8),
      /places a at 0\.\.1099511627776 of 8/,
    ],
    ["offsets in the wrong order", file(entry({ data_offsets: [8, 0] }), 8), /places a at 8\.\.0/],
    ["three offsets", file(entry({ data_offsets: [0, 8, 8] }), 8), /no valid data_offsets/],
    [
      "a hole before the data",
      file(entry({ data_offsets: [8, 16] }), 16),
      /hole or an overlap at data byte 0/,
    ],
    ["bytes after the data", file(entry({}), 12), /has 12 data bytes, of which its tensors use 8/],
    [
      "two tensors on the same bytes",
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /overlap/,
    ],
  ])("%s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  test("or read, but never fails otherwise, whatever byte is changed", () => {
    const whole = file(entry({}), 8);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const bytes = whole.slice();
        bytes[at] = value;
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
    );
  });
});

test("metadata of other writers is passed over", () => {
  const bytes = file(
    '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}',
    4,
  );
  expect([...decodeSafetensors(bytes).values()]).toEqual([
    { name: "a", shape: [], data: Float32Array.of(0) },
  ]);
});
