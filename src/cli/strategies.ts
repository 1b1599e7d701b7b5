import { relative } from "node:path";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import {
  alignRows,
  foldersOf,
  note,
  printData,
  printText,
  printFailure,
  printJson,
  wantsJson,
  warn,
} from "./io.js";
import type { CommonOptions } from "./io.js";
import { planText } from "./plan-text.js";

/** Paths as people type them: relative to the current folder where the file lies below it. */
function near(path: string): string {
  const short = relative("", path);
  return short.startsWith("..") ? path : short;
}

async function validate(nameOrPath: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
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
  const json = wantsJson(options);
  const { findStrategy, loadStrategy, planOf } = await import("../strategy/index.js");
  const plan = planOf(loadStrategy(near(findStrategy(nameOrPath, foldersOf(options).strategies))));
  for (const notice of plan.notices) warn(notice);
  if (json) printJson(plan);
  else printText(planText(plan));
}

async function list(options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const { strategyEntries } = await import("../strategy/index.js");
  const folder = foldersOf(options).strategies;
  const entries = strategyEntries(folder).map((entry) => ({ ...entry, path: near(entry.path) }));
  if (json) {
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
  const group = groupOf(program, "strategies", "Check, show and list strategy files.");
  withCommonOptions(
    group
      .command("validate")
      .description("Check a strategy file; every error is named, with line and column.")
      .argument("<strategy>", "a file, or a name under config/strategies"),
  ).action(validate);
  withCommonOptions(
    group
      .command("show")
      .description("What a strategy file comes to: inputs in order, labels, split, training.")
      .argument("<strategy>", "a file, or a name under config/strategies"),
  ).action(show);
  withCommonOptions(group.command("list").description("The strategy files of config/strategies.")).action(
    list,
  );
};
