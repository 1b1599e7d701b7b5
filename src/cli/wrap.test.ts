import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wrapText } from "./wrap.js";

describe("wrapText", () => {
  test("lines break at spaces", () => {
    expect(wrapText("one two three four", 9)).toBe("one two\nthree\nfour");
  });

  test("a continuation stands under the value of its line", () => {
    const text = "  samples     AAPL: 1260 bars = 857 train + 185 validation";
    expect(wrapText(text, 40)).toBe(
      "  samples     AAPL: 1260 bars = 857\n              train + 185 validation",
    );
  });

  test("without a terminal nothing changes", () => {
    const long = "word ".repeat(100);
    expect(wrapText(long, null)).toBe(long);
  });

  test("no word is lost or cut, and only a single word is longer than a line", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 8, max: 60 }),
        (words, width) => {
          const wrapped = wrapText(words.join(" "), width);
          expect(wrapped.split(/\s+/)).toEqual(words);
          for (const line of wrapped.split("\n"))
            expect(line.length <= width || !line.trim().includes(" "), line).toBe(true);
        },
      ),
    );
  });
});
