import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { exampleBars, barsOf } from "../../test/indicator-sources.js";
import { rounds } from "../../test/rounds.js";
import { neverCancelled, CancelledError } from "../core/index.js";
import { sliceBars, type Bars } from "../data/index.js";
import {
  computeIndicators,
  findIndicator,
  indicatorNames,
  indicators,
  makeIndicatorSpec,
  MissingVolumeError,
  outputsOf,
  UnknownIndicatorError,
  warmupOf,
  type IndicatorSpec,
} from "./index.js";

/** Parameters away from the defaults, so that each is seen to matter; indicators without parameters have none. */
const other: Record<string, Record<string, unknown>> = {
  sma: { period: 7, source: "high" },
  ema: { period: 7, adjust: true },
  rsi: { period: 3, source: "low" },
  macd: { fast_period: 3, slow_period: 10, signal_period: 4 },
  stochastic: { k_period: 6, d_period: 4, smooth_k: 2 },
  williamsr: { period: 5 },
  atr: { period: 5 },
  adx: { period: 5 },
  bollingerbands: { period: 6, multiplier: 1.5, source: "open" },
  bollingerbandwidth: { period: 6, multiplier: 1.5 },
  keltnerchannels: { period: 5, atr_period: 12, multiplier: 1.5 },
  donchianchannels: { period: 6, include_middle: false },
  squeezeintensity: { bb_period: 12, bb_multiplier: 1.5, kc_period: 8, kc_multiplier: 3, source: "open" },
  cci: { period: 7 },
  momentum: { period: 3 },
  roc: { period: 3 },
  mfi: { period: 5 },
  obv: {},
  vwap: { period: 0, use_typical_price: false },
  volumeratio: { period: 6 },
  distancefromma: { period: 6, ma_type: "EMA" },
  parabolicsar: { initial_af: 0.01, step_af: 0.03, max_af: 0.3 },
  ichimoku: { tenkan_period: 3, kijun_period: 7, senkou_b_period: 11, displacement: 5 },
  supertrend: { period: 5, multiplier: 1.5 },
  aroon: { period: 6, include_oscillator: false },
  rvi: { period: 5, signal_period: 3 },
  cmf: { period: 6 },
  adline: { use_sma_smoothing: true, smoothing_period: 6 },
  fishertransform: { period: 6, smoothing: 5 },
  zigzag: { threshold: 0.02, source: "high" },
};

const specs: IndicatorSpec[] = indicatorNames.flatMap((name) => [
  makeIndicatorSpec(name, name),
  makeIndicatorSpec(`${name} ${JSON.stringify(other[name])}`, name, other[name]),
]);

function columnsOver(bars: Bars, spec: IndicatorSpec): Record<string, Float64Array> {
  const computed = computeIndicators(bars, [spec], neverCancelled);
  return Object.fromEntries(computed.ids.map((id) => [id, computed.column(id) ?? new Float64Array()]));
}

const bars = exampleBars(700);

describe.each(specs.map((spec) => ({ title: spec.featureId, spec })))("$title", ({ spec }) => {
  const whole = columnsOver(bars, spec);

  test("has its first value where it says, and a finite one at every bar after", () => {
    for (const output of outputsOf(spec)) {
      const column = whole[`${spec.featureId}.${output}`];
      const warmup = warmupOf(spec, output);
      expect(column.length, output).toBe(bars.time.length);
      expect(column.subarray(0, warmup).every(Number.isNaN), `${output} in warm-up`).toBe(true);
      expect(column.subarray(warmup).every(Number.isFinite), `${output} after bar ${warmup}`).toBe(true);
    }
    expect(whole[spec.featureId]).toBe(whole[`${spec.featureId}.${spec.indicator.primary}`]);
  });

  test("later bars never change earlier values", () => {
    let state = 12345;
    for (let k = 0; k < rounds(200); k++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const n = 1 + (state % bars.time.length);
      for (const [id, column] of Object.entries(columnsOver(sliceBars(bars, 0, n), spec))) {
        expect(column, `${id} over the first ${n} bars`).toEqual(whole[id].subarray(0, n));
      }
    }
  });

  test("writes every value of its columns, whatever the memory held before", () => {
    const memory = vi.spyOn(Buffer, "allocUnsafeSlow").mockImplementation((size) => Buffer.alloc(size, 0x41));
    onTestFinished(() => memory.mockRestore());
    for (const n of Array.from({ length: 80 }, (_, k) => k).concat(bars.time.length)) {
      for (const [id, column] of Object.entries(columnsOver(sliceBars(bars, 0, n), spec))) {
        expect(column, `${id} over the first ${n} bars`).toEqual(whole[id].subarray(0, n));
      }
    }
  });

  test("keeps no state from one symbol to the next and leaves the bars alone", () => {
    const before = structuredClone(bars);
    columnsOver(exampleBars(300, 99), spec);
    expect(columnsOver(bars, spec)).toEqual(whole);
    expect(bars).toEqual(before);
  });

  test("fewer bars than the warm-up give columns of NaN", () => {
    for (let n = 0; n <= Math.min(warmupOf(spec), 3); n++) {
      for (const output of outputsOf(spec)) {
        const column = columnsOver(sliceBars(bars, 0, n), spec)[`${spec.featureId}.${output}`];
        expect(column.length).toBe(n);
        expect(column.subarray(0, warmupOf(spec, output)).every(Number.isNaN)).toBe(true);
      }
    }
  });

  test("a flat market gives no infinity, and NaN only where nothing was traded", () => {
    const close = Array.from({ length: 200 }, () => 0.1);
    for (const volume of [1, 0]) {
      const traded = close.map((_, t) => (t === 0 ? 1 : volume));
      const flat = columnsOver(barsOf({ close, volume: traded }), spec);
      for (const output of outputsOf(spec)) {
        for (const value of flat[`${spec.featureId}.${output}`].subarray(warmupOf(spec, output))) {
          const known = volume === 0 && /^(vwap|volumeratio)$/.test(spec.indicator.name);
          expect(known ? !Object.is(Math.abs(value), Infinity) : Number.isFinite(value), output).toBe(true);
        }
      }
    }
  });

  test.each([1e-6, 1e9])("prices of %d times the size stay finite", (scale) => {
    const scaled = barsOf({
      open: bars.open.map((x) => x * scale),
      high: bars.high.map((x) => x * scale),
      low: bars.low.map((x) => x * scale),
      close: bars.close.map((x) => x * scale),
      volume: bars.volume.map((x) => x * 1e6),
    });
    for (const [id, column] of Object.entries(columnsOver(scaled, spec))) {
      const warmup = warmupOf(spec);
      expect(column.subarray(warmup).every(Number.isFinite), id).toBe(true);
    }
  });
});

test("every parameter of the other set is known, and every indicator has one", () => {
  expect(Object.keys(other)).toEqual(indicatorNames);
});

test("bounded oscillators stay within their bounds", () => {
  const bounds: Record<string, [number, number]> = {
    rsi: [0, 100],
    stochastic: [0, 100],
    williamsr: [-100, 0],
    mfi: [0, 100],
    adx: [0, 100],
    aroon: [-100, 100],
    cmf: [-1, 1],
    squeezeintensity: [0, 1],
  };
  for (const [name, [low, high]] of Object.entries(bounds)) {
    for (let seed = 1; seed <= rounds(100); seed++) {
      for (const [id, column] of Object.entries(
        columnsOver(exampleBars(300, seed), makeIndicatorSpec(name, name)),
      )) {
        for (const value of column)
          if (!((value >= low && value <= high) || Number.isNaN(value))) expect.fail(`${id}: ${value}`);
      }
    }
  }
});

test("names, aliases and forms with _ or capitals find their indicator", () => {
  const forms = {
    stoch: "stochastic",
    bbands: "bollingerbands",
    BollingerBands: "bollingerbands",
    psar: "parabolicsar",
  };
  const more = {
    Volume_SMA: "sma",
    williamsR: "williamsr",
    donchian_channels: "donchianchannels",
    AD_LINE: "adline",
  };
  for (const [form, name] of Object.entries({ ...forms, ...more }))
    expect(findIndicator(form).name).toBe(name);
  const all = Object.values(indicators).flatMap(({ name, aliases }) => [name, ...aliases]);
  expect(new Set(all).size, "no name stands for two").toBe(all.length);
  for (const name of all) expect(name).toMatch(/^[a-z]+$/);
});

test("an unknown name is refused with the nearest", () => {
  expect(() => findIndicator("macdd")).toThrow(UnknownIndicatorError);
  expect(() => findIndicator("macdd")).toThrow('No indicator is called "macdd". Did you mean "macd"?');
});

test("all wrong parameters are named at once", () => {
  const wrong = (): unknown => makeIndicatorSpec("r", "rsi", { period: 1.5, perod: 3, source: "mid" });
  expect(wrong).toThrow("period is 1.5");
  expect(wrong).toThrow('source is "mid"');
  expect(wrong).toThrow('unknown parameter "perod", did you mean "period"? Known: period, source');
});

test("an indicator of volume says so where there is none", () => {
  const quotes = barsOf({ close: [1, 2, 3], volume: [0, 0, 0] });
  const compute = (name: string, params = {}): unknown =>
    computeIndicators(quotes, [makeIndicatorSpec("f", name, params)], neverCancelled);
  for (const name of ["mfi", "obv", "vwap", "volumeratio", "cmf", "adline"]) {
    expect(() => compute(name), name).toThrow(MissingVolumeError);
  }
  expect(() => compute("sma", { source: "volume" })).toThrow(
    '"sma" (f) needs volume, and the bars of TEST have none',
  );
  expect(() => compute("sma")).not.toThrow();
});

test("the token is looked at before each indicator", () => {
  let looks = 0;
  const token = {
    get isCancelled(): boolean {
      return ++looks > 2;
    },
  };
  const three = ["sma", "rsi", "atr"].map((name) => makeIndicatorSpec(name, name));
  expect(() => computeIndicators(bars, three, token)).toThrow(CancelledError);
  expect(looks).toBe(3);
});

test("equal indicators under two ids are computed once", () => {
  const twice = ["a", "b"].map((id) => makeIndicatorSpec(id, "rsi"));
  const computed = computeIndicators(bars, twice, neverCancelled);
  expect(computed.column("a")).toBe(computed.column("b.rsi"));
  expect(computed.column("c")).toBeUndefined();
});

test("docs/indicators.md has every indicator with its definition and says what it is checked against", () => {
  const table = readFileSync(new URL("../../docs/indicators.md", import.meta.url), "utf8");
  for (const { name, definition } of Object.values(indicators)) {
    const row = table.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? "";
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    expect(cells[4], name).toBe(definition);
    expect(cells[5]?.length, name).toBeGreaterThan(4);
  }
});
