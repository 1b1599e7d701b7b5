import { expect, test } from "vitest";
import {
  barsOf,
  exampleBars,
  expectColumn,
  outputsOver,
  primaryOver,
} from "../../../test/indicator-sources.js";

test("is the free share of the channel on the closer side", () => {
  // Closes 9 and 11 in turn: mean 10, population deviation 1, so bands 8 and 12. Every true range is 4, so the average is 4
  // and the channel 10 +- 16 around the EMA. Free: (10 + 16 - 12) / 32 = 14/32 once the EMA is near 10.
  const n = 400;
  const close = Array.from({ length: n }, (_, t) => (t % 2 === 0 ? 9 : 11));
  const bars = barsOf({ close, high: close.map((x) => x + 2), low: close.map((x) => x - 2) });
  const squeeze = primaryOver(bars, "squeeze_intensity", { kc_multiplier: 4 });
  // Over two bars more the EMA swings by 2/21 around 10, at most 0.05 off the middle: 0.05 / 32
  expect(Math.abs(squeeze[n - 1] - 14 / 32)).toBeLessThan(0.05 / 32);
  expect(squeeze[18]).toBeNaN();
  expect(squeeze[19]).not.toBeNaN();
});

test("follows from our own bands and channels", () => {
  const bars = exampleBars(600);
  const inner = outputsOver(bars, "bbands");
  const outer = outputsOver(bars, "keltnerchannels");
  const expected = inner["upper"].map((bandUpper, t) => {
    const width = outer["upper"][t] - outer["lower"][t];
    const free = Math.min(
      (outer["upper"][t] - bandUpper) / width,
      (inner["lower"][t] - outer["lower"][t]) / width,
    );
    return Math.max(0, free);
  });
  const squeeze = primaryOver(bars, "SqueezeIntensity");
  expectColumn(squeeze, expected, 1e-12);
  expect(squeeze.some((value) => value > 0)).toBe(true);
  expect(squeeze.some((value) => value === 0)).toBe(true);
});

test("is 0 where nothing moves", () => {
  const squeeze = primaryOver(barsOf({ close: Array.from({ length: 30 }, () => 0.1) }), "squeeze");
  expect([...squeeze.subarray(19)]).toEqual(Array.from({ length: 11 }, () => 0));
});
