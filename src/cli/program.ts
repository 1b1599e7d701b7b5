import { Command, CommanderError } from "commander";
import { refuseLocalCommand } from "./api.js";
import { registerBacktestCommands } from "./backtest.js";
import type { RegisterCommands } from "./command.js";
import { registerDataCommands } from "./data.js";
import { registerImportCommand } from "./data-import.js";
import { registerSampleCommand } from "./data-sample.js";
import { registerDevicesCommand } from "./devices.js";
import { registerFeaturesCommands } from "./features.js";
import { registerFuzzyCommands } from "./fuzzy.js";
import { registerIndicatorsCommands } from "./indicators.js";
import { registerHostCommands } from "./host.js";
import { printData, printFailure, printJson } from "./io.js";
import { registerLabelsCommands } from "./labels.js";
import { registerModelsCommands } from "./models.js";
import { registerTrainCommand } from "./models-train.js";
import { registerDiffCommand } from "./models-diff.js";
import { registerRulesCommand } from "./models-rules.js";
import { registerModelUseCommands } from "./models-use.js";
import { registerOperationsCommands } from "./operations.js";
import { registerServeCommand } from "./serve.js";
import { registerStrategiesCommands } from "./strategies.js";
import { registerWalkForwardCommand } from "./walk-forward.js";

const groups: RegisterCommands[] = [
  registerDataCommands,
  registerImportCommand,
  registerSampleCommand,
  registerDevicesCommand,
  registerFeaturesCommands,
  registerFuzzyCommands,
  registerHostCommands,
  registerIndicatorsCommands,
  registerLabelsCommands,
  registerTrainCommand,
  registerModelUseCommands,
  registerRulesCommand,
  registerDiffCommand,
  registerModelsCommands,
  registerBacktestCommands,
  registerWalkForwardCommand,
  registerOperationsCommands,
  registerServeCommand,
  registerStrategiesCommands,
];

function createProgram(): Command {
  const program = new Command("ktrdr");
  program
    .description("Trains, tests and explains neuro-fuzzy trading strategies.")
    .version("0.1.0", "-V, --version")
    .showSuggestionAfterError(true);
  for (const register of groups) register(program);
  program.hook("preAction", (_program, command) => refuseLocalCommand(command));
  return program;
}

/** `exitOverride` and silent error output on every command, so that errors are printed once, by us. */
function throwInsteadOfExit(command: Command, json: boolean): void {
  command.exitOverride();
  command.configureOutput({ outputError: () => undefined, ...(json ? { writeErr: () => undefined } : {}) });
  for (const child of command.commands) throwInsteadOfExit(child, json);
}

/** Known before parsing, so that wrong usage is JSON too. */
function asksForJson(argv: readonly string[]): boolean {
  return (
    argv.includes("--json") ||
    argv.some(
      (word, i) => /^--format=json$/i.test(word) || (word === "--format" && /^json$/i.test(argv[i + 1])),
    )
  );
}

/** The words at the beginning that name a command: `models train`. */
function commandPath(program: Command, argv: readonly string[]): string {
  const names = [program.name()];
  let command = program;
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    names.push(word);
    command = next;
  }
  return names.join(" ");
}

/** Runs one command line; returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  if (argv.length === 0) {
    const { welcomeText } = await import("./welcome.js");
    printData(welcomeText());
    return 0;
  }
  const json = asksForJson(argv);
  const program = createProgram();
  throwInsteadOfExit(program, json);
  try {
    await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") return 2;
      const what = error.message
        .replace(/^error: /, "")
        .replace(/\.$/, "")
        .replace(/\n\(Did you mean (.*)\?\)$/, '. Did you mean "$1"?');
      const message = `${what}${what.endsWith("?") ? "" : "."} See "${commandPath(program, argv)} --help".`;
      if (json) printJson({ error: { code: "WRONG_USAGE", message, details: {} } });
      process.stderr.write(`error: ${message}\n`);
      return 2;
    }
    return printFailure(error, json);
  }
}
