import { relative } from "node:path";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import { alignRows, foldersOf, formatOf, note, printData, printFailure, printJson, warn } from "./io.js";
import type { CommonOptions } from "./io.js";

type Plan = import("../strategy/index.js").StrategyPlan;

/** Paths as people type them: relative to the current folder where the file lies below it. */
function near(path: string): string {
  const short = relative("", path);
  return short.startsWith("..") ? path : short;
}

async function validate(nameOrPath: string, options: CommonOptions): Promise<void> {
  const json = formatOf(options) === "json";
  const { featureNames, findStrategy, loadStrategy, StrategyFileError } =
    await import("../strategy/index.js");
  const path = near(findStrategy(nameOrPath, foldersOf(options).strategies));
  try {
    const strategy = loadStrategy(path);
    for (const notice of strategy.notices) warn(notice);
    if (json) printJson({ valid: true, errors: [], notices: strategy.notices });
    else printData(`${path} is valid: strategy ${strategy.name}, ${featureNames(strategy).length} inputs.`);
  } catch (error) {
    if (!(error instanceof StrategyFileError)) throw error;
    const { code, message, details, issues } = error;
    if (json) printJson({ valid: false, errors: issues, notices: [], error: { code, message, details } });
    process.exitCode = printFailure(error, false);
  }
}

async function show(nameOrPath: string, options: CommonOptions): Promise<void> {
  const { findStrategy, loadStrategy, planOf } = await import("../strategy/index.js");
  const plan = planOf(loadStrategy(near(findStrategy(nameOrPath, foldersOf(options).strategies))));
  for (const notice of plan.notices) warn(notice);
  if (formatOf(options) === "json") printJson(plan);
  else printData(planText(plan));
}

/** `{period: 14, source: "close"}` as `period 14, source close`. */
function valuesText(values: unknown): string {
  return Object.entries(values as Record<string, unknown>)
    .map(
      ([key, value]) =>
        `${key} ${typeof value === "object" && value !== null ? valuesText(value) : String(value)}`,
    )
    .join(", ");
}

function planText(plan: Plan): string {
  const dates = `${plan.start_date ?? "first bar"} to ${plan.end_date ?? "last bar"}`;
  const base = plan.timeframes.length > 1 ? ` (samples at ${plan.base_timeframe})` : "";
  const lags = plan.lookback_periods === 0 ? "" : `, with lags 1 to ${plan.lookback_periods}`;
  const facts = [
    ["strategy", plan.path === null ? plan.name : `${plan.name} (${plan.path})`],
    ["symbols", plan.symbols.join(" ") || "none: give --symbols"],
    ["timeframes", plan.timeframes.join(" ") + base],
    ["dates", dates],
    ["labels", `${plan.labels.source}: ${valuesText(plan.labels.params)}`],
    ["data split", valuesText(plan.data_split)],
    [
      "network",
      `${plan.architecture.layers.join("-")}, ${plan.architecture.activation}, dropout ${plan.architecture.dropout}`,
    ],
    ["training", valuesText(plan.training)],
    ["decisions", valuesText(plan.decisions)],
  ];
  const width = Math.max(...facts.map(([key]) => key.length));
  const indicators = plan.indicators.map((entry) => [
    entry.feature_id,
    `${entry.name}(${valuesText(entry.params)})`,
    `warm-up ${entry.warm_up} bars`,
  ]);
  const sets = plan.fuzzy_sets.flatMap(({ feature_id: id, input_transform: transform, sets: list }) =>
    list.map((set) => {
      const { type, ...rest } = transform as { type: string };
      const change = type === "identity" ? "" : `${type} ${valuesText(rest)}`;
      return [`${id}_${set.name}`, `${set.type} [${set.parameters.join(", ")}]`, change];
    }),
  );
  return [
    ...facts.map(([key, value]) => `${key.padEnd(width)}  ${value}`),
    "",
    "Indicators",
    leftAligned(indicators),
    "",
    `Inputs: ${plan.inputs.length} in this order, for each of ${plan.timeframes.join(" ")}${lags}`,
    leftAligned(sets),
  ].join("\n");
}

function leftAligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  return rows
    .map((row) => `  ${row.map((text, j) => text.padEnd(widths[j])).join("  ")}`.trimEnd())
    .join("\n");
}

async function list(options: CommonOptions): Promise<void> {
  const { featureNames, loadStrategy, StrategyFileError, strategyFileName, strategyFiles } =
    await import("../strategy/index.js");
  const folder = foldersOf(options).strategies;
  const entries = strategyFiles(folder).map((path) => {
    const file = strategyFileName(path);
    try {
      const strategy = loadStrategy(path);
      const { description } = strategy.document;
      return {
        name: file,
        strategy_name: strategy.name,
        path: near(path),
        valid: true,
        description: typeof description === "string" ? description : null,
        symbols: strategy.symbols,
        timeframes: strategy.timeframes,
        labels: strategy.label.name,
        inputs: featureNames(strategy).length,
        errors: 0,
      };
    } catch (error) {
      if (!(error instanceof StrategyFileError)) throw error;
      const unknown = {
        strategy_name: null,
        description: null,
        symbols: [],
        timeframes: [],
        labels: null,
        inputs: null,
      };
      return { name: file, path: near(path), valid: false, ...unknown, errors: error.issues.length };
    }
  });
  if (formatOf(options) === "json") {
    printJson(entries);
    return;
  }
  if (entries.length === 0) {
    note(`No strategy files (*.yaml, *.yml) in ${near(folder) || folder}.`);
    return;
  }
  const rows = entries.map((entry) =>
    entry.valid
      ? [
          entry.name,
          entry.symbols.join(" "),
          entry.timeframes.join(" "),
          String(entry.labels),
          String(entry.inputs),
        ]
      : [entry.name, `${entry.errors} errors: ktrdr strategies validate ${entry.name}`, "", "", ""],
  );
  printData(alignRows([["name", "symbols", "timeframes", "labels", "inputs"], ...rows]));
}

/** `strategies validate|show|list`. */
export const registerStrategiesCommands: RegisterCommands = (program) => {
  const group = groupOf(program, "strategies", "Checks and shows strategy files.");
  withCommonOptions(
    group
      .command("validate")
      .description("Checks a strategy file and names every error with line and column.")
      .argument("<strategy>", "a file, or a name under config/strategies"),
  ).action(validate);
  withCommonOptions(
    group
      .command("show")
      .description("Shows what a strategy file comes to: inputs in order, labels, split, training.")
      .argument("<strategy>", "a file, or a name under config/strategies"),
  ).action(show);
  withCommonOptions(group.command("list").description("Lists the strategies of config/strategies.")).action(
    list,
  );
};
