import type { Scatter, SeedsResult } from "../orchestration/index.js";
import { commandName } from "./train-summary.js";

const scatter = ({ mean, deviation }: Scatter, digits: number, factor = 1, unit = ""): string => {
  if (mean === null) return "not measured";
  const spread = deviation === null ? "" : ` ± ${(factor * deviation).toFixed(digits)}`;
  return `${(factor * mean).toFixed(digits)}${spread}${unit}`;
};

/** The end of a training from several seeds as a person reads it. */
export function seedsText({ runs, seeds, summary }: SeedsResult): string {
  const lines = runs.map(({ model_name, training_metrics: training, test_metrics: test }, k) => {
    const loss = training.best_val_loss?.toFixed(4) ?? "-";
    const accuracy = "test_accuracy" in test ? `${(100 * test.test_accuracy).toFixed(1)} %` : "-";
    return `  ${String(seeds[k]).padEnd(10)}  ${model_name.padEnd(28)}  ${loss.padStart(8)}  ${accuracy.padStart(8)}`;
  });
  const name = runs[0].model_name;
  return [
    "",
    `  ${"seed".padEnd(10)}  ${"model".padEnd(28)}  val_loss      test`,
    ...lines,
    "",
    `Mean ± standard deviation of ${runs.length} ${runs.length === 1 ? "run" : "runs"}`,
    `  validation  loss ${scatter(summary.best_val_loss, 4)}, accuracy ${scatter(summary.best_val_accuracy, 1, 100, " %")}`,
    `  test        loss ${scatter(summary.test_loss, 4)}, accuracy ${scatter(summary.test_accuracy, 1, 100, " %")}, ` +
      `always the commonest class ${scatter(summary.majority_class_accuracy, 1, 100, " %")}`,
    "",
    "Differences between seeds are chance. Choosing the best of them by its test figure would be choosing by chance.",
    "",
    "Next:",
    `  ${commandName()} models show ${name}`,
  ].join("\n");
}
