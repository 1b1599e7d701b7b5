import { describe, expect, test } from "vitest";
import type { FuzzySpec } from "../fuzzy/index.js";
import { membershipCurves, plotText, roundTicks } from "./membership-plot.js";
import { plotSvg } from "./membership-svg.js";

const rsi: FuzzySpec = {
  featureId: "rsi_14",
  transform: { type: "identity" },
  sets: [
    { name: "low", membership: { type: "triangular", parameters: [0, 0, 50] } },
    { name: "high", membership: { type: "triangular", parameters: [50, 100, 100] } },
  ],
};

describe("curves", () => {
  test("cover the range that the sets support, ends included", () => {
    const { x, sets, observed, axis } = membershipCurves(rsi, null, 5);
    expect([...x]).toEqual([0, 25, 50, 75, 100]);
    expect([...sets[0].degrees]).toEqual([1, 0.5, 0, 0, 0]);
    expect([...sets[1].degrees]).toEqual([0, 0, 0, 0.5, 1]);
    expect(observed).toBeNull();
    expect(axis).toBe("rsi_14");
  });

  test("cover the observed values, counted at the nearest sample", () => {
    const crisp = Float64Array.of(NaN, 20, 24, 26, 60, 40, Infinity);
    const { x, observed } = membershipCurves(rsi, crisp, 5);
    expect([...x]).toEqual([20, 30, 40, 50, 60]);
    expect([...observed!]).toEqual([2, 1, 1, 0, 1]);
  });

  test("of one value only still have a width, and without values fall back to the sets' range", () => {
    expect([...membershipCurves(rsi, Float64Array.of(50, 50), 3).x]).toEqual([49.5, 50, 50.5]);
    expect([...membershipCurves(rsi, Float64Array.of(NaN), 3).x]).toEqual([0, 50, 100]);
  });

  test("say what a ratio is", () => {
    const ratio: FuzzySpec = { ...rsi, transform: { type: "price_ratio", reference: "high" } };
    expect(membershipCurves(ratio, null, 3).axis).toBe("high / rsi_14");
  });
});

describe("ticks", () => {
  test.each([
    [0, 100, 7, [0, 20, 40, 60, 80, 100]],
    [0.93, 1.07, 4, [0.95, 1, 1.05]],
    [-3, 3, 3, [-2, 0, 2]],
    [12345, 12346, 5, [12345, 12345.5, 12346]],
    [0, 1e-9, 3, [0, 5e-10, 1e-9]],
  ])("from %d to %d, at most %d", (from, to, most, ticks) => {
    expect(roundTicks(from, to, most)).toEqual(ticks);
  });
});

test("the text has a chart per set, the observed values and one axis", () => {
  const crisp = Float64Array.from({ length: 101 }, (_, value) => value);
  expect(plotText(membershipCurves(rsi, crisp, 21))).toBe(
    [
      "low: triangular [0, 0, 50]",
      "     1 │█▆▃▁",
      "       │████▆▄▂",
      "     0 │███████▇▅▂",
      "high: triangular [50, 100, 100]",
      "     1 │                 ▁▃▆█",
      "       │              ▂▄▆████",
      "     0 │           ▂▅▇███████",
      "observed values: 101",
      "     5 │ ███████████████████",
      "       │▆███████████████████▆",
      "     0 │█████████████████████",
      "       └─────────────────────",
      "        0  20  40  60  80  100",
      "        rsi_14",
    ].join("\n"),
  );
});

test("the drawing has a line per set from edge to edge, and escapes names", () => {
  const named: FuzzySpec = { ...rsi, sets: [{ ...rsi.sets[0], name: 'a<b&"c"' }, rsi.sets[1]] };
  const svg = plotSvg(membershipCurves(named, null, 3));
  expect(svg).toContain('<polyline points="48.0,40.0 376.0,300.0 704.0,300.0"');
  expect(svg).toContain('<polyline points="48.0,300.0 376.0,300.0 704.0,40.0"');
  expect(svg).toContain("a&lt;b&amp;&quot;c&quot;: triangular [0, 0, 50]");
  const opened = svg.match(/<[a-z]+( [^>]*[^/])?>/g) ?? [];
  const closed = svg.match(/<\/[a-z]+>/g) ?? [];
  expect(opened.length, "every element is closed").toBe(closed.length);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
