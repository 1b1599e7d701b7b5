// Back-test signals of one's own: npx tsx examples/backtest-signals.ts
import { sampleBars } from "../src/index.js";
import { backtest, defaultSettings } from "../src/backtest/index.js";

const bars = await sampleBars({ symbol: "AAPL", timeframe: "1d", seed: 0 });

// BUY where the close is the highest of 50 days, SELL where it is the lowest of 25; decided at the close, filled at the next open.
const signals = bars.close.map((close, t) => {
  const highest = Math.max(...bars.close.subarray(Math.max(0, t - 49), t + 1));
  const lowest = Math.min(...bars.close.subarray(Math.max(0, t - 24), t + 1));
  return close === highest ? 1 : close === lowest ? -1 : 0;
});

const settings = { ...defaultSettings, commission: 0.001, slippage: 0.0005 };
const request = { bars, signals: Int8Array.from(signals), settings, trials: 1, seen: null, seed: 42 };
const { metrics, verdict } = backtest(request);
console.log(
  `${metrics.trades} trades, ${metrics.total_return_pct.toFixed(1)} %, ${metrics.costs.toFixed(0)} in costs`,
);
console.log(`Buy and hold: ${metrics.buy_and_hold_return_pct.toFixed(1)} %`);
console.log(verdict.statement);
