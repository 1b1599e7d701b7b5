import { UsageError } from "../core/index.js";
import type { Explanation, ModelTest, ModelUse, Prediction } from "../pipeline/index.js";
import { apiOf, asksBackend } from "./api.js";
import { timeframeOf } from "./bars-input.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import { csvOf } from "./csv.js";
import { ruleText } from "./models-rules.js";
import {
  alignRows,
  type CommonOptions,
  foldersOf,
  formatOf,
  type OutputFormat,
  printData,
  printText,
  printJson,
  stoppable,
  wantsJson,
  warn,
} from "./io.js";

interface UseOptions extends CommonOptions {
  symbol: string;
  timeframe: string;
  startDate?: string;
  endDate?: string;
}

/** `ktrdr models test|predict`. */
export const registerModelUseCommands: RegisterCommands = (program) => {
  const models = groupOf(program, "models", "Train, list, inspect, test and use models.");
  const use = (name: string, description: string): ReturnType<typeof withCommonOptions> =>
    asksBackend(withCommonOptions(models.command(name)))
      .description(description)
      .argument("<model>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
      .requiredOption("--symbol <symbol>", "symbol whose bars to read")
      .requiredOption("--timeframe <timeframe>", "the model's timeframe")
      .option("--start-date <date>", "first day, included")
      .option("--end-date <date>", "last day, included whole");
  use("test", "Evaluate a saved model on any symbol and range, without training.").action(
    async (name: string, options: UseOptions) => {
      const json = wantsJson(options);
      const result = await tested(name, options);
      for (const text of result.notices) warn(text);
      if (json) printJson(result);
      else printText(testText(result));
    },
  );
  use("predict", "Probabilities, signal and memberships for the last bar, or for each bar of a range.")
    .option("--explain", "the memberships and the rule behind each signal (text, json)")
    .action(predict);
};

async function tested(name: string, options: UseOptions): Promise<ModelTest> {
  const api = await apiOf(options, true);
  if (api !== null) return api.data("/models/test", { method: "POST", body: bodyOf(name, options) });
  const { testModel } = await import("../pipeline/index.js");
  const use = await useOf(name, options);
  return testModel({ ...use, trials: await trialsOf(use, options) }, stoppable());
}

/** What the backend takes. */
function bodyOf(model: string, { symbol, timeframe, startDate, endDate }: UseOptions): object {
  return { model, symbol, timeframe, start_date: startDate, end_date: endDate };
}

function printPredictions(predictions: readonly Prediction[], format: OutputFormat): void {
  if (format === "json") printJson(predictions);
  else if (format === "csv") printData(predictionsCsv(predictions));
  else printData(predictionsText(predictions));
}

async function predict(name: string, options: UseOptions & { explain?: boolean }): Promise<void> {
  const format = formatOf(options);
  if (options.explain && format === "csv") {
    throw new UsageError(
      "--explain: a table has no room for explanations. Use --json, or leave out --format csv.",
    );
  }
  const { predictions, explanations, statement, notices } = await predicted(name, options);
  for (const text of notices) warn(text);
  if (explanations === undefined) return printPredictions(predictions, format);
  if (format === "json") {
    printJson(predictions.map((prediction, i) => ({ ...prediction, explanation: explanations[i] })));
  } else {
    const texts = predictions.map((prediction, i) => explainedText(prediction, explanations[i]));
    printText([...texts, ...(statement ? [statement] : [])].join("\n\n"));
  }
}

/** Predictions, and what is behind them where that was asked for. */
interface Predicted {
  readonly predictions: readonly Prediction[];
  readonly notices: readonly string[];
  readonly explanations?: readonly Explanation[];
  readonly statement?: string | null;
}

async function predicted(name: string, options: UseOptions & { explain?: boolean }): Promise<Predicted> {
  const { explain = false } = options;
  const api = await apiOf(options, true);
  if (api !== null) {
    return api.data("/models/predict", { method: "POST", body: { ...bodyOf(name, options), explain } });
  }
  const { predictBars, explainPredictions } = await import("../pipeline/index.js");
  const use = await useOf(name, options);
  const token = stoppable();
  const found = await predictBars(use, token);
  if (!explain) return found;
  const explained = await explainPredictions(use.model, use.dataManager, found.predictions, token);
  return { ...found, ...explained, notices: [...found.notices, ...explained.notices] };
}

async function useOf(name: string, options: UseOptions): Promise<ModelUse> {
  const [{ ModelStorage }, { BarStore, DataManager, parseDateRange }] = await Promise.all([
    import("../models/index.js"),
    import("../data/index.js"),
  ]);
  const { startDate = null, endDate = null, symbol } = options;
  const timeframe = await timeframeOf("--timeframe", options.timeframe);
  parseDateRange(startDate, endDate);
  const folders = foldersOf(options);
  const model = new ModelStorage(folders.models).load(name);
  return {
    model,
    symbol,
    timeframe,
    startDate,
    endDate,
    dataManager: new DataManager(new BarStore(folders.data)),
  };
}

/** Runs on the same data that registry and models folder hold; the model's own among them, where it was trained on these. */
async function trialsOf({ symbol, startDate, endDate }: ModelUse, options: UseOptions): Promise<number> {
  const [{ OperationStore, trialsOn }, { parseDateRange }] = await Promise.all([
    import("../operations/index.js"),
    import("../data/index.js"),
  ]);
  const folders = foldersOf(options);
  const store = new OperationStore(folders.operations);
  try {
    return trialsOn(store, folders, { symbols: [symbol], ...parseDateRange(startDate, endDate) }, null);
  } finally {
    store.close();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function testText(result: ModelTest): string {
  const { model, symbol, timeframe, start_date, end_date, samples, verdict } = result;
  const lines = [
    `Model ${model} on ${symbol} ${timeframe}, ${start_date} to ${end_date}: ${samples} samples`,
    "",
  ];
  if ("test_accuracy" in result) {
    const rows = [["class", "precision", "recall", "F1", "samples"]];
    for (const [name, scores] of Object.entries(result.per_class)) {
      const figures =
        scores.precision === null
          ? ["too few", "too few", "too few"]
          : [percent(scores.precision), percent(scores.recall), percent(scores.f1_score)];
      rows.push([name, ...figures, String(scores.support)]);
    }
    lines.push(
      `accuracy ${percent(result.test_accuracy)} (always the commonest class: ${percent(result.majority_class_accuracy)}), ` +
        `loss ${result.test_loss.toFixed(4)}`,
      "",
      alignRows(rows),
      "",
    );
  }
  lines.push(
    `${result.bars_in_training_range} of these bars lie in the time the model was trained on; ` +
      `${result.inputs_outside_training_range} input values lie outside what it was trained on.`,
    "",
    verdict.statement,
  );
  return lines.join("\n");
}

function predictionsText(predictions: readonly Prediction[]): string {
  if (predictions.length > 1) {
    const rows = predictions.map(({ timestamp, signal, probabilities: { BUY, HOLD, SELL } }) => [
      timestamp,
      signal,
      ...[BUY, HOLD, SELL].map(percent),
    ]);
    return alignRows([["timestamp", "signal", "BUY", "HOLD", "SELL"], ...rows]);
  }
  const [{ timestamp, signal, probabilities, memberships }] = predictions;
  const active = Object.entries(memberships)
    .filter(([, degree]) => degree > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, degree]) => [`  ${name}`, degree.toFixed(3)]);
  const shares = Object.entries(probabilities).map(([name, share]) => `${name} ${percent(share)}`);
  return [
    `${timestamp}: ${signal}`,
    `  ${shares.join("  ")}`,
    "",
    "Active memberships:",
    alignRows(active),
  ].join("\n");
}

function explainedText(
  { timestamp, signal, probabilities }: Prediction,
  { memberships, rule, rules_say }: Explanation,
): string {
  const shares = Object.entries(probabilities).map(([name, share]) => `${name} ${percent(share)}`);
  const points = (effect: number): string => `${effect >= 0 ? "+" : ""}${(100 * effect).toFixed(1)}`;
  const rows = memberships.map(({ words, degree, effect }) => [
    `  ${words}`,
    degree.toFixed(3),
    points(effect),
  ]);
  const lines = [
    `${timestamp}: ${signal}`,
    `  ${shares.join("  ")}`,
    "",
    alignRows([["  membership", "degree", `points of ${signal}`], ...rows]),
  ];
  if (rules_say !== null) {
    const says =
      rule === null ? `No rule holds; the list ends with: else ${rules_say}` : `Rule: ${ruleText(rule)}`;
    lines.push("", rules_say === signal ? says : `${says}. Here the network does otherwise: ${signal}.`);
  }
  return lines.join("\n");
}

function predictionsCsv(predictions: readonly Prediction[]): string {
  const rows = predictions.map(({ timestamp, signal, probabilities, memberships }) => ({
    timestamp,
    signal,
    ...probabilities,
    ...memberships,
  }));
  return csvOf(Object.keys(rows[0]) as (keyof (typeof rows)[number])[], rows);
}
