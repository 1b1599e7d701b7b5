import { fromErrorData } from "../core/index.js";
import type { StrategyEntry, StrategyPlan } from "../strategy/index.js";
import { apiOf, asksBackend, strategyBody } from "./api.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import {
  alignRows,
  foldersOf,
  near,
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

/** What a check of a strategy says. */
interface Validated {
  readonly valid: boolean;
  readonly errors: readonly object[];
  readonly notices: readonly string[];
  readonly path?: string | null;
  readonly strategy_name?: string;
  readonly inputs?: number;
  readonly error?: { code: string; message: string; details: Record<string, unknown> };
}

async function validated(nameOrPath: string, options: CommonOptions): Promise<Validated> {
  const api = await apiOf(options);
  if (api !== null) {
    const body = strategyBody(nameOrPath);
    const name = "strategy_name" in body ? `/${encodeURIComponent(body.strategy_name)}` : "";
    return api.data(`/strategies/validate${name}`, { method: "POST", ...(name === "" ? { body } : {}) });
  }
  const { featureNames, findStrategy, loadStrategy, StrategyFileError } =
    await import("../strategy/index.js");
  const path = near(findStrategy(nameOrPath, foldersOf(options).strategies));
  try {
    const strategy = loadStrategy(path);
    const { name, notices } = strategy;
    const inputs = featureNames(strategy).length;
    return { valid: true, errors: [], notices, path, strategy_name: name, inputs };
  } catch (error) {
    if (!(error instanceof StrategyFileError)) throw error;
    const { code, message, details, issues } = error;
    return { valid: false, errors: issues, notices: [], error: { code, message, details } };
  }
}

async function validate(nameOrPath: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const { valid, errors, notices, path, strategy_name, inputs, error } = await validated(nameOrPath, options);
  for (const notice of notices) warn(notice);
  if (json) printJson({ valid, errors, notices, ...(error === undefined ? {} : { error }) });
  else if (valid) printData(`${near(path ?? "")} is valid: strategy ${strategy_name}, ${inputs} inputs.`);
  if (error === undefined) return;
  const data = { ...error, isUsage: false, name: "StrategyFileError", stack: "" };
  process.exitCode = printFailure(fromErrorData(data), false);
}

async function planned(nameOrPath: string, options: CommonOptions): Promise<StrategyPlan> {
  const api = await apiOf(options);
  if (api !== null) {
    const body = strategyBody(nameOrPath);
    if ("strategy_name" in body) return api.data(`/strategies/${encodeURIComponent(body.strategy_name)}`);
    return api.data("/strategies/show", { method: "POST", body });
  }
  const { findStrategy, loadStrategy, planOf } = await import("../strategy/index.js");
  return planOf(loadStrategy(near(findStrategy(nameOrPath, foldersOf(options).strategies))));
}

async function show(nameOrPath: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const found = await planned(nameOrPath, options);
  const plan = { ...found, path: found.path === null ? null : near(found.path) };
  for (const notice of plan.notices) warn(notice);
  if (json) printJson(plan);
  else printText(planText(plan));
}

async function list(options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const api = await apiOf(options);
  const folder = foldersOf(options).strategies;
  const found =
    api === null
      ? (await import("../strategy/index.js")).strategyEntries(folder)
      : await api.data<StrategyEntry[]>("/strategies");
  const entries = found.map((entry) => ({ ...entry, path: near(entry.path) }));
  if (json) {
    printJson(entries);
    return;
  }
  if (entries.length === 0) {
    note(
      `No strategy files (*.yaml, *.yml) ${api === null ? `in ${near(folder) || folder}` : "on the backend"}.`,
    );
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
  asksBackend(
    withCommonOptions(
      group
        .command("validate")
        .description("Check a strategy file; every error is named, with line and column.")
        .argument("<strategy>", "a file, or a name under config/strategies"),
    ),
  ).action(validate);
  asksBackend(
    withCommonOptions(
      group
        .command("show")
        .description("What a strategy file comes to: inputs in order, labels, split, training.")
        .argument("<strategy>", "a file, or a name under config/strategies"),
    ),
  ).action(show);
  asksBackend(
    withCommonOptions(group.command("list").description("The strategy files of config/strategies.")),
  ).action(list);
};
