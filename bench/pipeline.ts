import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strategyText } from "../test/journey-strategies.js";
import { runKtrdr, storeBars } from "./commands.js";
import { figure, measured, type Bench, type Measure } from "./measure.js";
import { strategyPath, tenYears } from "./processes.js";
import { median, spread } from "./timing.js";

/** Ten indicators, each with sets that nobody need think about: only their number and cost matter. */
function tenIndicators(epochs: number): string {
  const indicators = [
    "rsi, feature_id: rsi_14, period: 14",
    "ema, feature_id: ema_20, period: 20",
    "sma, feature_id: sma_50, period: 50",
    "macd, feature_id: macd_12_26",
    "atr, feature_id: atr_14, period: 14",
    "adx, feature_id: adx_14, period: 14",
    "bbands, feature_id: bbands_20, period: 20",
    "stochastic, feature_id: stoch_14",
    "williamsr, feature_id: wr_14, period: 14",
    "roc, feature_id: roc_10, period: 10",
  ];
  const set = (low: number, high: number): string => `
    low: { type: trapezoidal, parameters: [${low}, ${low}, ${low + (high - low) / 4}, ${(low + high) / 2}] }
    high: { type: sigmoid, parameters: [${(low + high) / 2}, ${8 / (high - low)}] }`;
  const ratio = `
    input_transform: { type: price_ratio, reference: close }`;
  const sets: Record<string, string> = {
    rsi_14: set(0, 100),
    ema_20: ratio + set(0.98, 1.02),
    sma_50: ratio + set(0.97, 1.03),
    macd_12_26: set(-1, 1),
    atr_14: ratio + set(100, 3000),
    adx_14: set(0, 60),
    bbands_20: ratio + set(0.97, 1.03),
    stoch_14: set(0, 100),
    wr_14: set(-100, 0),
    roc_10: set(-3, 3),
  };
  return strategyText({
    name: "ten_indicators",
    training_data: `
  symbols: { mode: single, symbol: SYN1 }
  timeframes: { mode: single, timeframe: 1m }`,
    indicators: `\n${indicators.map((text) => `  - { name: ${text} }`).join("\n")}`,
    fuzzy_sets: Object.entries(sets)
      .map(([id, text]) => `\n  ${id}:${text}`)
      .join(""),
    model: `
  architecture: { hidden_layers: [32, 16], activation: relu, dropout: 0.1 }
  training: { epochs: ${epochs}, batch_size: 1024, learning_rate: 0.003 }`,
  });
}

/** Whole trainings in processes of their own: wall time and the most memory they had. */
export const benchPipeline: Bench = async ({ quick, engine, note }) => {
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-bench-"));
  const results: Measure[] = [];
  try {
    const symbols = Array.from({ length: 10 }, (_, i) => `SYN${i + 1}`);
    await storeBars(folder, symbols, tenYears);
    const train = ["models", "train", "--engine", engine, "--strategy"];
    // 10 symbols have ten times the samples of one; what a run costs before its first sample shows in the difference.
    for (const count of quick ? [3] : [1, 3, 10]) {
      const args = [...train, strategyPath, "--symbols", ...symbols.slice(0, count), "--timeframes", "1d"];
      const costs = Array.from({ length: quick ? 1 : 5 }, () =>
        runKtrdr(folder, [...args, "--epochs", "100"], true),
      );
      const name = `models train of example.yaml, ${count} symbol${count === 1 ? "" : "s"} × 10 years daily, 100 epochs`;
      note(`${name}: ${spread(costs.map(({ ms }) => ms))} ms`);
      results.push(measured(`${name}: wall time`, median(costs.map(({ ms }) => ms)) / 1000, "s"));
      results.push(measured(`${name}: peak memory`, median(costs.map(({ peakGiB }) => peakGiB ?? 0)), "GiB"));
    }

    const minutes = 1_000_000;
    // Memory does not grow with epochs, and a quick run has no time for ten.
    const epochs = quick ? 1 : 10;
    const strategy = join(folder, "ten_indicators.yaml");
    writeFileSync(strategy, tenIndicators(epochs));
    await storeBars(folder, ["SYN1"], minutes, "1m");
    const { ms, peakGiB } = runKtrdr(folder, [...train, strategy, "--symbols", "SYN1"], true);
    const name = "models train, 1,000,000 one-minute bars, 10 indicators, 10 epochs, batch 1024";
    note(`${name}: ${figure(ms / 1000)} s, ${figure(peakGiB ?? 0)} GiB${quick ? " (with 1 epoch)" : ""}`);
    const target = { atLeast: 1.5, aim: 0.8, better: "lower" } as const;
    results.push(measured(`${name}: peak memory`, peakGiB, "GiB", target));
    if (!quick) results.push(measured(`${name}: wall time`, ms / 1000, "s"));
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
