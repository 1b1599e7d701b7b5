import type { ModelContents } from "../src/models/index.js";

/** A small network of 2-4-3 units with all that a model's folder holds; `mark` makes its weights its own. */
export function sampleModel(changes: Partial<ModelContents> = {}, mark = 0): ModelContents {
  const first = Float32Array.from({ length: 8 }, (_, i) => i / 8 + mark);
  const second = Float32Array.from({ length: 12 }, (_, i) => -i);
  return {
    strategyName: "example",
    timeframe: "1d",
    weights: [
      { outputs: 4, inputs: 2, weight: first, bias: new Float32Array(4) },
      { outputs: 3, inputs: 4, weight: second, bias: new Float32Array(3) },
    ],
    strategy: { name: "example", indicators: [{ name: "rsi", period: 14 }] },
    features: { feature_names: ["1d_rsi_oversold", "1d_rsi_overbought"] },
    metrics: {
      training_metrics: { best_val_accuracy: 0.5, history: { val_loss: [1.1, 1] } },
      test_metrics: { test_accuracy: 0.25, test_loss: 1.2 },
    },
    metadata: { created_at: "2024-01-02T03:04:05.678Z", seed: 42 },
    onnx: new TextEncoder().encode("stands for an ONNX file"),
    ...changes,
  };
}
