import type { Command } from "commander";

/** Adds a group of commands to the program. Group files import heavy modules only inside their actions. */
export type RegisterCommands = (program: Command) => void;

/** The parent command `ktrdr <name>`; created by whoever asks first. */
export function groupOf(program: Command, name: string, description: string): Command {
  return (
    program.commands.find((command) => command.name() === name) ??
    program.command(name).description(description)
  );
}

/** The options that every command which prints a result shares. */
export function withCommonOptions(command: Command): Command {
  return command
    .option("--json", "print one JSON document on stdout")
    .option("--format <format>", "text, csv or json")
    .option("--data-dir <dir>", "folder of bars (default: ./data)")
    .option("--models-dir <dir>", "folder of models (default: ./models)");
}
