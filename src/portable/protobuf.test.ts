import { describe, expect, test } from "vitest";
import { lengthFields, Message, ProtobufError } from "./protobuf.js";

const hex = (message: Message): string => Buffer.from(message.encode()).toString("hex");

describe("messages of the specification (https://protobuf.dev/programming-guides/encoding/)", () => {
  test("Test1 { a: 150 }", () => expect(hex(new Message().int(1, 150))).toBe("089601"));
  test('Test2 { b: "testing" }', () =>
    expect(hex(new Message().text(2, "testing"))).toBe("120774657374696e67"));
  test("Test3 { c { a: 150 } }", () =>
    expect(hex(new Message().message(3, new Message().int(1, 150)))).toBe("1a03089601"));
});

test("numbers up to 2^53 and float32", () => {
  expect(hex(new Message().int(1, 2 ** 53 - 1))).toBe("08ffffffffffffff0f");
  expect(hex(new Message().float(2, 0.01))).toBe("150ad7233c");
});

test("fields of one number are found in order among all kinds of others", () => {
  const message = new Message()
    .text(7, "a")
    .int(7, 3)
    .float(1, 2)
    .text(2, "no")
    .message(7, new Message().int(1, 1));
  const withFixed64 = Uint8Array.of(...message.encode(), 1 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8);
  expect(lengthFields(withFixed64, 7).map((bytes) => [...bytes])).toEqual([[97], [8, 1]]);
  expect(lengthFields(withFixed64, 3)).toEqual([]);
});

test("a message cut anywhere but between fields is refused", () => {
  const bytes = new Message().text(14, "golden").encode();
  for (let length = 1; length < bytes.length; length++) {
    expect(() => lengthFields(bytes.subarray(0, length), 14), String(length)).toThrow(ProtobufError);
  }
  expect(() => lengthFields(Uint8Array.of(0x0b), 1), "groups are not used").toThrow(ProtobufError);
  expect(() => lengthFields(new Uint8Array(20).fill(0xff), 1)).toThrow(ProtobufError);
});
