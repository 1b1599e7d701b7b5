import { createRandom, type Bars } from "../src/index.js";
import { makeBars } from "./bars.js";

/**
 * Daily bars whose every return remembers a share of the one before, so that it correlates by that share with the state of a
 * one-bar rate of change; 0 for a random walk.
 */
export function barsWithMemory(symbol: string, memory: number, count: number, seed: number): Bars {
  const bars = makeBars({ symbol, count });
  const random = createRandom(seed, `bars with memory ${symbol}`);
  const noise = 0.01 * Math.sqrt(1 - memory * memory);
  let [price, change] = [100, 0];
  for (let t = 0; t < count; t++) {
    bars.open[t] = price;
    change = memory * change + noise * random.normal();
    price *= Math.exp(change);
    bars.close[t] = price;
    bars.high[t] = Math.max(bars.open[t], price) * 1.001;
    bars.low[t] = Math.min(bars.open[t], price) / 1.001;
  }
  return bars;
}

/**
 * Where the seeds of calibrations begin. The verdict was chosen on those from 0 on; what it is reported to do was counted on
 * these, which nobody had looked at.
 */
export const firstSeed = 10_000;

/** Sections of a strategy that looks one bar back, for `strategyText`. */
export const oneBarBack = {
  indicators: `
  - { name: roc, feature_id: roc_1, period: 1 }`,
  fuzzy_sets: `
  roc_1:
    down: { type: sigmoid, parameters: [-0.5, -3] }
    up: { type: sigmoid, parameters: [0.5, 3] }`,
  training: `
  labels: { source: forward_return, horizon: 1, threshold: 0 }
  data_split: { train: 0.7, validation: 0.15, test: 0.15 }`,
  model: `
  architecture: { hidden_layers: [8], activation: tanh, dropout: 0 }
  training: { epochs: 15, batch_size: 32, learning_rate: 0.01 }`,
};
