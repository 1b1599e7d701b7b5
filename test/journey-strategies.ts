/** A small strategy for tests: two indicators, five sets, a small network; `more` replaces whole sections. */
export function strategyText(more: Readonly<Record<string, string>> = {}): string {
  const sections: Record<string, string> = {
    name: "journey",
    version: '"2.1"',
    training_data: `
  symbols: { mode: single, symbol: SYN1 }
  timeframes: { mode: single, timeframe: 1d }`,
    indicators: `
  - { name: rsi, feature_id: rsi_14, period: 14 }
  - { name: ema, feature_id: ema_20, period: 20 }`,
    fuzzy_sets: `
  rsi_14:
    low: { type: trapezoidal, parameters: [0, 0, 30, 50] }
    middle: { type: gaussian, parameters: [50, 12] }
    high: { type: trapezoidal, parameters: [50, 70, 100, 100] }
  ema_20:
    input_transform: { type: price_ratio, reference: close }
    below: { type: sigmoid, parameters: [0.99, -200] }
    above: { type: sigmoid, parameters: [1.01, 200] }`,
    model: `
  architecture: { hidden_layers: [16, 8], activation: relu, dropout: 0.1 }
  training: { epochs: 5, batch_size: 32, learning_rate: 0.003 }`,
    training: `
  labels: { source: triple_barrier, horizon: 10, target: 2, stop: 2, atr_period: 14 }
  data_split: { train: 0.7, validation: 0.15, test: 0.15 }`,
    ...more,
  };
  return Object.entries(sections)
    .map(([key, value]) => `${key}: ${value.trimStart() === value ? value : value.trimEnd()}`)
    .join("\n");
}
