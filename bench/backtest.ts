import { makeBars } from "../test/bars.js";
import { importBuilt } from "./built.js";
import { columnCosts, costLines } from "./columns.js";
import { barsText, measured, type Bench } from "./measure.js";

/** The back-test of a million minutes, prediction excluded: some three trades a day and some hundred a day; and its parts. */
export const benchBacktest: Bench = async ({ quick, note }) => {
  const { backtest, createRandom, defaultSettings, metricsOf, simulate } = await importBuilt();
  const count = quick ? 100_000 : 1_000_000;
  const size = barsText(count);
  const bars = makeBars({ count, timeframe: "1m", volatility: 0.001 });
  const settings = { ...defaultSettings, commission: 0.0001, slippage: 0.0001, fractional: true };
  const signalsWith = (share: number): Int8Array => {
    const random = createRandom(1, "signals");
    return Int8Array.from({ length: count }, () => {
      const u = random.uniform();
      return u < share ? 1 : u < 2 * share ? -1 : 0;
    });
  };
  const [few, many] = [signalsWith(0.005), signalsWith(0.1)];
  const request = { bars, settings, trials: 1, seen: 0, seed: 1 };
  const levels = { ...settings, stopLoss: 0.01, takeProfit: 0.02, shorts: true };
  const simulation = simulate(bars, few, settings);
  const { costs } = await columnCosts(
    {
      "back-test": () => backtest({ ...request, signals: few }),
      "back-test, many trades, stops": () => backtest({ ...request, settings: levels, signals: many }),
      "accounting alone": () => simulate(bars, few, settings),
      "figures alone": () => metricsOf(simulation, settings, 252),
    },
    count,
    quick ? 3 : 9,
  );
  note(`${simulation.trades.count} trades; with many ${simulate(bars, many, levels).trades.count}`);
  for (const line of costLines(costs)) note(line);
  const target = { atLeast: 60, aim: 30, better: "lower" } as const;
  return [
    measured(`back-test, prediction excluded, ${size}`, costs["back-test"].passes, "passes", target),
    measured(
      `back-test with many trades and stops, ${size}`,
      costs["back-test, many trades, stops"].passes,
      "passes",
    ),
  ];
};
