import { createRandom, timeframeMs, type Bars, type Timeframe } from "../src/index.js";

/** How to make bars. */
export interface MadeBars {
  readonly symbol?: string;
  readonly timeframe?: Timeframe;
  readonly count?: number;
  readonly start?: string;
  readonly seed?: number;
  /** Standard deviation of a bar's log return. */
  readonly volatility?: number;
}

/** A seeded random walk without gaps; every bar is sound. Not meant to look like a market, only to be cheap and known. */
export function makeBars(options: MadeBars = {}): Bars {
  const {
    symbol = "SYN1",
    timeframe = "1d",
    count = 600,
    start = "2020-01-01",
    seed = 1,
    volatility = 0.015,
  } = options;
  const random = createRandom(seed, `test bars ${symbol} ${timeframe}`);
  const first = Date.parse(`${start}T00:00:00Z`);
  const column = (): Float64Array => new Float64Array(count);
  const [time, open, high, low, close, volume] = [column(), column(), column(), column(), column(), column()];
  let price = 100;
  for (let t = 0; t < count; t++) {
    time[t] = first + t * timeframeMs[timeframe];
    open[t] = price;
    price = Math.max(1, price * (1 + volatility * random.normal()));
    close[t] = price;
    high[t] = Math.max(open[t], close[t]) * (1 + volatility * 0.5 * random.uniform());
    low[t] = Math.min(open[t], close[t]) * (1 - volatility * 0.5 * random.uniform());
    volume[t] = random.integer(1000, 9000);
  }
  const meta = { source: "test", adjustment: "none", currency: null, dayTimezone: null } as const;
  return { symbol, timeframe, time, open, high, low, close, volume, meta };
}
