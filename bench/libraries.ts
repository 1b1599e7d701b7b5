import * as signals from "trading-signals";
import type { Bars } from "../src/data/index.js";
import { loadTaLib, plainColumns, type Candle } from "../test/indicator-sources.js";
import { makeBars } from "../test/bars.js";
import { importBuilt } from "./built.js";
import { barsText, figure, measured, type Bench, type Measure, type Target } from "./measure.js";
import { interleave, median, timed, type Variant } from "./timing.js";

/** An indicator that both libraries have, with our default parameters. */
interface Rival {
  /** Our name of it. */
  readonly name: string;
  /** A fresh indicator of trading-signals, which takes bar by bar. */
  readonly signals: () => (bar: Candle) => unknown;
  /** The function of talib.js, which takes whole columns. */
  readonly taLib: string;
  readonly options?: Readonly<Record<string, number>>;
}

/** What takes prices one by one. */
interface OfPrice {
  update(price: number, replace: boolean): unknown;
}

/** What takes whole bars. */
interface OfBar {
  update(bar: Candle, replace: boolean): unknown;
}

const ofClose = (make: () => OfPrice) => () => {
  const indicator = make();
  return ({ close }: Candle) => indicator.update(close, false);
};

const ofBar = (make: () => OfBar) => () => {
  const indicator = make();
  return (bar: Candle) => indicator.update(bar, false);
};

/**
 * Not among them: BBANDS and STOCH, of which talib.js returns wrong numbers, and what only one library has. What the columns
 * hold is compared in the tests of the indicators.
 */
const rivals: readonly Rival[] = [
  { name: "sma", signals: ofClose(() => new signals.SMA(20)), taLib: "SMA", options: { timePeriod: 20 } },
  { name: "ema", signals: ofClose(() => new signals.EMA(20)), taLib: "EMA", options: { timePeriod: 20 } },
  { name: "rsi", signals: ofClose(() => new signals.RSI(14)), taLib: "RSI", options: { timePeriod: 14 } },
  {
    name: "macd",
    signals: ofClose(() => new signals.MACD(new signals.EMA(12), new signals.EMA(26), new signals.EMA(9))),
    taLib: "MACD",
  },
  {
    name: "momentum",
    signals: ofClose(() => new signals.MOM(10)),
    taLib: "MOM",
    options: { timePeriod: 10 },
  },
  { name: "roc", signals: ofClose(() => new signals.ROC(10)), taLib: "ROC", options: { timePeriod: 10 } },
  {
    name: "williamsr",
    signals: ofBar(() => new signals.WilliamsR(14)),
    taLib: "WILLR",
    options: { timePeriod: 14 },
  },
  { name: "atr", signals: ofBar(() => new signals.ATR(14)), taLib: "ATR", options: { timePeriod: 14 } },
  { name: "adx", signals: ofBar(() => new signals.ADX(14)), taLib: "ADX", options: { timePeriod: 14 } },
  { name: "cci", signals: ofBar(() => new signals.CCI(20)), taLib: "CCI", options: { timePeriod: 20 } },
  { name: "mfi", signals: ofBar(() => new signals.MFI(14)), taLib: "MFI", options: { timePeriod: 14 } },
  { name: "obv", signals: ofBar(() => new signals.OBV(2)), taLib: "OBV" },
  { name: "adline", signals: ofBar(() => new signals.AD()), taLib: "AD" },
  { name: "aroon", signals: ofBar(() => new signals.Aroon(14)), taLib: "AROON", options: { timePeriod: 14 } },
  {
    name: "parabolicsar",
    signals: ofBar(() => new signals.PSAR({ accelerationStep: 0.02, accelerationMax: 0.2 })),
    taLib: "SAR",
    options: { acceleration: 0.02, maximum: 0.2 },
  },
];

/** Ours and theirs over some bars, in nanoseconds a bar; talib.js only where it is given. */
async function compare(
  { makeIndicatorSpec, neverCancelled }: Awaited<ReturnType<typeof importBuilt>>,
  { name, signals: start, taLib, options }: Rival,
  bars: Bars,
  library: Awaited<ReturnType<typeof loadTaLib>> | null,
): Promise<Record<string, number>> {
  const { indicator, params } = makeIndicatorSpec(name, name);
  const { time, open, high, low, close, volume } = bars;
  const count = time.length;
  const candles = Array.from({ length: count }, (_, t): Candle => ({
    open: open[t],
    high: high[t],
    low: low[t],
    close: close[t],
    volume: volume[t],
  }));
  const variants: Record<string, Variant> = {
    ours: () => timed(() => indicator.compute(bars, params, neverCancelled)),
    "trading-signals": () =>
      timed(() => {
        const update = start();
        const values: unknown[] = [];
        for (const candle of candles) values.push(update(candle));
        if (values[count - 1] === null) throw new Error(`${name} of trading-signals has no value`);
      }),
  };
  if (library !== null) {
    const input = { ...plainColumns(bars), ...options };
    variants["talib.js"] = () => timed(() => library[taLib](input));
  }
  const times = await interleave(variants, count > 10_000 ? 3 : 9);
  return Object.fromEntries(Object.entries(times).map(([who, ms]) => [who, (median(ms) * 1e6) / count]));
}

/** Indicators against trading-signals (TypeScript) and talib.js (TA-Lib as WebAssembly), in the same rounds. */
export const benchLibraries: Bench = async ({ quick, note }) => {
  const built = await importBuilt();
  const library = await loadTaLib();
  const made = (count: number): Bars => makeBars({ count, timeframe: "1m", volatility: 0.001 });
  const results: Measure[] = [];
  const report = (called: string, bars: Bars, ns: Record<string, number>, target?: Target): void => {
    const size = barsText(bars.time.length);
    const texts = Object.entries(ns).map(([who, value]) => `${figure(value)} ${who}`);
    note(`${called}, ${size}: ns/bar ${texts.join(", ")}`);
    for (const [who, value] of Object.entries(ns)) {
      if (who === "ours") continue;
      const theirs = who === "trading-signals" ? target : undefined;
      results.push(measured(`${called} over ${size} against ${who}`, value / ns["ours"], "x", theirs));
    }
  };

  const long = made(quick ? 100_000 : 1_000_000);
  const rsi = rivals.find(({ name }) => name === "rsi")!;
  report("RSI(14)", long, await compare(built, rsi, long, null), { atLeast: 5, aim: 10, better: "higher" });
  // talib.js does not give all its memory back and ends after some million bars in all.
  const bars = made(10_000);
  for (const rival of rivals) report(rival.name, bars, await compare(built, rival, bars, library));
  return results;
};
