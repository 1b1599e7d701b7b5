import type { Command } from "commander";
import { UsageError } from "../core/index.js";

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

/** Reads a flag's value as a whole number from `low` to `high`. */
export function wholeNumber(flag: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new UsageError(
      `${flag}: "${text}" is not allowed. Allowed: a whole number from ${low} to ${high}.`,
    );
  };
}
