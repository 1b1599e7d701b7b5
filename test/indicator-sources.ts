import { createRequire } from "node:module";
import { expect } from "vitest";
import { neverCancelled } from "../src/core/index.js";
import type { Bars } from "../src/data/index.js";
import { computeIndicators, makeIndicatorSpec } from "../src/indicators/index.js";

/** A random walk in cents with gaps, ties, flat bars and whole volumes: what markets do, in small. Seeded. */
export function exampleBars(n: number, seed = 1): Bars {
  let state = seed >>> 0 || 1;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const columns = Array.from({ length: 6 }, () => new Float64Array(n));
  const [time, open, high, low, close, volume] = columns;
  const cents = (price: number): number => Math.max(1, Math.round(price * 100)) / 100;
  let price = 100;
  for (let t = 0; t < n; t++) {
    time[t] = t * 86_400_000;
    open[t] = cents(price * (1 + (random() - 0.5) * 0.01));
    close[t] = cents(open[t] * (1 + (random() - 0.5) * 0.04));
    const flat = random() < 0.02;
    if (flat) close[t] = open[t];
    high[t] = flat ? open[t] : cents(Math.max(open[t], close[t]) * (1 + random() * 0.01));
    low[t] = flat ? open[t] : cents(Math.min(open[t], close[t]) * (1 - random() * 0.01));
    volume[t] = Math.round(1000 + random() * 100_000);
    price = close[t];
  }
  const meta = { source: "test", adjustment: "none", currency: null, dayTimezone: null } as const;
  return { symbol: "TEST", timeframe: "1d", time, open, high, low, close, volume, meta };
}

/** Bars made of these columns; missing prices are the close (or what is given), missing volume is 1. */
export function barsOf(
  given: Partial<Record<"open" | "high" | "low" | "close" | "volume", ArrayLike<number>>>,
): Bars {
  const some = given.close ?? given.high ?? given.volume ?? [];
  const n = some.length;
  const column = (values: ArrayLike<number>): Float64Array => Float64Array.from(values);
  const prices = (values: ArrayLike<number> | undefined): Float64Array =>
    column(values ?? given.close ?? some);
  return {
    ...exampleBars(n),
    open: prices(given.open),
    high: prices(given.high),
    low: prices(given.low),
    close: prices(given.close),
    volume: column(given.volume ?? new Float64Array(n).fill(1)),
  };
}

/** All columns of an indicator by output name. */
export function outputsOver(
  bars: Bars,
  name: string,
  params: Record<string, unknown> = {},
): Record<string, Float64Array> {
  const computed = computeIndicators(bars, [makeIndicatorSpec("x", name, params)], neverCancelled);
  const outputs: Record<string, Float64Array> = {};
  for (const id of computed.ids.slice(1)) outputs[id.slice(2)] = computed.column(id) ?? new Float64Array();
  return outputs;
}

/** The primary output of an indicator. */
export function primaryOver(bars: Bars, name: string, params: Record<string, unknown> = {}): Float64Array {
  return (
    computeIndicators(bars, [makeIndicatorSpec("x", name, params)], neverCancelled).column("x") ??
    new Float64Array()
  );
}

type TaLib = Record<string, (input: Record<string, unknown>) => Record<string, number[]>>;
let loaded: Promise<TaLib> | undefined;

/** TA-Lib's functions by their names in capitals; loaded once. */
export const loadTaLib = (): Promise<TaLib> => (loaded ??= readTaLib());

/** The bars' columns as talib.js takes them: plain arrays, and the close once more as the input of one-column functions. */
export function plainColumns({ open, high, low, close, volume }: Bars): Record<string, number[]> {
  return {
    inReal: [...close],
    open: [...open],
    high: [...high],
    low: [...low],
    close: [...close],
    volume: [...volume],
  };
}

async function readTaLib(): Promise<TaLib> {
  // Its loader prefers fetch, which in Node cannot read the file beside it.
  const { fetch } = globalThis;
  Reflect.deleteProperty(globalThis, "fetch");
  try {
    const library = createRequire(import.meta.url)("talib.js") as TaLib & { init(): Promise<void> };
    await library.init();
    return library;
  } finally {
    globalThis.fetch = fetch;
  }
}

/**
 * A function of TA-Lib (the C library, as WebAssembly) over the bars. talib.js returns wrong numbers for its BBANDS,
 * STDDEV and STOCH (memory that overlaps), so these are made of VAR, WILLR and SMA instead.
 *
 * @param lookback values before its first one; the library returns them behind the last one, as zeros
 * @returns its columns, each as long as the bars
 */
export async function taLib(
  bars: Bars,
  name: string,
  lookback: number,
  options: Record<string, unknown> = {},
): Promise<Record<string, Float64Array>> {
  const library = await loadTaLib();
  const input = plainColumns(bars);
  const columns: Record<string, Float64Array> = {};
  for (const [output, values] of Object.entries(library[name]({ ...input, ...options }))) {
    const column = new Float64Array(values.length).fill(NaN);
    column.set(values.slice(0, Math.max(0, values.length - lookback)), Math.min(lookback, values.length));
    columns[output] = column;
  }
  return columns;
}

/** One bar as trading-signals takes it. */
export interface Candle {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** Feeds the bars one by one to an indicator of trading-signals; NaN where it has no value yet. */
export function streamed(bars: Bars, update: (candle: Candle) => number | null | undefined): Float64Array {
  return bars.time.map((_, t) => {
    const value = update({
      open: bars.open[t],
      high: bars.high[t],
      low: bars.low[t],
      close: bars.close[t],
      volume: bars.volume[t],
    });
    return value ?? NaN;
  });
}

/** Greatest difference of two columns from `from` on, relative to values above 1; Infinity where only one has a value. */
export function greatestDifference(actual: Float64Array, expected: Float64Array, from = 0): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let t = from; t < expected.length; t++) {
    if (Number.isNaN(actual[t]) && Number.isNaN(expected[t])) continue;
    const difference = Math.abs(actual[t] - expected[t]) / Math.max(1, Math.abs(expected[t]));
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/** Both libraries keep running sums, which lose some 1e-12 over a thousand bars; an error in a formula is far above. */
export const rounding = 1e-9;

/** Expects equal columns, NaN in the same places, up to `tolerance`. */
export function expectColumn(
  actual: Float64Array,
  expected: Float64Array,
  tolerance = rounding,
  from = 0,
): void {
  expect(greatestDifference(actual, expected, from), "greatest difference").toBeLessThanOrEqual(tolerance);
  expect(
    expected.subarray(from).some((value) => !Number.isNaN(value)),
    "the source has values",
  ).toBe(true);
}
