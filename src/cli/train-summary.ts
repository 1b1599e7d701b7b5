import type { TrainingResult } from "../pipeline/index.js";
import { phases, phaseTexts } from "../core/index.js";
import { leakText } from "./leak-text.js";

/** How this person starts ktrdr: through npx in a clone, or by its name. */
export function commandName(env: NodeJS.ProcessEnv = process.env): string {
  return env["npm_command"] === "exec" ? "npx ktrdr" : "ktrdr";
}

const percent = (share: number | null): string => (share === null ? "-" : `${(100 * share).toFixed(1)} %`);
const seconds = (value: number): string => (value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(0)} s`);

const causes: Readonly<Record<string, string>> = {
  warm_up: "in warm-up",
  no_label: "without a label yet",
  purged: "purged",
  embargoed: "embargoed",
  undefined_feature: "with an undefined feature",
};

function sampleLines({ per_symbol }: TrainingResult["data_summary"]): string[] {
  return Object.entries(per_symbol).map(([symbol, { bars, train, validation, test, dropped }]) => {
    const out = Object.entries(dropped).filter(([, count]) => count > 0);
    const why = out.map(([cause, count]) => `${count} ${causes[cause] ?? cause}`).join(", ");
    const rest = out.length === 0 ? "" : `; not used: ${why}`;
    return `${symbol}: ${bars} bars = ${train} train + ${validation} validation + ${test} test samples${rest}`;
  });
}

function longest(receipt: TrainingResult["time_receipt"]): string {
  const spent = phases.map((phase) => [phase, receipt[phase] ?? 0] as const);
  const [phase, time] = spent.reduce((a, b) => (b[1] > a[1] ? b : a));
  return `${phaseTexts[phase]} took longest, ${seconds(time)}.`;
}

/** The end of a training as a person reads it: what was learnt, how well, where it is, and what to type next. */
export function trainingText(result: TrainingResult): string {
  const {
    model_name: name,
    model_path,
    training_metrics: training,
    test_metrics: test,
    data_summary: data,
  } = result;
  const [symbol] = data.symbols;
  const ktrdr = commandName();
  const use = `--symbol ${symbol} --timeframe ${data.base_timeframe}`;
  return [
    "",
    `Model ${name}`,
    `  data        ${data.symbols.join(" ")}, ${data.timeframes.join(" ")}, ${data.start_date} to ${data.end_date}; ${data.feature_count} inputs`,
    ...sampleLines(data).map((line, index) => `  ${index === 0 ? "samples " : "        "}    ${line}`),
    `  training    ${training.epochs_trained} epochs${training.stopped_early ? " (stopped early)" : ""}, ${validationText(training)}`,
    "test_accuracy" in test
      ? `  test        accuracy ${percent(test.test_accuracy)}, always the commonest class ${percent(test.majority_class_accuracy)}, loss ${test.test_loss.toFixed(4)}`
      : `  test        no samples`,
    `  network     ${result.model_info.architecture}, ${result.model_info.parameters_count} parameters`,
    ...(result.engine_choice === undefined
      ? []
      : [`  engine      ${result.resource_usage.engine}, ${result.engine_choice}`]),
    `  receipt     ${leakText(result.leak_receipt)}`,
    `  files       ${model_path}`,
    "",
    result.verdict.statement,
    "",
    `It took ${seconds(result.time_receipt.total)}. ${longest(result.time_receipt)}`,
    "",
    "Next:",
    `  ${ktrdr} models show ${name}`,
    `  ${ktrdr} models test ${name} ${use}`,
    `  ${ktrdr} models predict ${name} ${use}`,
  ].join("\n");
}

function validationText({
  best_epoch,
  best_val_loss,
  best_val_accuracy,
  selected_by,
}: TrainingResult["training_metrics"]): string {
  if (selected_by === "last_epoch" || best_val_loss === null)
    return "the last one saved (no validation part, so nothing was selected)";
  return `best was epoch ${best_epoch}: validation loss ${best_val_loss.toFixed(4)}, accuracy ${percent(best_val_accuracy)}`;
}
